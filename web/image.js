// @ts-check
/** @file Pictures as the page sees them: whatever shows one goes in, a tensor's data and a preview come out. */

import { Channel } from './channel.js';
import { download } from './download.js';
import { ImageError } from './errors.js';
import { nodeWorker } from './node.js';

/** @typedef {import('./protocol.js').Preprocess} Preprocess */
/** @typedef {import('./protocol.js').Pixels} Pixels */

/**
 * What can be read as a picture: a file, the URL of one, what a page shows, or pixels.
 * @typedef {Blob | string | URL | ImageBitmap | HTMLImageElement | HTMLCanvasElement | OffscreenCanvas
 *   | HTMLVideoElement | VideoFrame | ImageData | Pixels} ImageInput
 */

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
 * Reads a picture; ImageError says why one can't be read. The caller's picture stays its own: bitmaps and frames aren't closed.
 * @param {ImageInput} image
 * @param {Preprocess} preprocess
 * @param {{preview?: boolean, quick?: boolean, signal?: AbortSignal}} [options] preview: whether to make one, which the caller
 *   closes; quick: resize as the browser does, ten times as fast and a few levels off what models were trained on, for films
 */
export async function readImage(image, preprocess, { preview = true, quick = false, signal } = {}) {
  const source = await toSource(image, signal);
  signal?.throwIfAborted();
  const transfer = isBitmap(source) ? [source] : [];
  try {
    const previewSize = preview ? PREVIEW_SIZE : 0;
    return await prepareImages().request({ type: 'decode', image: source, preprocess, previewSize, quick }, { transfer });
  } catch (error) {
    if (error instanceof DOMException) throw new ImageError('the picture comes from another site, which does not allow its pixels to be read');
    throw error;
  }
}

/**
 * The picture in a form that a worker can be given.
 * @param {ImageInput} image
 * @param {AbortSignal} [signal]
 * @returns {Promise<Blob | ImageBitmap | VideoFrame | Pixels>}
 */
export async function toSource(image, signal) {
  if (image instanceof Blob) return image;
  if (typeof image === 'string' || image instanceof URL) return new Blob([await download(image, { signal })]);
  if (isPixels(image)) return checkedPixels(image);
  if (typeof createImageBitmap !== 'function') throw new ImageError('there is no decoder for pictures here: give {data, width, height} with RGBA pixels');
  return toBitmap(/** @type {ImageBitmapSource} */ (image));
}

/**
 * A copy of what is shown now.
 * @param {ImageBitmapSource} image
 */
async function toBitmap(image) {
  if (isA(image, 'HTMLVideoElement') && /** @type {HTMLVideoElement} */ (image).readyState < 2) throw new ImageError('the film has no picture yet');
  if (isA(image, 'HTMLImageElement')) {
    await /** @type {HTMLImageElement} */ (image).decode().catch(() => {
      throw new ImageError("the element's picture could not be loaded");
    });
  }
  // A frame refers to what the camera or the decoder gave; a bitmap of it would be a copy, made on the page's time.
  if (isA(image, 'HTMLVideoElement') && typeof VideoFrame === 'function') return new VideoFrame(/** @type {HTMLVideoElement} */ (image));
  try {
    return await createImageBitmap(image);
  } catch (error) {
    if (error instanceof TypeError) throw new ImageError('this is not a picture: give a Blob, a URL, ImageData, or an element that shows one');
    throw new ImageError(`the picture can't be read (${error instanceof Error ? error.message : error})`);
  }
}

/**
 * Whether a value is of a class that may not exist here.
 * @param {unknown} value
 * @param {string} name
 */
function isA(value, name) {
  const Class = /** @type {any} */ (globalThis)[name];
  return typeof Class === 'function' && value instanceof Class;
}

/**
 * @param {unknown} source
 * @returns {source is ImageBitmap | VideoFrame}
 */
function isBitmap(source) {
  return isA(source, 'ImageBitmap') || isA(source, 'VideoFrame');
}

/**
 * @param {unknown} image
 * @returns {image is Pixels}
 */
function isPixels(image) {
  return image !== null && typeof image === 'object' && ArrayBuffer.isView(/** @type {Partial<Pixels>} */ (image).data);
}

/**
 * A plain object, which any worker can be sent.
 * @param {Pixels} image
 * @returns {Pixels}
 */
function checkedPixels({ data, width, height }) {
  const isBytes = data instanceof Uint8ClampedArray || data instanceof Uint8Array;
  if (!isBytes || !(width > 0 && height > 0) || data.length !== width * height * 4) {
    throw new ImageError(`pixels must be width × height × 4 bytes (RGBA), not ${data.length} elements for ${width} × ${height}`);
  }
  return { data, width, height };
}

function startWorker() {
  return nodeWorker('image.worker.js') ?? new Worker(new URL('./image.worker.js', import.meta.url), { type: 'module', name: 'image.worker.js' });
}
