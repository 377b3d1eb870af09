// @ts-check
/** @file Tensor: a dtype, its data in row-major order, and its dimensions. */

import { InvalidInputError } from './errors.js';

/**
 * @typedef {Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | Float32Array
 *   | Float64Array | BigInt64Array | BigUint64Array} TypedArray
 * @typedef {{new (length: number): TypedArray, new (buffer: ArrayBuffer): TypedArray, BYTES_PER_ELEMENT: number}} TypedArrayClass
 */

/**
 * The array class of each dtype. float16 and bfloat16 are held as their bits; bool as 0 and 1.
 * @type {Readonly<Record<string, TypedArrayClass>>}
 */
export const ARRAYS = Object.freeze({
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
});

/**
 * The number of elements of a shape; 1 for a scalar.
 * @param {readonly number[]} dims
 */
export function count(dims) {
  return dims.reduce((product, dim) => product * dim, 1);
}

/**
 * @example
 * new Tensor('float32', new Float32Array(6), [2, 3])
 */
export class Tensor {
  /** @readonly */ type;
  /** @readonly */ data;
  /** @readonly */ dims;

  /**
   * @param {string} type "float32", "int64", "bool", …
   * @param {TypedArray} data its array class must be that of the type; it isn't copied
   * @param {readonly number[]} dims
   */
  constructor(type, data, dims) {
    if (!Object.hasOwn(ARRAYS, type)) {
      throw new InvalidInputError(`Tensor: type '${type}' is not one of ${Object.keys(ARRAYS).join(', ')}`);
    }
    const expected = ARRAYS[type];
    if (!(data instanceof /** @type {any} */ (expected))) {
      const given = /** @type {any} */ (data)?.constructor?.name ?? typeof data;
      throw new InvalidInputError(`Tensor: ${type} data must be ${/** @type {any} */ (expected).name}, not ${given}`);
    }
    if (!Array.isArray(dims) || !dims.every((d) => Number.isSafeInteger(d) && d >= 0)) {
      throw new InvalidInputError(`Tensor: dims must be an array of whole numbers, not ${JSON.stringify(dims)}`);
    }
    if (count(dims) !== data.length) {
      throw new InvalidInputError(`Tensor: dims [${dims}] make ${count(dims)} elements but the data has ${data.length}`);
    }
    this.type = type;
    this.data = data;
    this.dims = Object.freeze([...dims]);
  }

  /** The number of elements. */
  get size() {
    return this.data.length;
  }
}
