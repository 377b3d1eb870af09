// @ts-check
/** @file What numbers are like: their range, mean and deviation, and how they are spread. */

import { decoder } from './values.js';

/** @typedef {{min: number, max: number, mean: number, deviation: number, odd: number}} Statistics */
/** Counts of values in equal parts of the range from `min` to `max`. @typedef {{min: number, max: number, counts: number[]}} Histogram */

/**
 * @param {string} type
 * @param {import('../../tensor.js').TypedArray} data
 * @returns {Statistics} odd: how many are not finite
 */
export function statisticsOf(type, data) {
  const decode = decoder(type);
  let [min, max, sum, squares, odd] = [Infinity, -Infinity, 0, 0, 0];
  for (const element of data) {
    const value = decode(element);
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

/**
 * @param {string} type
 * @param {import('../../tensor.js').TypedArray} data
 * @param {Statistics} statistics
 * @param {number} [parts]
 * @returns {Histogram | null} null where there is nothing to spread
 */
export function histogramOf(type, data, { min, max }, parts = 24) {
  if (!(max > min)) return null;
  const decode = decoder(type);
  const counts = new Array(parts).fill(0);
  for (const element of data) {
    const value = decode(element);
    if (Number.isFinite(value)) counts[Math.min(parts - 1, Math.floor(((value - min) / (max - min)) * parts))]++;
  }
  return { min, max, counts };
}
