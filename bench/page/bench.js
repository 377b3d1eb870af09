// @ts-check
/**
 * @file One runtime on one page. The driver calls `bench.create` once, then `bench.burst` in turns with other pages.
 */

import { spin } from './spin.js';

/** @typedef {import('./feeds.js').Subject} Subject */
/** @typedef {import('./feeds.js').Task} Task */

const PATIENCE_MS = 180_000; // for one call: a runtime that hangs is a row with an error

const name = new URLSearchParams(location.search).get('runtime');
/** @type {Subject} */
let subject;

const bench = {
  /** Loads the model; the first run and its time are part of it. @param {Task} task */
  async create(task) {
    const { create } = await import(`./${name}.js`);
    const start = performance.now();
    subject = await inTime(create(task));
    const created = performance.now();
    await inTime(subject.run());
    return { createMs: created - start, firstRunMs: performance.now() - created, ...subject.details };
  },

  /** Runs a few times in a row; each sample comes with the time of a spin beside it. @param {number} runs */
  async burst(runs) {
    const samples = [];
    await inTime(subject.run()); // caches belong to somebody else after a pause
    for (let i = 0; i < runs; i++) {
      const before = spin();
      const start = performance.now();
      await subject.run();
      const ms = performance.now() - start;
      samples.push({ ms, spin: Math.max(before, spin()) });
    }
    return samples;
  },

  /** The first output, to see that all runtimes compute the same. */
  async output() {
    return Array.from(await inTime(subject.run()), Number);
  },
};

/**
 * @template T
 * @param {Promise<T>} work
 * @returns {Promise<T>}
 */
function inTime(work) {
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error(`no answer in ${PATIENCE_MS / 1000} s`)), PATIENCE_MS));
  return /** @type {Promise<T>} */ (Promise.race([work, late]));
}

Object.assign(globalThis, { bench });
