// @ts-check
/**
 * @file One runtime on one page. The driver calls `bench.create` once, then `bench.burst` in turns with other pages.
 */

/**
 * @typedef {{run(): Promise<Float32Array>, details: Record<string, unknown>}} Subject
 * @typedef {{model: string, threads: number, input: string, shape: number[]}} Task
 */

const name = new URLSearchParams(location.search).get('runtime');
/** @type {Subject} */
let subject;

/** A fixed amount of integer work, to tell a disturbed machine from a slow runtime. */
function spin() {
  const start = performance.now();
  let x = 1;
  for (let i = 0; i < 400_000; i++) x = Math.imul(x, 1664525) + 1013904223;
  return { ms: performance.now() - start, x };
}

/** Values that are the same in every runtime: a cheap generator, roughly uniform on [-1, 1). */
export function values(/** @type {number} */ count) {
  const out = new Float32Array(count);
  let x = 12345;
  for (let i = 0; i < count; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    out[i] = x / 2 ** 31 - 1;
  }
  return out;
}

const bench = {
  /** Loads the model; the first run and its time are part of it. @param {Task} task */
  async create(task) {
    const { create } = await import(`./${name}.js`);
    const start = performance.now();
    subject = await create(task);
    const created = performance.now();
    await subject.run();
    return { createMs: created - start, firstRunMs: performance.now() - created, ...subject.details };
  },

  /** Runs a few times in a row; each sample comes with the time of a spin beside it. @param {number} runs */
  async burst(runs) {
    const samples = [];
    await subject.run(); // caches belong to somebody else after a pause
    for (let i = 0; i < runs; i++) {
      const before = spin().ms;
      const start = performance.now();
      await subject.run();
      const ms = performance.now() - start;
      samples.push({ ms, spin: Math.max(before, spin().ms) });
    }
    return samples;
  },

  /** The first output, to see that all runtimes compute the same. */
  async output() {
    return Array.from(await subject.run());
  },
};

Object.assign(globalThis, { bench });
