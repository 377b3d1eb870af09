// @ts-check
/**
 * @file Tasks: a model with what goes before and after it, by transformers.js's names.
 *
 * @example
 * const classify = await pipeline('image-classification');
 * const [{ label, score }] = await classify(file, { top_k: 1 });
 * await classify.dispose();
 */

import { loadCached } from './cached.js';
import { absolute, downloadJson } from './download.js';
import { env } from './env.js';
import { DownloadError, InvalidInputError } from './errors.js';
import { readImage } from './image.js';
import { dimsOf } from './preprocess.js';
import { downloadModel, nameOf } from './progress.js';
import { InferenceSession, Tensor } from './session.js';

/** @typedef {import('./image.js').ImageInput} ImageInput */
/** @typedef {import('./progress.js').ProgressCallback} ProgressCallback */
/** @typedef {import('./protocol.js').Preprocess} Preprocess */

/**
 * A model that classifies pictures, as models/manifest.json describes it. Addresses are relative to the page, or absolute.
 * @typedef {object} ModelEntry
 * @property {string | URL} [url] of the model
 * @property {InferenceSession} [session] the model itself, in place of `url`; `dispose` releases it
 * @property {Preprocess} preprocess
 * @property {string | readonly string[]} labels the names of the classes, or the URL of a JSON file with them
 * @property {string} [name]
 * @property {string} [title]
 * @property {number} [bytes]
 * @property {string} [sha256]
 * @property {string} [licence]
 * @property {string} [attribution]
 * @property {{name: string}} [input] the first one if absent
 * @property {{name: string, kind: 'softmax' | 'logits'}} [output] the first one, and logits, if absent
 */

/**
 * `index` is the class's number in the model.
 * @typedef {{label: string, score: number, index: number}} Classification
 */

/**
 * @typedef {object} PipelineOptions
 * @property {ProgressCallback} [progress]
 * @property {AbortSignal} [signal] gives up loading
 * @property {number} [threads]
 * @property {'relaxed' | 'baseline'} [simd]
 * @property {boolean} [cache] false: the compiled model is neither looked for in this browser nor kept in it
 */

/** @typedef {Awaited<ReturnType<typeof readImage>>} Picture */

/**
 * Classes of a picture, the likeliest first. Callable: `await classify(image, { top_k: 5 })`.
 * @typedef {object} ImageClassificationMembers
 * @property {'image-classification'} task
 * @property {ModelEntry} model
 * @property {readonly string[]} labels
 * @property {InferenceSession} session
 * @property {(image: ImageInput, options?: {preview?: boolean, quick?: boolean, signal?: AbortSignal}) => Promise<Picture>} read
 *   the first half of a call: the picture as the model takes it (`data`), with a preview, its size, and the `ms` that it took
 * @property {(data: Float32Array, options?: {top_k?: number}) => Promise<{predictions: Classification[], ms: number}>} predict
 *   the second half; `ms` is the run's time in its worker
 * @property {() => Promise<void>} dispose frees the model
 */
/**
 * @typedef {((image: ImageInput, options?: {top_k?: number, signal?: AbortSignal}) => Promise<Classification[]>)
 *   & ImageClassificationMembers & AsyncDisposable} ImageClassificationPipeline
 */

const TOP = 5;

/**
 * Loads a model for a task.
 * @param {'image-classification'} task
 * @param {string | ModelEntry | null} [model] a name in the models' manifest (`env.models`), or a model described; by default the
 *   manifest's default
 * @param {PipelineOptions} [options]
 * @returns {Promise<ImageClassificationPipeline>}
 */
export async function pipeline(task, model, options = {}) {
  if (task !== 'image-classification') throw new InvalidInputError(`there is no task '${task}'; known is image-classification`);
  const entry = model !== null && typeof model === 'object' ? model : await findEntry(model ?? undefined, options.signal);
  const [labels, session] = await Promise.all([readLabels(entry, options.signal), openSession(entry, options)]);
  return imageClassification(entry, labels, session);
}

/**
 * @param {string | undefined} name
 * @param {AbortSignal} [signal]
 * @returns {Promise<ModelEntry>}
 */
