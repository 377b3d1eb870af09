// @ts-check
/** @file wasmkiln without relaxed SIMD, as in a browser that lacks it. */

import { create as createAtLevel } from './wasmkiln.js';

/** @param {import('./feeds.js').Task} task */
export function create(task) {
  return createAtLevel(task, 'baseline');
}
