// @ts-check
/**
 * @file Runs an artifact: the Wasm logic, without workers, messages or DOM.
 *
 * Loading makes the memory, writes the data segments, and runs the init steps one by one, each after the weights that
 * it needs were copied from the model's file. Running is SPMD: every thread calls the same exported `run`, which
 * splits each step's work by thread number and holds its own barriers.
 *
 *     run(table, first, count, thread, threads)
 */

import { InternalError, InvalidInputError, InvalidModelError, LimitError } from './errors.js';
import { checkFeeds } from './feeds.js';
import { ARRAYS } from './tensor.js';

/** @typedef {import('./protocol.js').Artifact} Artifact */
/** @typedef {import('./protocol.js').Enlistment} Enlistment */
/** @typedef {import('./protocol.js').Feeds} Feeds */
/** @typedef {import('./protocol.js').Meta} Meta */
/** @typedef {(table: number, first: number, count: number, thread: number, threads: number) => void} Run */

const PAGE = 65536;
const VERSION = 1;

const STATUS = 16 / 4; // where a kernel writes that it met invalid data

// Words of the memory's reserved first kilobyte that belong to the host; the module's own barriers use bytes 64 to 127.
// Each has a cache line of its own.
const GENERATION = 512 / 4; // counts runs; a change wakes the followers
const FINISHED = 576 / 4; // followers that are through with this run
const DISMISSED = 640 / 4; // 1 once the followers are free to go

const SPIN_MS = 1.5; // longer than the gap between runs in a tight loop, short enough not to heat an idle machine

const now = () => performance.now();
/** A hint to the processor inside spin loops, where the engine has it. */
const pause = /** @type {{pause?: () => void}} */ (/** @type {unknown} */ (Atomics)).pause ?? (() => {});

/** A loaded model on the thread that leads. */
export class Runtime {
  #memory;
  #meta;
  #run;
  #control;
  /** How many threads run it, this one included. */
  threads = 1;

  /**
   * @param {WebAssembly.Module} module
   * @param {WebAssembly.Memory} memory
   * @param {Meta} meta
   * @param {Run} run
   */
  constructor(module, memory, meta, run) {
    /** @readonly */ this.module = module;
    this.#memory = memory;
    this.#meta = meta;
    this.#run = run;
    this.#control = new Int32Array(memory.buffer, 0, 256);
  }

  /**
   * Makes a model ready to run. `model` is the file that the artifact was compiled from; it isn't kept.
   * @param {Artifact} artifact
   * @param {ArrayBuffer} model
   */
  static async load({ meta, code, data }, model) {
    if (meta.version !== VERSION) throw new InternalError(`artifact version ${meta.version}, but this runtime reads ${VERSION}`);
    const memory = makeMemory(meta);
    const module = await WebAssembly.compile(/** @type {BufferSource} */ (code));
    const run = await instantiate(module, memory);
    const bytes = new Uint8Array(memory.buffer);
    let at = 0;
    for (const [dst, nbytes] of meta.segments) {
      bytes.set(data.subarray(at, at + nbytes), dst);
      at += nbytes;
    }
    initialise(meta, run, bytes, new Uint8Array(model));
    return new Runtime(module, memory, meta, run);
  }

  /** The bytes of memory that the model holds. */
  get memoryBytes() {
    return this.#memory.buffer.byteLength;
  }