async function findEntry(name, signal) {
  if (!env.models) throw new InvalidInputError('pipeline: give a model, or set env.models to the folder of a manifest.json');
  const manifest = await downloadJson(new URL('manifest.json', folder(env.models)), signal).catch((error) => {
    if (!(error instanceof DownloadError)) throw error;
    throw new DownloadError(`${error.message}; pipeline needs a model that is described, or env.models: the folder of a manifest.json`, { cause: error });
  });
  const wanted = name ?? manifest.default;
  const entry = manifest.models.find((/** @type {{name: string}} */ model) => model.name === wanted);
  if (!entry) throw new InvalidInputError(`pipeline: there is no model '${wanted}' in ${env.models}; known are ${manifest.models.map((/** @type {{name: string}} */ m) => m.name).join(', ')}`);
  // The manifest's addresses are relative to the folder that its own folder is in.
  const root = new URL('..', folder(env.models));
  return { ...entry, url: new URL(entry.url, root).href, labels: new URL(entry.labels, root).href };
}

/** @param {string | URL} url */
function folder(url) {
  const text = absolute(url);
  return text.endsWith('/') ? text : `${text}/`;
}

/**
 * @param {ModelEntry} entry
 * @param {AbortSignal} [signal]
 * @returns {Promise<readonly string[]>}
 */
async function readLabels({ labels }, signal) {
  return typeof labels === 'string' ? downloadJson(labels, signal) : labels;
}

/**
 * @param {ModelEntry} entry
 * @param {PipelineOptions} options
 */
async function openSession({ url, session: open, bytes: size, sha256, name = nameOf(url ?? '') }, { progress, signal, threads, simd, cache }) {
  if (open) return open;
  if (!url) throw new InvalidInputError('pipeline: the model needs a url or a session');
  const bytes = () => downloadModel(url, { name, progress, signal, size });
  const onStep = (/** @type {string} */ step) => progress?.({ status: 'compile', name, step });
  // By handle rather than InferenceSession.create, which would copy the bytes to spare its caller's.
  const session = new InferenceSession(await loadCached({ bytes, sha256 }, { threads, simd, cache }, { signal, onStep }));
  progress?.({ status: 'ready', name });
  return session;
}

/**
 * @param {ModelEntry} model
 * @param {readonly string[]} labels
 * @param {InferenceSession} session
 * @returns {ImageClassificationPipeline}
 */
function imageClassification(model, labels, session) {
  const { preprocess } = model;
  const input = model.input?.name ?? session.inputNames[0];
  const { name: output, kind } = model.output ?? { name: session.outputNames[0], kind: 'logits' };

  /** @type {ImageClassificationMembers['read']} */
  const read = (image, options) => readImage(image, preprocess, options);

  /** @type {ImageClassificationMembers['predict']} */
  const predict = async (data, { top_k: top = TOP } = {}) => {
    const outputs = await session.run({ [input]: new Tensor('float32', data, dimsOf(preprocess)) });
    const ms = /** @type {number} */ (session.stats.runMs);
    const scores = /** @type {Float32Array} */ (outputs[output].data);
    return { predictions: best(kind === 'softmax' ? scores : softmax(scores), labels, top), ms };
  };

  /** @type {(image: ImageInput, options?: {top_k?: number, signal?: AbortSignal}) => Promise<Classification[]>} */
  const classify = async (image, { top_k: top = TOP, signal } = {}) => {
    const { data } = await read(image, { preview: false, signal });
    return (await predict(data, { top_k: top })).predictions;
  };
  const dispose = async () => session.release();
  /** @type {ImageClassificationMembers} */
  const members = { task: 'image-classification', model, labels, session, read, predict, dispose };
  return Object.assign(classify, members, { [Symbol.asyncDispose]: dispose });
}

/**
 * @param {Float32Array | Float64Array} scores
 * @param {readonly string[]} labels
 * @param {number} top
 * @returns {Classification[]}
 */
function best(scores, labels, top) {
  const order = Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a] || a - b);
  return order.slice(0, top).map((index) => ({ label: labels[index] ?? `class ${index}`, score: scores[index], index }));
}

/** @param {Float32Array} logits */
function softmax(logits) {
  const highest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = Float64Array.from(logits, (x) => Math.exp(x - highest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((p) => p / sum);
}
