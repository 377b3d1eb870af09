// @ts-check
/** @file Tries any model: sizes for its symbolic dimensions, random inputs, a few timed runs, and what came out. */

import { ARRAYS, count } from '../tensor-data.js';
import { Tensor } from '../tensor.js';

/** @typedef {import('../protocol.js').ModelInfo} ModelInfo */
/** @typedef {import('../protocol.js').Signature} Signature */
/** @typedef {import('../session.js').InferenceSession} InferenceSession */

/** @typedef {{min: number, max: number, mean: number, deviation: number, odd: number}} Statistics */
/** @typedef {{name: string, type: string, dims: readonly number[], statistics: Statistics}} OutputSummary */
/** @typedef {{times: number[], outputs: OutputSummary[]}} Trial */

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
 * Runs a model on random inputs, until a second or twenty runs are over.
 * @param {InferenceSession} session
 * @returns {Promise<Trial>} times in ms, in order
 */
export async function tryOut(session) {
  const random = generator(1);
  const feeds = Object.fromEntries(session.inputMetadata.map(({ name, type, compiled }) => [name, randomTensor(type, compiled, random)]));
  /** @type {number[]} */
  const times = [];
  const end = performance.now() + BUDGET_MS;
  let outputs;
  do {
    outputs = await session.run(feeds);
    times.push(/** @type {number} */ (session.stats.runMs));
  } while (times.length < MAX_RUNS && performance.now() < end);
  const summaries = Object.entries(outputs).map(([name, { type, dims, data }]) => ({ name, type, dims, statistics: statisticsOf(type, /** @type {import('../tensor-data.js').TypedArray} */ (data)) }));
  return { times, outputs: summaries };
}

/**
 * Uniform numbers in [0, 1), the same for the same seed (mulberry32), so that a trial can be repeated.
 * @param {number} seed
 */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Floats in [-1, 1); whole numbers 0 or 1, which are safe as indices.
 * @param {string} type
 * @param {readonly number[]} shape
 * @param {() => number} random
 */
function randomTensor(type, shape, random) {
  const data = new ARRAYS[type](count(shape));
  for (let i = 0; i < data.length; i++) data[i] = /** @type {never} */ (randomValue(type, random()));
  return new Tensor(/** @type {any} */ (type), data, shape);
}

/**
 * @param {string} type
 * @param {number} r in [0, 1)
 * @returns {number | bigint}
 */
function randomValue(type, r) {
  if (type === 'float32' || type === 'float64') return r * 2 - 1;
  if (type === 'float16') return ((r * 0x3c00) | 0) | (r < 0.5 ? 0x8000 : 0); // the bits of a number between -1 and 1
  if (type === 'bfloat16') return ((r * 0x3f80) | 0) | (r < 0.5 ? 0x8000 : 0);
  const bit = r < 0.5 ? 0 : 1;
  return type === 'int64' || type === 'uint64' ? BigInt(bit) : bit;
}

/**
 * @param {string} type
 * @param {import('../tensor-data.js').TypedArray} data
 * @returns {Statistics} odd: how many are not finite
 */
export function statisticsOf(type, data) {
  let [min, max, sum, squares, odd] = [Infinity, -Infinity, 0, 0, 0];
  for (const element of data) {
    const value = type === 'float16' ? fromHalf(Number(element)) : type === 'bfloat16' ? fromBrain(Number(element)) : Number(element);
    if (!Number.isFinite(value)) {
      odd++;
      continue;
    }
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
    squares += value * value;
  }
  const n = data.length - odd;
  const mean = sum / n;
  return { min, max, mean, deviation: Math.sqrt(Math.max(0, squares / n - mean * mean)), odd };
}

/** @param {number} bits */
function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 0x3ff];
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24);
}

/** @param {number} bits */
function fromBrain(bits) {
  return new Float32Array(new Uint32Array([bits << 16]).buffer)[0];
}
