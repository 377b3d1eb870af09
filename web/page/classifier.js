// @ts-check
/** @file The default model with its preprocessing and its class names, all as the models' manifest says. */

import { download, downloadJson } from '../download.js';
import { findModel } from './catalog.js';
import { load } from '../handles.js';
import { readImage } from '../image.js';
import { InferenceSession, Tensor } from '../session.js';

/** @typedef {import('../protocol.js').Preprocess} Preprocess */

/**
 * One of the models in the manifest.
 * @typedef {object} ModelEntry
 * @property {string} name
 * @property {string} title
 * @property {string} url
 * @property {number} bytes
 * @property {string} licence
 * @property {string} attribution
 * @property {{package: string, version: string}} source where the weights were published
 * @property {number} parameters
 * @property {number} macs multiply-accumulates a picture
 * @property {{photos: number, top1: number, top5: number, note: string}} [accuracy] on labelled photos
 * @property {{name: string}} input
 * @property {Preprocess} preprocess
 * @property {{name: string, kind: 'softmax' | 'logits'}} output
 * @property {string} labels
 */

/** @typedef {{index: number, label: string, probability: number}} Prediction */

/**
 * Which model, and how it is to run; the best that browser and machine have, where not said.
 * @typedef {{name?: string | null, threads?: number, simd?: 'relaxed' | 'baseline'}} Choice
 */

/**
 * @typedef {object} LoadWatch
 * @property {(received: number, total: number) => void} onDownload
 * @property {(ms: number) => void} onDownloaded
 * @property {(step: string) => void} onStep
 * @property {AbortSignal} signal
 */

/** Names what is in a picture. */
export class Classifier {
  /**
   * Use Classifier.create.
   * @param {ModelEntry} entry
   * @param {string[]} labels
   * @param {InferenceSession} session
   */
  constructor(entry, labels, session) {
    this.entry = entry;
    this.labels = labels;
    this.session = session;
  }

  /**
   * Downloads a model of the manifest, and compiles it.
   * @param {Choice} choice
   * @param {LoadWatch} watch
   */
  static async create({ name = null, threads, simd }, { onDownload, onDownloaded, onStep, signal }) {
    const start = performance.now();
    const base = document.baseURI;
    const entry = await findModel(name, signal);
    const onProgress = (/** @type {number} */ received) => onDownload(received, entry.bytes);
    const [labels, bytes] = await Promise.all([
      downloadJson(new URL(entry.labels, base), signal),
      download(new URL(entry.url, base), { size: entry.bytes, onProgress, signal }),
    ]);
    onDownloaded(performance.now() - start);
    // By handle rather than InferenceSession.create, which would copy the bytes to spare its caller's.
    const session = new InferenceSession(await load(bytes, { threads, simd }, { onStep, signal }));
    return new Classifier(entry, labels, session);
  }

  /**
   * Decodes a picture into what the model takes, with a preview.
   * @param {Blob} file
   */
  read(file) {
    return readImage(file, this.entry.preprocess);
  }

  /**
   * The likeliest classes of a picture that was read, the likeliest first.
   * @param {Float32Array} pixels
   * @param {number} [count]
   * @returns {Promise<{predictions: Prediction[], ms: number}>} ms: of the run, in its worker
   */
  async classify(pixels, count = 5) {
    const { input, output, preprocess } = this.entry;
    const image = new Tensor('float32', pixels, [1, 3, preprocess.height, preprocess.width]);
    const outputs = await this.session.run({ [input.name]: image });
    const ms = /** @type {number} */ (this.session.stats.runMs);
    const scores = /** @type {Float32Array} */ (outputs[output.name].data);
    const probabilities = output.kind === 'logits' ? softmax(scores) : scores;
    const order = Array.from(probabilities.keys()).sort((a, b) => probabilities[b] - probabilities[a] || a - b);
    const predictions = order.slice(0, count).map((index) => ({ index, label: this.labels[index], probability: probabilities[index] }));
    return { predictions, ms };
  }
}

/** @param {Float32Array} logits */
function softmax(logits) {
  const highest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = Float64Array.from(logits, (x) => Math.exp(x - highest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((p) => p / sum);
}
