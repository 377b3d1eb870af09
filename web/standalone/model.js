// @ts-check
/**
 * @file The whole of what a page needs to run a compiled model: `load` opens the bundle in a folder.
 *
 * @example
 * import { load } from './out/model.js';
 * const model = await load();
 * const { logits } = await model.run({ image: pixels });
 * model.release();
 */

import { InvalidInputError, ReleasedError } from '../errors.js';
import { checkFeeds } from '../feeds.js';
import { describe, open, predict, release } from '../models.js';
import { ARRAYS, count } from '../dtypes.js';

/** @typedef {import('../bundle.js').BundleSource} BundleSource */
/** @typedef {import('../models.js').OpenOptions} OpenOptions */
/** @typedef {import('../models.js').Watch} Watch */
/** @typedef {import('../protocol.js').TensorRecord} TensorRecord */
/** @typedef {import('../dtypes.js').TypedArray} TypedArray */

/**
 * Opens a compiled model.
 * @param {BundleSource} [bundle] where its parts are, by default beside the model.js that came with them
 * @param {OpenOptions & Watch} [options]
 */
export async function load(bundle = new URL('./', import.meta.url), { onStep, signal, ...options } = {}) {
  return new Model(await open(bundle, options, { onStep, signal }));
}

/** A model ready to run. */
export class Model {
  #handle;
  #description;

  /** @param {number} handle */
  constructor(handle) {
    this.#handle = handle;
    this.#description = describe(handle);
    forgotten.register(this, handle, this);
  }

  /** Name, dtype and shape of each input; a size is a symbol where the model was compiled for several. */
  get inputs() {
    return this.#description.accepts;
  }

  /** Sizes, times and choices. */
  get stats() {
    return this.#description;
  }

  /**
   * Runs once. Calls may overlap: they are taken in order.
   * @param {Record<string, TypedArray | {data: TypedArray, dims: readonly number[]}>} feeds a typed array for each input, in
   *   row-major order; with its dims where the model was compiled for several sizes
   * @returns {Promise<Record<string, TensorRecord>>} type, data and dims of each output
   */
  async run(feeds) {
    if (this.#handle === 0) throw new ReleasedError('run: the model was released');
    const records = Object.fromEntries(Object.entries(feeds ?? {}).map(([name, feed]) => [name, this.#record(name, feed)]));
    checkFeeds(this.inputs, records);
    return (await predict(this.#handle, records)).outputs;
  }

  /** Zeros for each input, to try it with. */
  zeros() {
    return Object.fromEntries(this.#description.inputs.map(({ name, dtype, shape }) => [name, { data: new ARRAYS[dtype](count(shape)), dims: shape }]));
  }

  /** Frees the model's memory and threads. */
  release() {
    if (this.#handle === 0) return;
    forgotten.unregister(this);
    release(this.#handle);
    this.#handle = 0;
  }

  /**
   * @param {string} name
   * @param {TypedArray | {data: TypedArray, dims: readonly number[]}} feed
   * @returns {TensorRecord}
   */
  #record(name, feed) {
    const { data, dims } = ArrayBuffer.isView(feed) ? { data: feed, dims: this.#onlyShape(name) } : feed;
    const dtype = this.inputs.find((input) => input.name === name)?.dtype;
    const expected = /** @type {any} */ (ARRAYS[dtype ?? '']);
    if (expected && !(data instanceof expected)) throw new InvalidInputError(`input '${name}' must be a ${expected.name}, for ${dtype}`);
    if (expected && count(dims) !== data.length) throw new InvalidInputError(`input '${name}' has ${data.length} elements, but [${dims}] makes ${count(dims)}`);
    return { type: dtype ?? '', data, dims };
  }

  /** @param {string} name */
  #onlyShape(name) {
    const input = this.#description.inputs.find((binding) => binding.name === name);
    if (input && this.#description.plans > 1) throw new InvalidInputError(`input '${name}' needs its dims: {data, dims}`);
    return input?.shape ?? [];
  }
}

/** Models that nobody refers to any more release their memory. */
const forgotten = new FinalizationRegistry((/** @type {number} */ handle) => release(handle));
