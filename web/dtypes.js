// @ts-check
/** @file The arrays that hold values in memory. */

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
