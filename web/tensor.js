// @ts-check
/** @file Tensor: a dtype, its data in row-major order, and its dimensions; by onnxruntime-web's names. */

import { InvalidInputError, ReleasedError } from './errors.js';
import { toTyped, typeOf } from './tensor-data.js';
import { tensorFromImage, tensorToDataURL, tensorToImageData } from './tensor-image.js';

/** @typedef {import('./tensor-data.js').Accepted} Accepted */
/** @typedef {import('./tensor-data.js').DataTypes} DataTypes */
/** @typedef {import('./tensor-data.js').Inferable} Inferable */
/** @typedef {import('./tensor-data.js').TensorType} TensorType */
/** @typedef {import('./dtypes.js').TypedArray} TypedArray */

export { ARRAYS, count } from './dtypes.js';

/**
 * Values to give to a model, or that it gave.
 *
 * @example
 * new Tensor('float32', new Float32Array(6), [2, 3]);
 * new Tensor('int64', [1, 2, 3]); // dims [3]
 * new Tensor(new Uint8Array(4), [2, 2]); // type 'uint8'
 *
 * @template {TensorType} [T=TensorType]
 */
export class Tensor {
  /** @readonly @type {T} */ type;
  /** @readonly @type {readonly number[]} */ dims;
  /** @type {DataTypes[T] | null} */
  #data;

  /**
   * @overload
   * @param {T} type 'float32', 'int64', 'bool', …
   * @param {Accepted[T]} data an array of the type's class isn't copied
   * @param {readonly number[]} [dims] one dimension if absent
   */
  /**
   * @overload
   * @param {Inferable} data which tells the type
   * @param {readonly number[]} [dims]
   */
  /**
   * @param {any} typeOrData
   * @param {any} [dataOrDims]
   * @param {any} [maybeDims]
   */
  constructor(typeOrData, dataOrDims, maybeDims) {
    const isTyped = typeof typeOrData === 'string';
    const [given, dims] = isTyped ? [dataOrDims, maybeDims] : [typeOrData, dataOrDims];
    const type = isTyped ? typeOrData : typeOf(given);
    const data = toTyped(type, given);
    this.type = /** @type {T} */ (type);
    this.#data = /** @type {DataTypes[T]} */ (data);
    this.dims = checkedDims(dims ?? [data.length], data.length);
  }

  /** The values. Those of float16 and bfloat16 are bits, those of bool 0 and 1. ReleasedError after `dispose`. */
  get data() {
    if (this.#data === null) throw new ReleasedError('Tensor: its data was disposed of');
    return this.#data;
  }

  /** The number of elements. */
  get size() {
    return this.dims.reduce((product, dim) => product * dim, 1);
  }

  /** Where the data are: 'cpu', or 'none' after `dispose`. */
  get location() {
    return this.#data === null ? /** @type {const} */ ('none') : /** @type {const} */ ('cpu');
  }

  /**
   * The values, at once; a promise as in onnxruntime, where they may be on a GPU.
   * @param {boolean} [_releaseData] changes nothing for data that are here
   * @returns {Promise<DataTypes[T]>}
   */
  async getData(_releaseData) {
    return this.data;
  }

  /** Lets the data go. */
  dispose() {
    this.#data = null;
  }

  /** What leaving a `using` block does. */
  [Symbol.dispose]() {
    this.dispose();
  }

  /**
   * The same data with other dimensions.
   * @param {readonly number[]} dims
   * @returns {Tensor<T>}
   */
  reshape(dims) {
    return new Tensor(this.type, /** @type {any} */ (this.data), dims);
  }

  /**
   * A picture as float32 [1, channels, height, width], of values from 0 to 1 unless `norm` says otherwise.
   * @param {import('./image.js').ImageInput} image
   * @param {import('./tensor-image.js').FromImageOptions} [options]
   * @returns {Promise<Tensor<'float32'> | Tensor<'uint8'>>}
   */
  static async fromImage(image, options) {
    const { type, data, dims } = await tensorFromImage(image, options);
    return /** @type {any} */ (new Tensor(type, /** @type {any} */ (data), dims));
  }

  /**
   * A tensor on a buffer, which isn't copied.
   * @template {Exclude<TensorType, 'string'>} U
   * @param {U} type
   * @param {DataTypes[U]} buffer
   * @param {readonly number[]} [dims]
   * @returns {Tensor<U>}
   */
  static fromPinnedBuffer(type, buffer, dims) {
    return new Tensor(type, /** @type {any} */ (buffer), dims);
  }

  /**
   * The tensor as a picture; it has 1, 3 or 4 channels.
   * @param {import('./tensor-image.js').ToImageOptions} [options]
   * @returns {ImageData}
   */
  toImageData(options) {
    return tensorToImageData(this, options);
  }

  /**
   * The tensor as a picture, a PNG in a data URL; only in a page, not in a worker.
   * @param {import('./tensor-image.js').ToImageOptions} [options]
   * @returns {string}
   */
  toDataURL(options) {
    return tensorToDataURL(this, options);
  }
}

/**
 * @param {unknown} dims
 * @param {number} length
 */
function checkedDims(dims, length) {
  if (!Array.isArray(dims) || !dims.every((d) => Number.isSafeInteger(d) && d >= 0)) {
    throw new InvalidInputError(`Tensor: dims must be an array of whole numbers, not ${JSON.stringify(dims)}`);
  }
  const elements = dims.reduce((product, dim) => product * dim, 1);
  if (elements !== length) throw new InvalidInputError(`Tensor: dims [${dims}] make ${elements} elements but the data has ${length}`);
  return Object.freeze([...dims]);
}
