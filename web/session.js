// @ts-check
/**
 * @file InferenceSession: a compiled model, by the names that users of ONNX Runtime Web know.
 *
 * @example
 * const session = await InferenceSession.create('model.onnx', { freeDimensionOverrides: { batch: 1 } });
 * const { logits } = await session.run({ image: new Tensor('float32', pixels, [1, 3, 224, 224]) });
 * await session.release();
 */

import { InvalidInputError, ReleasedError } from './errors.js';
import { checkFeeds, checkSizes } from './feeds.js';
import { describe, predict, release, save } from './handles.js';
import { partOf } from './model-source.js';
import { Profile } from './profile.js';
import { loadSession } from './session-load.js';
import { checkRunOptions, readOptions } from './session-options.js';
import { toFeeds } from './tensor-data.js';
import { Tensor } from './tensor.js';

export { Tensor };

/** @typedef {import('./profile.js').ProfileRow} ProfileRow */
/** @typedef {import('./session-options.js').FileSource} FileSource */
/** @typedef {import('./session-options.js').RunOptions} RunOptions */
/** @typedef {import('./session-options.js').SessionOptions} SessionOptions */

/**
 * An input or output. `shape` is as the model declares it, with names for dimensions that no option gave a size;
 * `compiled` are the sizes that the model was compiled for.
 * @typedef {{readonly name: string, readonly isTensor: true, readonly type: string, readonly shape: readonly (number | string)[],
 *   readonly compiled: readonly number[]}} ValueMetadata
 */

/** @typedef {Readonly<Record<string, Tensor<any>>>} Feeds */

/**
 * Which outputs are wanted: names, or an object whose tensors, where there are any, the results are written into.
 * @typedef {readonly string[] | Readonly<Record<string, Tensor<any> | null>>} Fetches
 */

/** Sessions that nobody refers to any more release their memory. */
const forgotten = new FinalizationRegistry((/** @type {number} */ handle) => release(handle));

/** A compiled model, ready to run. Made by `InferenceSession.create`. */
export class InferenceSession {
  #handle;
  #released = false;
  #description;
  /** @type {Profile | null} */
  #profile = null;
  /** @type {number | null} */
  #lastRunMs = null;

  /**
   * Use InferenceSession.create.
   * @param {number} handle
   */
  constructor(handle) {
    this.#handle = handle;
    this.#description = describe(handle);
    forgotten.register(this, handle, this);
  }

  /**
   * Downloads if need be, compiles, loads and warms up a model. Bytes are copied, a Blob is read.
   * @overload
   * @param {FileSource} model
   * @param {SessionOptions} [options]
   * @returns {Promise<InferenceSession>}
   */
  /**
   * The same, of a part of a buffer.
   * @overload
   * @param {ArrayBuffer | SharedArrayBuffer} buffer
   * @param {number} byteOffset
   * @param {number} [byteLength] to the end if absent
   * @param {SessionOptions} [options]
   * @returns {Promise<InferenceSession>}
   */
  /**
   * @param {any} model
   * @param {any} [optionsOrOffset]
   * @param {any} [length]
   * @param {SessionOptions} [lastOptions]
   */
  static async create(model, optionsOrOffset = {}, length, lastOptions) {
    const isPart = typeof optionsOrOffset === 'number';
    const options = isPart ? (lastOptions ?? (typeof length === 'object' ? length : {})) : optionsOrOffset;
    const source = isPart ? partOf(model, optionsOrOffset, typeof length === 'number' ? length : undefined) : model;
    const settings = readOptions(options);
    const session = new InferenceSession(await loadSession(source, settings));
    if (settings.profiling) session.startProfiling();
    return session;
  }

  /** The names of the inputs, in the model's order. */
  get inputNames() {
    return this.#description.inputs.map((input) => input.name);
  }

  /** The names of the outputs, in the model's order. */
  get outputNames() {
    return this.#description.outputs.map((output) => output.name);
  }

