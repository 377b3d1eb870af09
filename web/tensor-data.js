// @ts-check
/** @file The arrays that hold tensors' values, and what may be given in their place. */

import { ARRAYS } from './dtypes.js';
import { InvalidInputError } from './errors.js';

/** @typedef {import('./dtypes.js').TypedArray} TypedArray */
/** @typedef {import('./dtypes.js').TypedArrayClass} TypedArrayClass */
/** @typedef {import('./protocol.js').Feeds} Feeds */

/**
 * The array that holds the values of each type.
 * @typedef {object} DataTypes
 * @property {Float32Array} float32
 * @property {Float64Array} float64
 * @property {Uint16Array} float16
 * @property {Uint16Array} bfloat16
 * @property {Int8Array} int8
 * @property {Uint8Array} uint8
 * @property {Int16Array} int16
 * @property {Uint16Array} uint16
 * @property {Int32Array} int32
 * @property {Uint32Array} uint32
 * @property {BigInt64Array} int64
 * @property {BigUint64Array} uint64
 * @property {Uint8Array} bool
 * @property {string[]} string
 */

/** @typedef {keyof DataTypes} TensorType */

/**
 * A Float16Array, which not all engines have, nor all of TypeScript's libraries.
 * @typedef {{readonly buffer: ArrayBufferLike, readonly byteOffset: number, readonly length: number,
 *   readonly [Symbol.toStringTag]: 'Float16Array'}} Halves
 */

/**
 * What may be given for each type.
 * @typedef {object} Accepted
 * @property {Float32Array | readonly number[]} float32
 * @property {Float64Array | readonly number[]} float64
 * @property {Uint16Array | Halves} float16 numbers or their bits
 * @property {Uint16Array} bfloat16 bits
 * @property {Int8Array | readonly number[]} int8
 * @property {Uint8Array | Uint8ClampedArray | readonly number[]} uint8
 * @property {Int16Array | readonly number[]} int16
 * @property {Uint16Array | readonly number[]} uint16
 * @property {Int32Array | readonly number[]} int32
 * @property {Uint32Array | readonly number[]} uint32
 * @property {BigInt64Array | readonly bigint[] | readonly number[]} int64
 * @property {BigUint64Array | readonly bigint[] | readonly number[]} uint64
 * @property {Uint8Array | readonly boolean[]} bool
 * @property {readonly string[]} string
 */

/** @typedef {TypedArray | Uint8ClampedArray | Halves | readonly boolean[] | readonly string[]} Inferable */

/** The type that each class of arrays stands for, where none is given. */
const TYPES = Object.freeze({
  Float32Array: 'float32',
  Float64Array: 'float64',
  Float16Array: 'float16',
  Int8Array: 'int8',
  Uint8Array: 'uint8',
  Uint8ClampedArray: 'uint8',
  Int16Array: 'int16',
  Uint16Array: 'uint16',
  Int32Array: 'int32',
  Uint32Array: 'uint32',
  BigInt64Array: 'int64',
  BigUint64Array: 'uint64',
});

/**
 * The type that data tell.
 * @param {unknown} data
 * @returns {string}
 */
export function typeOf(data) {
  if (Array.isArray(data)) {
    if (typeof data[0] === 'boolean') return 'bool';
    if (typeof data[0] === 'string') return 'string';
    throw new InvalidInputError(`Tensor: give the type of ${data.length ? 'an array of numbers' : 'an empty array'}, as in new Tensor('float32', …)`);
  }
  const name = classOf(data);
  if (Object.hasOwn(TYPES, name)) return TYPES[/** @type {keyof typeof TYPES} */ (name)];
  throw new InvalidInputError(`Tensor: data must be a typed array or an array of booleans or strings, not ${name}`);
}

/**
 * Data as the array that holds them.
 * @param {string} type
 * @param {unknown} data
 * @returns {TypedArray | string[]}
 */
export function toTyped(type, data) {
  if (type === 'string') return strings(data);
  if (!Object.hasOwn(ARRAYS, type)) {
    throw new InvalidInputError(`Tensor: type '${type}' is not one of ${[...Object.keys(ARRAYS), 'string'].join(', ')}`);
  }
  const Class = ARRAYS[type];
  if (data instanceof /** @type {any} */ (Class)) return /** @type {TypedArray} */ (data);
  if (type === 'uint8' && data instanceof Uint8ClampedArray) return new Uint8Array(data.buffer, data.byteOffset, data.length);
  if (type === 'float16' && classOf(data) === 'Float16Array') {
    const { buffer, byteOffset, length } = /** @type {Halves} */ (data);
    return new Uint16Array(buffer, byteOffset, length);
  }
  if (Array.isArray(data)) return fromList(type, data);
  throw new InvalidInputError(`Tensor: ${type} data must be ${/** @type {any} */ (Class).name}, not ${classOf(data)}`);
}

/**
 * @param {string} type
 * @param {unknown[]} list
 */
function fromList(type, list) {
  if (type === 'float16' || type === 'bfloat16') {
    throw new InvalidInputError(`Tensor: ${type} data must be ${type === 'float16' ? 'Float16Array, or bits in ' : 'bits in '}Uint16Array, not Array`);
  }
  const isBig = type === 'int64' || type === 'uint64';
  const array = new ARRAYS[type](list.length);
  list.forEach((value, i) => {
    const isFine = type === 'bool' ? typeof value === 'boolean' : typeof value === 'number' || (isBig && typeof value === 'bigint');
    if (!isFine || (isBig && typeof value === 'number' && !Number.isInteger(value))) {
      throw new InvalidInputError(`Tensor: element ${i} of ${type} data is ${typeof value === 'number' ? value : typeof value}`);
    }
    array[i] = /** @type {never} */ (isBig ? BigInt(/** @type {number} */ (value)) : Number(value));
  });
  return array;
}

/** @param {unknown} data */
function strings(data) {
  if (!Array.isArray(data) || !data.every((value) => typeof value === 'string')) {
    throw new InvalidInputError('Tensor: string data must be an array of strings');
  }
  return data;
}

/** @param {unknown} value */
function classOf(value) {
  return /** @type {any} */ (value)?.constructor?.name ?? typeof value;
}

/**
 * What a caller gives, as records. Besides our tensors, objects with type, data and dims will do, as onnxruntime's tensors are.
 * @param {unknown} given
 * @returns {Feeds}
 */
export function toFeeds(given) {
  if (given === null || typeof given !== 'object') throw new InvalidInputError('run: feeds must be an object of tensors by input name');
  return Object.fromEntries(
    Object.entries(given).map(([name, tensor]) => {
      const { type, data, dims } = tensor ?? {};
      if (typeof type !== 'string' || !Array.isArray(dims)) throw new InvalidInputError(`run: input '${name}' is not a Tensor`);
      if (!Object.hasOwn(ARRAYS, type)) throw new InvalidInputError(`run: input '${name}' is a tensor of ${type}, which models can't be given here`);
      return [name, { type, data: /** @type {TypedArray} */ (toTyped(type, data)), dims }];
    }),
  );
}
