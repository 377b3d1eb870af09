// @ts-check
/** @file Tries any model: sizes for its symbolic dimensions, random inputs, and a few timed runs. */

import { filled, generator } from './tensors/values.js';

/** @typedef {import('../protocol.js').ModelInfo} ModelInfo */
/** @typedef {import('../protocol.js').Signature} Signature */
/** @typedef {import('../session.js').InferenceSession} InferenceSession */
/** @typedef {import('../tensor.js').Tensor} Tensor */

/** Times of runs on the same inputs in ms, in order, and what came out. @typedef {{times: number[], outputs: Record<string, Tensor>}} Trial */

const MAX_RUNS = 20;
const BUDGET_MS = 1000;
const IMAGE_SIDE = 224; // a usual size of pictures
const SEQUENCE = 16;

/**
 * The symbolic dimensions of a model with a likely size for each.
 * @param {ModelInfo} info
 * @returns {Record<string, number>}
 */
export function likelyDims(info) {
  /** @type {Record<string, number>} */
  const dims = {};
  for (const input of info.inputs) {
    input.shape?.forEach((dim, axis) => {
      if (typeof dim === 'string') dims[dim] ??= likelySize(input, dim, axis);
    });
  }
  return dims;
}

/**
 * @param {Signature} input
 * @param {string} name
 * @param {number} axis
 */
function likelySize({ shape }, name, axis) {
  if (axis === 0 || /batch/i.test(name)) return 1;
  if (shape?.length === 4) {
    const isLast = [1, 3, 4].includes(/** @type {number} */ (shape[3])); // channels
    if (isLast ? axis < 3 : axis > 1) return IMAGE_SIDE;
  }
  return /seq|len|time|^t$/i.test(name) ? SEQUENCE : 1;
}

/**
 * Random inputs for a model: floats from -1 to 1, whole numbers 0 or 1. The same seed gives the same.
 * @param {InferenceSession} session
 * @returns {Record<string, Tensor>}
 */
export function randomFeeds(session) {
  const random = generator(1);
  return Object.fromEntries(session.inputMetadata.map(({ name, type, compiled }) => [name, filled('random', type, compiled, random)]));
}

/**
 * Runs a model until a second or twenty runs are over.
 * @param {InferenceSession} session
 * @param {Record<string, Tensor>} feeds
 * @returns {Promise<Trial>}
 */
export async function tryOut(session, feeds) {
  /** @type {number[]} */
  const times = [];
  const end = performance.now() + BUDGET_MS;
  let outputs;
  do {
    outputs = await session.run(feeds);
    times.push(/** @type {number} */ (session.stats.runMs));
  } while (times.length < MAX_RUNS && performance.now() < end);
  return { times, outputs };
}
