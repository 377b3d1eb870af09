// @ts-check
/**
 * @file InferenceSession and Tensor: the public surface, with the names that users of ONNX Runtime Web know.
 *
 * @example
 * const session = await InferenceSession.create('model.onnx', { dims: { batch: 1 } });
 * const { logits } = await session.run({ image: new Tensor('float32', pixels, [1, 3, 224, 224]) });
 * session.release();
 */

import { download } from './download.js';
import { InvalidInputError, ReleasedError } from './errors.js';
import { checkFeeds } from './feeds.js';
import { describe, load, predict, release } from './handles.js';
import { Tensor } from './tensor.js';

export { Tensor };

/** @typedef {import('./protocol.js').Binding} Binding */

/**
 * What `onProgress` is told, in this order; `received` and `total` are bytes.
 * @typedef {{status: 'download', received: number, total: number | undefined}
 *   | {status: 'compile', step: string}
 *   | {status: 'ready'}
 *   | {status: 'error', error: unknown}} ProgressEvent
 */

/**
 * @typedef {object} SessionOptions
 * @property {number} [threads] by default as many as the page and the machine allow, and one for small models
 * @property {boolean} [worker] keeps even small models off the page's thread, where runs of up to 4 ms would go
 * @property {'relaxed' | 'baseline'} [simd] by default the best that the browser has
 * @property {Record<string, number>} [dims] sizes for symbolic dimensions, by name; others are 1
 * @property {Record<string, number[]>} [shapes] whole shapes for inputs, by name
 * @property {AbortSignal} [signal] gives up downloading, compiling and loading
 * @property {(event: ProgressEvent) => void} [onProgress]
 */

const OPTIONS = ['threads', 'worker', 'simd', 'dims', 'shapes', 'signal', 'onProgress'];
const MAX_THREADS = 64;

/** Sessions that nobody refers to any more release their memory. */
const forgotten = new FinalizationRegistry((/** @type {number} */ handle) => release(handle));

/** A compiled model, ready to run. Made by `InferenceSession.create`. */
export class InferenceSession {
  #handle;
  #released = false;
  #description;
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
   * @param {string | URL | Blob | ArrayBuffer | ArrayBufferView} model
   * @param {SessionOptions} [options]
   * @returns {Promise<InferenceSession>}
   */
  static async create(model, options = {}) {
    checkOptions(options);
    const { signal, onProgress, threads, worker, simd, dims, shapes } = options;
    try {
      signal?.throwIfAborted();
      const bytes = await readModel(model, options);
      signal?.throwIfAborted();
      const onStep = (/** @type {string} */ step) => onProgress?.({ status: 'compile', step });
      const session = new InferenceSession(await load(bytes, { threads, worker, simd, dims, shapes }, { signal, onStep }));
      onProgress?.({ status: 'ready' });
      return session;
    } catch (error) {
      onProgress?.({ status: 'error', error });
      throw error;
    }
  }

  /** The names of the inputs, in the model's order. */
  get inputNames() {
    return this.#description.inputs.map((input) => input.name);
  }

  /** The names of the outputs, in the model's order. */
  get outputNames() {
    return this.#description.outputs.map((output) => output.name);
  }

  /** Name, type and shape of each input, as compiled. */
  get inputMetadata() {
    return this.#description.inputs.map(metadata);
  }

  /** Name, type and shape of each output, as compiled. */
  get outputMetadata() {
    return this.#description.outputs.map(metadata);
  }

  /** How each node runs: rows of node, op, how. */
  get report() {
    return this.#description.report;
  }

  /** Sizes, times and choices; `runMs` is the last run's time in the worker. */
  get stats() {
    const { inputs: _inputs, outputs: _outputs, accepts: _accepts, report: _report, ...rest } = this.#description;
    return { ...rest, runMs: this.#lastRunMs };
  }

  /**
   * Runs the model once. Calls may overlap: they are taken in order, and their inputs are copied by the call.
   * @param {Record<string, Tensor>} feeds a tensor for each input
   * @returns {Promise<Record<string, Tensor>>} a tensor for each output
   */
  async run(feeds) {
    if (this.#released) throw new ReleasedError('run: the session was released');
    if (feeds === null || typeof feeds !== 'object') throw new InvalidInputError('run: feeds must be an object of tensors by input name');
    for (const [name, tensor] of Object.entries(feeds)) {
      if (!(tensor instanceof Tensor)) throw new InvalidInputError(`run: input '${name}' is not a Tensor`);
    }
    checkFeeds(this.#description.accepts, feeds);
    const records = Object.fromEntries(Object.entries(feeds).map(([name, { type, data, dims }]) => [name, { type, data, dims }]));
    const { outputs, ms } = await predict(this.#handle, records);
    this.#lastRunMs = ms;
    return Object.fromEntries(Object.entries(outputs).map(([name, { type, data, dims }]) => [name, new Tensor(type, data, dims)]));
  }

  /** Frees the model's memory and threads; runs under way fail with a ReleasedError, and so does a second release. */
  release() {
    if (this.#released) throw new ReleasedError('release: the session was released before');
    this.#released = true;
    forgotten.unregister(this);
    release(this.#handle);
  }

  /** What leaving a `using` block does: releases, unless that was done by hand. */
  [Symbol.dispose ?? Symbol('dispose')]() {
    if (!this.#released) this.release();
  }
}

/** @param {Binding} binding */
function metadata({ name, dtype, shape }) {
  return { name, type: dtype, shape };
}

/** @param {SessionOptions} options */
function checkOptions(options) {
  for (const name of Object.keys(options)) {
    if (!OPTIONS.includes(name)) throw new InvalidInputError(`there is no option '${name}'; known are ${OPTIONS.join(', ')}`);
  }
  const { threads, worker, simd, dims = {}, shapes = {} } = options;
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= MAX_THREADS)) {
    throw new InvalidInputError(`option threads must be a whole number from 1 to ${MAX_THREADS}, not ${threads}`);
  }
  if (threads !== undefined && threads > 1 && !globalThis.crossOriginIsolated) {
    throw new InvalidInputError(`option threads is ${threads}, but the page is not cross-origin isolated, so only 1 is possible`);
  }
  if (worker !== undefined && typeof worker !== 'boolean') throw new InvalidInputError(`option worker must be true or false, not ${worker}`);
  if (simd !== undefined && simd !== 'relaxed' && simd !== 'baseline') {
    throw new InvalidInputError(`option simd must be 'relaxed' or 'baseline', not '${simd}'`);
  }
  for (const size of [...Object.values(dims), ...Object.values(shapes).flat()]) {
    if (!Number.isSafeInteger(size) || size < 0) throw new InvalidInputError(`options dims and shapes take whole numbers, not ${size}`);
  }
}

/**
 * The model in a buffer of our own, which may be transferred away.
 * @param {string | URL | Blob | ArrayBuffer | ArrayBufferView} model
 * @param {SessionOptions} options
 * @returns {Promise<ArrayBuffer>}
 */
async function readModel(model, { signal, onProgress }) {
  if (typeof model === 'string' || model instanceof URL) {
    return download(model, { signal, onProgress: (received, total) => onProgress?.({ status: 'download', received, total }) });
  }
  if (model instanceof Blob) return model.arrayBuffer();
  if (model instanceof ArrayBuffer) return model.slice(0);
  if (ArrayBuffer.isView(model)) {
    return new Uint8Array(model.buffer, model.byteOffset, model.byteLength).slice().buffer;
  }
  throw new InvalidInputError('create: the model must be a URL, a Blob, an ArrayBuffer or a view of one');
}