  /**
   * What a worker needs to become thread `thread` of `threads`.
   * @param {number} thread
   * @param {number} threads
   * @returns {Enlistment}
   */
  enlistment(thread, threads) {
    return { module: this.module, memory: this.#memory, main: this.#meta.main, thread, threads };
  }

  /**
   * Runs once: copies the inputs in, computes, and copies the outputs out.
   * @param {Feeds} feeds
   * @returns {Feeds} arrays that own their memory
   */
  run(feeds) {
    checkFeeds(this.#meta.inputs, feeds);
    const bytes = new Uint8Array(this.#memory.buffer);
    for (const { name, offset } of this.#meta.inputs) {
      const { buffer, byteOffset, byteLength } = feeds[name].data;
      bytes.set(new Uint8Array(buffer, byteOffset, byteLength), offset);
    }
    if (this.#compute() !== 0) {
      throw new InvalidInputError('an index in the input lies outside the tensor that it points into');
    }
    /** @type {Feeds} */
    const outputs = {};
    for (const { name, dtype, shape, offset, nbytes } of this.#meta.outputs) {
      const copy = new Uint8Array(nbytes);
      copy.set(bytes.subarray(offset, offset + nbytes));
      outputs[name] = { type: dtype, data: new ARRAYS[dtype](copy.buffer), dims: shape };
    }
    return outputs;
  }

  /** Runs on zeros, so that engines compile the hot functions before the first real input. */
  warmUp() {
    const bytes = new Uint8Array(this.#memory.buffer);
    // Written each time: other values may take the inputs' place in memory once they are used.
    for (const { offset, nbytes } of this.#meta.inputs) bytes.fill(0, offset, offset + nbytes);
    this.#compute();
  }

  /** Lets the followers go. The runtime can't be used after it. */
  dismiss() {
    Atomics.store(this.#control, DISMISSED, 1);
    this.#wakeFollowers();
  }

  #wakeFollowers() {
    Atomics.add(this.#control, GENERATION, 1);
    Atomics.notify(this.#control, GENERATION);
  }

  /** Runs all steps; gives a kernel's complaint about the data, or 0. */
  #compute() {
    const { table, steps } = this.#meta.main;
    const others = this.threads - 1;
    if (others > 0) {
      Atomics.store(this.#control, FINISHED, 0);
      this.#wakeFollowers();
    }
    this.#run(table, 0, steps, 0, this.threads);
    let done = others > 0 ? Atomics.load(this.#control, FINISHED) : 0;
    while (done < others) done = awaitChange(this.#control, FINISHED, done);
    return Atomics.exchange(this.#control, STATUS, 0);
  }
}

/**
 * Serves as one of a model's threads until the leader dismisses it; the worker hears no messages meanwhile.
 * @param {Enlistment} enlistment
 * @param {() => void} onReady called just before the first wait
 */
export async function follow({ module, memory, main, thread, threads }, onReady) {
  const run = await instantiate(module, memory);
  const control = new Int32Array(memory.buffer, 0, 256);
  onReady();
  let seen = 0; // the leader's first run makes it 1
  for (;;) {
    awaitChange(control, GENERATION, seen);
    if (Atomics.load(control, DISMISSED)) return;
    seen = (seen + 1) | 0;
    run(main.table, 0, main.steps, thread, threads);
    Atomics.add(control, FINISHED, 1);
    Atomics.notify(control, FINISHED);
  }
}

/**
 * Waits until a word differs from `old`: spins for a moment, since waking a sleeping thread takes long, then sleeps.
 * @param {Int32Array} control
 * @param {number} index
 * @param {number} old
 * @returns {number} the new value
 */
function awaitChange(control, index, old) {
  const deadline = now() + SPIN_MS;
  do {
    for (let i = 0; i < 64; i++) {
      const value = Atomics.load(control, index);
      if (value !== old) return value;
      pause();
    }
  } while (now() < deadline);
  for (;;) {
    Atomics.wait(control, index, old);
    const value = Atomics.load(control, index);
    if (value !== old) return value;
  }
}

/**
 * @param {Meta} meta
 * @returns {WebAssembly.Memory}
 */
function makeMemory({ pages, shared }) {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
  } catch (error) {
    const size = Math.ceil((pages * PAGE) / 2 ** 20);
    throw new LimitError(`the model needs ${size} MiB of memory, and the browser can't give that much (${error})`);
  }
}

/**
 * @param {WebAssembly.Module} module
 * @param {WebAssembly.Memory} memory
 * @returns {Promise<Run>}
 */
async function instantiate(module, memory) {
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  return /** @type {Run} */ (instance.exports.run);
}

/**
 * Runs the init steps, copying each step's weights from the file just before it, so that buffers may be used again.
 * @param {Meta} meta
 * @param {Run} run
 * @param {Uint8Array} bytes the memory
 * @param {Uint8Array} file the model
 */
function initialise({ copies, init }, run, bytes, file) {
  let next = 0;
  for (let step = 0; step <= init.steps; step++) {
    for (; next < copies.length && copies[next][0] === step; next++) {
      const [, index, src, nbytes, dst] = copies[next];
      if (index !== 0) throw new InvalidModelError("the model's weights are in another file, which a page can't open");
      if (src + nbytes > file.length) throw new InvalidModelError(`weights end at byte ${src + nbytes} of a file of ${file.length}`);
      bytes.set(file.subarray(src, src + nbytes), dst);
    }
    if (step < init.steps) run(init.table, step, 1, 0, 1);
  }
  if (next !== copies.length) throw new InternalError('copies are not sorted by init step');
}
