// @ts-check
/**
 * @file Times each step of a compiled model by itself, in the order of the program and on its real memory, so that
 * caches and values are those of a real run. One thread, no Python.
 */

import { measurePeak, spin } from './spin.js';

/**
 * @typedef {import('../../web/protocol.js').Meta} Meta
 * @typedef {{meta: Meta, run: (table: number, first: number, count: number, thread: number, threads: number, epoch: number) => void,
 *   bytes: Uint8Array, inputs: Uint8Array[]}} Loaded
 */

const SHORT_MS = 0.03; // six ticks of a clock of 5 microseconds

/** @type {Loaded} */
let loaded;

/** @param {string} url */
async function read(url) {
  return new Uint8Array(await (await fetch(url)).arrayBuffer());
}

const micro = {
  measurePeak,

  /** Loads an artifact, its model and its inputs; `name` as published. @param {string} name */
  async load(name) {
    const meta = await (await fetch(`${name}.json`)).json();
    const memory = new WebAssembly.Memory({ initial: meta.pages });
    const module = await WebAssembly.instantiate(await read(`${name}.wasm`), { env: { memory } });
    const run = /** @type {Loaded['run']} */ (module.instance.exports.run);
    const bytes = new Uint8Array(memory.buffer);
    const data = await read(`${name}.data`);
    let at = 0;
    for (const [target, size] of meta.segments) {
      bytes.set(data.subarray(at, at + size), target);
      at += size;
    }
    const model = await read(`models/${name}.onnx`);
    let next = 0;
    for (let step = 0; step <= meta.init.steps; step++) {
      for (; next < meta.copies.length && meta.copies[next][0] === step; next++) {
        const [, , from, size, target] = meta.copies[next];
        bytes.set(model.subarray(from, from + size), target);
      }
      if (step < meta.init.steps) run(meta.init.table, step, 1, 0, 1, 0);
    }
    const inputs = [];
    for (let i = 0; i < meta.inputs.length; i++) inputs.push(await read(`models/${name}.${i}.bin`));
    loaded = { meta, run, bytes, inputs };
  },

  /** Whole runs, so that the engine's best code is there. @param {number} times */
  warmUp(times) {
    const start = performance.now();
    for (let i = 0; i < times && performance.now() - start < 4000; i++) {
      writeInputs();
      loaded.run(loaded.meta.main.table, 0, loaded.meta.main.steps, 0, 1, 0);
    }
  },

  /**
   * Times whole runs, and steps one by one.
   * @param {number} sweeps
   * @returns {{whole: number[], steps: number[][], spins: number[]}} milliseconds; steps by sweep
   */
  sweep(sweeps) {
    const { meta, run } = loaded;
    const { table, steps } = meta.main;
    const repeats = chooseRepeats();
    const whole = [];
    const times = [];
    const spins = [];
    for (let s = 0; s < sweeps; s++) {
      const before = spin();
      writeInputs();
      const start = performance.now();
      run(table, 0, steps, 0, 1, 0);
      whole.push(performance.now() - start);
      writeInputs();
      const sample = new Array(steps);
      let last = performance.now();
      for (let k = 0; k < steps; k++) {
        for (let r = 0; r < repeats[k]; r++) run(table, k, 1, 0, 1, 0);
        const now = performance.now();
        sample[k] = (now - last) / repeats[k];
        last = now;
      }
      times.push(sample);
      spins.push(Math.max(before, spin()));
    }
    return { whole, steps: times, spins };
  },
};

/**
 * How often each step is run for one sample: those that the clock can't resolve are repeated on warm caches.
 * A step in place then works on its own results, which changes values and not the work.
 */
function chooseRepeats() {
  const { meta, run } = loaded;
  const { table, steps } = meta.main;
  const repeats = new Array(steps);
  writeInputs();
  for (let k = 0; k < steps; k++) {
    let least = Infinity;
    for (let i = 0; i < 3; i++) {
      const start = performance.now();
      run(table, k, 1, 0, 1, 0);
      least = Math.min(least, performance.now() - start);
    }
    repeats[k] = least > SHORT_MS ? 1 : Math.min(200, Math.ceil(SHORT_MS / Math.max(least, 0.0002)));
  }
  return repeats;
}

/** Written each time: other values may take the inputs' place in memory once they are used. */
function writeInputs() {
  loaded.meta.inputs.forEach(({ offset }, i) => loaded.bytes.set(loaded.inputs[i], offset));
}

Object.assign(globalThis, { micro });
