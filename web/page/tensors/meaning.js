// @ts-check
/** @file What an output may mean: scores of classes, or pictures. */

import { decoder, elementsOf } from './values.js';

/** @typedef {import('../../tensor.js').Tensor} Tensor */
/** @typedef {import('./statistics.js').Statistics} Statistics */
/** @typedef {{image: ImageData, caption: string}} Picture */

const SMALLEST = 16; // pixels: less is hardly a picture
const MOST_PICTURES = 4;

/**
 * The classes with the highest scores, as probabilities; `are` says what was done to make them so.
 * @param {Tensor} tensor
 * @param {number} count
 * @returns {{classes: {index: number, score: number}[], are: string}}
 */
export function topClasses(tensor, count) {
  const scores = Array.from(/** @type {ArrayLike<number | bigint>} */ (elementsOf(tensor)), decoder(tensor.type));
  const sum = scores.reduce((a, b) => a + b, 0);
  const isUnit = scores.every((score) => score >= 0 && score <= 1.0001);
  const isProbable = isUnit && Math.abs(sum - 1) < 0.02;
  const values = isProbable || isUnit ? scores : softmax(scores);
  const order = Array.from(values.keys()).sort((a, b) => values[b] - values[a] || a - b);
  const are = isProbable ? 'The model gives probabilities.' : isUnit ? 'Each class has a score of its own, from 0 to 1.' : 'The model gives scores; softmax made probabilities of them.';
  return { classes: order.slice(0, count).map((index) => ({ index, score: values[index] })), are };
}

/** @param {number[]} scores */
function softmax(scores) {
  const highest = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = scores.map((score) => Math.exp(score - highest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/**
 * The pictures that a tensor may hold: grey or coloured ones, or maps in which each pixel has a class.
 * @param {Tensor} tensor
 * @param {Statistics} statistics
 * @param {boolean} [isBgr] whether colours are in the order blue, green, red
 * @returns {Picture[]}
 */
export function picturesOf(tensor, { min, max }, isBgr = false) {
  const place = placeOf(tensor.dims);
  if (!place || !(max > min)) return [];
  const read = reader(tensor, place);
  const { from, to, told } = rangeOf(min, max);
  const level = (/** @type {number} */ value) => ((value - from) / (to - from)) * 255;
  if (place.channels === 3) return [{ image: paint(place, (y, x) => (isBgr ? [2, 1, 0] : [0, 1, 2]).map((c) => level(read(c, y, x)))), caption: `a colour picture, ${told}` }];
  const greys = Math.min(place.channels, MOST_PICTURES);
  return Array.from({ length: greys }, (_, c) => {
    const which = place.channels > 1 ? `channel ${c + 1} of ${place.channels}` : 'a grey picture';
    return {
      image: paint(place, (y, x) => {
        const grey = level(read(c, y, x));
        return [grey, grey, grey];
      }),
      caption: `${which}, ${told}`,
    };
  });
}

/** @typedef {{channels: number, height: number, width: number, isFirst: boolean}} Place */

/**
 * @param {readonly number[]} dims
 * @returns {Place | null}
 */
function placeOf(dims) {
  const rest = dims.length > 3 && dims[0] === 1 ? dims.slice(1) : dims;
  if (rest.length === 2) return checked(1, rest[0], rest[1], true);
  if (rest.length !== 3) return null;
  const [a, b, c] = rest;
  return c <= 4 && a > c ? checked(c, a, b, false) : checked(a, b, c, true);
}

/**
 * @param {number} channels
 * @param {number} height
 * @param {number} width
 * @param {boolean} isFirst
 */
function checked(channels, height, width, isFirst) {
  const isPicture = height >= SMALLEST && width >= SMALLEST && height * width <= 4096 * 4096 && channels <= 64;
  return isPicture ? { channels, height, width, isFirst } : null;
}

/**
 * @param {Tensor} tensor
 * @param {Place} place
 */
function reader(tensor, { channels, height, width, isFirst }) {
  const decode = decoder(tensor.type);
  const data = elementsOf(tensor);
  return (/** @type {number} */ c, /** @type {number} */ y, /** @type {number} */ x) => decode(data[isFirst ? (c * height + y) * width + x : (y * width + x) * channels + c]);
}

/**
 * @param {Place} place
 * @param {(y: number, x: number) => number[]} colour
 */
function paint({ width, height }, colour) {
  const image = new ImageData(width, height);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 4) image.data.set([...colour(y, x), 255], at);
  }
  return image;
}

/**
 * From which number to which black turns white.
 * @param {number} min
 * @param {number} max
 */
function rangeOf(min, max) {
  if (min >= -0.05 && max <= 1.05) return { from: 0, to: 1, told: '0 is black and 1 is white' };
  if (min >= -1.05 && max <= 1.05) return { from: -1, to: 1, told: '−1 is black and 1 is white' };
  if (min >= -60 && max <= 320 && max > 60) return { from: 0, to: 255, told: '0 is black and 255 is white' };
  return { from: min, to: max, told: `black is ${min.toPrecision(3)}, white ${max.toPrecision(3)}` };
}