  /** Name, type and shape of each input. */
  get inputMetadata() {
    return metadataOf(this.#description.inputs, this.#description.declared.inputs);
  }

  /** Name, type and shape of each output. */
  get outputMetadata() {
    return metadataOf(this.#description.outputs, this.#description.declared.outputs);
  }

  /** How each node runs: rows of node, op, how. */
  get report() {
    return this.#description.report;
  }

  /** Sizes, times and choices; `runMs` is the last run's time in the worker. */
  get stats() {
    const { inputs: _inputs, outputs: _outputs, accepts: _accepts, declared: _declared, report: _report, steps: _steps, ...rest } = this.#description;
    return { ...rest, runMs: this.#lastRunMs };
  }

  /**
   * Runs the model once. Calls may overlap: they are taken in order, and their inputs are copied by the call.
   * @overload
   * @param {Feeds} feeds a tensor for each input
   * @param {RunOptions} [options]
   * @returns {Promise<Record<string, Tensor>>} a tensor for each output
   */
  /**
   * The same, for some outputs.
   * @overload
   * @param {Feeds} feeds
   * @param {Fetches} fetches
   * @param {RunOptions} [options]
   * @returns {Promise<Record<string, Tensor>>} a tensor for each output that was named
   */
  /**
   * @param {Feeds} feeds
   * @param {any} [fetchesOrOptions]
   * @param {RunOptions} [lastOptions]
   */
  async run(feeds, fetchesOrOptions, lastOptions) {
    if (this.#released) throw new ReleasedError('run: the session was released');
    const records = toFeeds(feeds);
    const { wanted, into, options } = this.#readFetches(fetchesOrOptions, lastOptions);
    checkRunOptions(options);
    checkSizes(this.#description.accepts, this.#description.declared.inputs, records);
    checkFeeds(this.#description.accepts, records);
    const profile = this.#profile;
    const { outputs, ms, times } = await predict(this.#handle, records, profile !== null);
    if (times) profile?.add(times);
    this.#lastRunMs = ms;
    return Object.fromEntries(wanted.map((name) => [name, result(name, outputs[name], into[name])]));
  }

  /**
   * Takes the times of all steps of the runs that follow, which go on one thread meanwhile.
   */
  startProfiling() {
    if (this.#released) throw new ReleasedError('startProfiling: the session was released');
    this.#profile ??= new Profile(this.#description.steps);
  }

  /**
   * Ends that.
   * @returns {ProfileRow[]} a row for each step of the model, in order
   */
  endProfiling() {
    const rows = this.#profile?.rows() ?? [];
    this.#profile = null;
    return rows;
  }

  /**
   * The compiled model as a bundle, which `create` opens by its manifest's URL, without Python.
   * @param {{name?: string}} [options] what the model is called
   * @returns {Promise<{manifest: object, files: Record<string, Uint8Array<ArrayBuffer>>}>} the manifest is among the files
   */
  async save(options) {
    if (this.#released) throw new ReleasedError('save: the session was released');
    return save(this.#handle, options);
  }

  /** Frees the model's memory and threads; runs under way fail with a ReleasedError, and so does a second release. */
  async release() {
    if (this.#released) throw new ReleasedError('release: the session was released before');
    this.#released = true;
    forgotten.unregister(this);
    release(this.#handle);
  }

  /** What leaving a `using` block does: releases, unless that was done by hand. */
  [Symbol.dispose]() {
    if (!this.#released) void this.release();
  }

  /** What leaving an `await using` block does. */
  async [Symbol.asyncDispose]() {
    if (!this.#released) await this.release();
  }

  /**
   * Tells fetches and options apart, as onnxruntime does: an object with an output's name among its keys is of fetches.
   * @param {unknown} second
   * @param {RunOptions} [third]
   * @returns {{wanted: string[], into: Record<string, Tensor<any> | null>, options: RunOptions}}
   */
  #readFetches(second, third = {}) {
    const all = this.outputNames;
    if (second === undefined) return { wanted: all, into: {}, options: third };
    if (second === null || typeof second !== 'object' || second instanceof Tensor) {
      throw new InvalidInputError('run: fetches must be an array of names, or an object by output name');
    }
    if (Array.isArray(second)) {
      for (const name of second) {
        if (!all.includes(name)) throw new InvalidInputError(`run: there is no output '${name}'; the model has ${all.map((n) => `'${n}'`).join(', ')}`);
      }
      return { wanted: second, into: {}, options: third };
    }
    const names = Object.keys(second).filter((name) => all.includes(name));
    if (names.length === 0) return { wanted: all, into: {}, options: /** @type {RunOptions} */ (second) };
    return { wanted: names, into: /** @type {Record<string, Tensor | null>} */ (second), options: third };
  }
}

/**
 * @param {readonly import('./protocol.js').Binding[]} compiled
 * @param {readonly import('./protocol.js').Signature[]} declared
 * @returns {ValueMetadata[]}
 */
function metadataOf(compiled, declared) {
  return compiled.map(({ name, dtype, shape }) => {
    const wanted = declared.find((signature) => signature.name === name)?.shape ?? shape;
    return { name, isTensor: true, type: dtype, shape: wanted, compiled: shape };
  });
}

/**
 * An output as a tensor; its values go into `target`, if there is one.
 * @param {string} name
 * @param {import('./protocol.js').TensorRecord} output
 * @param {Tensor<any> | null} [target]
 * @returns {Tensor}
 */
function result(name, { type, data, dims }, target) {
  if (!target) return new Tensor(/** @type {any} */ (type), data, dims);
  if (target.type !== type || target.dims.join() !== dims.join()) {
    throw new InvalidInputError(`run: output '${name}' is ${type}[${dims}], but the tensor given for it is ${target.type}[${target.dims}]`);
  }
  /** @type {any} */ (target.data).set(data);
  return target;
}
