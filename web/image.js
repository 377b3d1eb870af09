// @ts-check
/** @file Pictures as the page sees them: a file goes in, a tensor's data and a preview come out. */

import { Channel } from './channel.js';

/** @typedef {import('./protocol.js').Preprocess} Preprocess */

const PREVIEW_SIZE = 960; // pixels; sharp at twice the size that the page shows

/** @type {Channel | null} */
let channel = null;

/** Starts the worker now, while there is time. */
export function prepareImages() {
  channel ??= new Channel('image.worker.js', startWorker, () => {
    channel = null;
  });
  return channel;
}

/**
 * Reads a picture; ImageError says why one can't be read.
 * @param {Blob} file
 * @param {Preprocess} preprocess
 */
export function readImage(file, preprocess) {
  return prepareImages().request({ type: 'decode', file, preprocess, previewSize: PREVIEW_SIZE });
}

function startWorker() {
  return new Worker(new URL('./image.worker.js', import.meta.url), { type: 'module', name: 'image.worker.js' });
}
