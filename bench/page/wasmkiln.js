// @ts-check
/** @file wasmkiln as the benchmark drives it. */

import { boot } from '../compiler.js';
import { chooseThreads, probe } from '../features.js';
import { InferenceSession, Tensor } from '../session.js';
import { readFeeds } from './feeds.js';

/**
 * @param {import('./feeds.js').Task} task
 * @param {'relaxed' | 'baseline'} [simd] by default the best that the browser has
 * @param {boolean} [cache] keeps the compiled model, and opens one that was kept
 */
export async function create(task, simd, cache = false) {
  const shapes = Object.fromEntries(task.inputs.map(({ name, shape }) => [name, shape]));
  // As a page has it: as many as are usual here leave it to the session whether a small model takes fewer.
  const threads = task.threads === chooseThreads(probe()).value ? undefined : task.threads;
  const session = await InferenceSession.create(new URL(task.model, location.href), { threads, shapes, simd, cache });
  const feeds = Object.fromEntries((await readFeeds(task)).map(({ name, dtype, shape, data }) => [name, new Tensor(/** @type {any} */ (dtype), data, shape)]));
  return {
    details: { stats: session.stats, boot: (await boot()).steps },
    async run() {
      const outputs = await session.run(feeds);
      return outputs[session.outputNames[0]].data;
    },
  };
}
