// @ts-check
/** @file Numbers as a model takes them and gives them, whatever its dtype: halves and 64-bit integers among them. */

import { InvalidInputError } from '../../errors.js';
import { valueOf as fromHalf } from '../../half.js';
import { ARRAYS, count, Tensor } from '../../tensor.js';

/** @typedef {import('../../tensor.js').TypedArray} TypedArray */

/** How an input may be filled without values of its own. @typedef {'random' | 'zeros' | 'ones'} Filling */

/**
 * A tensor of one kind of numbers.
 * @param {Filling} filling
 * @param {string} type
 * @param {readonly number[]} shape
 * @param {() => number} random uniform in [0, 1)
 */
export function filled(filling, type, shape, random) {
  const value = { random: () => randomValue(type, random()), zeros: () => 0, ones: () => 1 }[filling];
  return tensorOf(type, shape, Array.from({ length: count(shape) }, value));
}

/**
 * A tensor of plain numbers, which are rounded as its dtype needs.
 * @param {string} type
 * @param {readonly number[]} shape
 * @param {ArrayLike<number | bigint>} values
 */
export function tensorOf(type, shape, values) {
  if (!Object.hasOwn(ARRAYS, type)) throw new InvalidInputError(`${type} can't be given in this page`);
  if (values.length !== count(shape)) {
    throw new InvalidInputError(`${values.length} number${values.length === 1 ? '' : 's'} given, but [${shape.join(', ')}] takes ${count(shape)}`);
  }
  const data = new ARRAYS[type](values.length);
  const encode = encoder(type);
  for (let i = 0; i < values.length; i++) data[i] = /** @type {never} */ (encode(values[i]));
  return new Tensor(/** @type {any} */ (type), data, shape);
}

/**
 * From a number to an element of a typed array.
 * @param {string} type
 * @returns {(value: number | bigint) => number | bigint}
 */
function encoder(type) {
  if (type === 'int64' || type === 'uint64') return (value) => (typeof value === 'bigint' ? value : BigInt(Math.trunc(value) || 0));
  if (type === 'float16') return (value) => toHalf(Number(value));
  if (type === 'bfloat16') return (value) => toBrain(Number(value));
  if (type === 'bool') return (value) => Number(Number(value) !== 0);
  return Number;
}

/**
 * From an element of a typed array to the number that it stands for.
 * @param {string} type
 * @returns {(element: number | bigint) => number}
 */
export function decoder(type) {
  if (type === 'float16') return (element) => fromHalf(Number(element));
  if (type === 'bfloat16') return (element) => fromBrain(Number(element));
  return Number;
}

/**
 * The elements of a tensor that holds numbers, as all do that the page makes and gets.
 * @param {Tensor} tensor
 */
export function elementsOf({ data }) {
  return /** @type {TypedArray} */ (data);
}

/**
 * Floats in [-1, 1); whole numbers 0 or 1, which are safe as indices.
 * @param {string} type
 * @param {number} r in [0, 1)
 */
function randomValue(type, r) {
  return /float/.test(type) ? r * 2 - 1 : Number(r >= 0.5);
}

/**
 * Uniform numbers in [0, 1), the same for the same seed (mulberry32), so that a trial can be repeated.
 * @param {number} seed
 */
export function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * The bits of the nearest half, ties to even.
 * @param {number} value
 */
function toHalf(value) {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size >= 65520) return sign | 0x7c00;
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  const steps = roundEven(size / 2 ** (exponent - 10)); // of the last place; 1024 and more are normal numbers
  return sign | (steps + ((exponent + 14) << 10));
}

/** @param {number} value */
function roundEven(value) {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2) ? floor + 1 : floor;
}

/** @param {number} bits */
function fromBrain(bits) {
  return new Float32Array(new Uint32Array([bits << 16]).buffer)[0];
}

/**
 * The bits of the nearest bfloat16, ties to even.
 * @param {number} value
 */
function toBrain(value) {
  const [bits] = new Uint32Array(new Float32Array([value]).buffer);
  if (Number.isNaN(value)) return 0x7fc0;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}
