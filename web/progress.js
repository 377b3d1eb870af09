// @ts-check
/** @file What those who load a model are told meanwhile: events by the names of transformers.js, and two of our own. */

import { download } from './download.js';

/**
 * `name` is the model's, `file` what is fetched; `loaded` and `total` are bytes, `progress` percent. In this order:
 * initiate, download, progress (many), done: of each file; compile, with the step in words, which may begin meanwhile; warmup; ready.
 * @typedef {{status: 'initiate' | 'download' | 'done', name: string, file: string}
 *   | {status: 'progress', name: string, file: string, loaded: number, total: number | undefined, progress: number | undefined}
 *   | {status: 'compile', name: string, step: string}
 *   | {status: 'warmup' | 'ready', name: string}} ProgressEvent
 */

/** @typedef {(event: ProgressEvent) => void} ProgressCallback */

/**
 * @typedef {object} Following
 * @property {string} name of the model
 * @property {ProgressCallback} [progress]
 * @property {AbortSignal} [signal]
 * @property {number} [size] bytes expected, where known
 */

/**
 * A file, with its events told.
 * @param {string | URL} url
 * @param {Following} following
 */
export async function downloadModel(url, { name, progress, signal, size }) {
  const file = String(url);
  progress?.({ status: 'initiate', name, file });
  let begun = false;
  const onProgress = (/** @type {number} */ loaded, /** @type {number | undefined} */ total) => {
    if (!begun) progress?.({ status: 'download', name, file });
    begun = true;
    progress?.({ status: 'progress', name, file, loaded, total, progress: total && (loaded / total) * 100 });
  };
  const bytes = await download(url, { size, signal, onProgress });
  progress?.({ status: 'done', name, file });
  return bytes;
}

/**
 * The last part of a URL or path, as a model's name.
 * @param {string | URL} url
 */
export function nameOf(url) {
  return String(url).replace(/[?#].*/, '').split(/[/\\]/).pop() || String(url);
}
