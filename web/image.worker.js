// @ts-check
/**
 * @file Pictures to tensors, off the main thread: checks the header, decodes, crops, resizes and normalises.
 *
 * Orientation from EXIF is honoured, colours are converted to sRGB, the first frame of an animation is taken, and what is
 * transparent is laid on white, as a viewer would show it.
 */

import { serve } from './channel.js';
import { ImageError } from './errors.js';
import { HEADER_BYTES, readHeader } from './image-header.js';
import { boxOf, normalise } from './preprocess.js';
import { unknownMessage } from './protocol.js';
import { resizeBicubic } from './resize.js';

/** @typedef {import('./protocol.js').DecodeRequest} DecodeRequest */
/** @typedef {import('./protocol.js').Pixels} Pixels */
/** @typedef {import('./protocol.js').Preprocess} Preprocess */
/** @typedef {import('./resize.js').ReadPixels} ReadPixels */

/** Decoded at 4 bytes a pixel, so 400 MB at the most, for a moment. */
const MAX_PIXELS = 100e6;

serve((/** @type {DecodeRequest} */ request) => {
  switch (request.type) {
    case 'decode':
      return decode(request);
    default:
      return unknownMessage(/** @type {never} */ (request));
  }
});

/**
 * @param {DecodeRequest} request
 * @returns {Promise<import('./channel.js').Answer>}
 */
async function decode({ image, preprocess, previewSize, quick }) {
  const start = performance.now();
  if ('data' in image) {
    const data = toTensor(readerOf(image), image, preprocess);
    const preview = previewSize && typeof createImageBitmap === 'function' ? await previewOf(image, previewSize) : null;
    return answer(data, preview, image, start);
  }
  const bitmap = image instanceof Blob ? await decodeBitmap(image) : image;
  try {
    const size = sizeOf(bitmap);
    const data = quick ? toTensorQuickly(bitmap, size, preprocess) : toTensor((...rectangle) => readPixels(bitmap, ...rectangle), size, preprocess);
    return answer(data, previewSize ? makePreview(bitmap, previewSize) : null, size, start);
  } finally {
    bitmap.close();
  }
}

/** @param {ImageBitmap | VideoFrame} bitmap */
function sizeOf(bitmap) {
  return 'displayWidth' in bitmap ? { width: bitmap.displayWidth, height: bitmap.displayHeight } : { width: bitmap.width, height: bitmap.height };
}

/**
 * @param {Float32Array<ArrayBuffer>} data
 * @param {ImageBitmap | null} preview
 * @param {{width: number, height: number}} size
 * @param {number} start
 * @returns {import('./channel.js').Answer}
 */
function answer(data, preview, { width, height }, start) {
  const transfer = preview ? [data.buffer, preview] : [data.buffer];
  return { result: { type: 'decoded', data, preview, width, height, ms: performance.now() - start }, transfer };
}

/** @param {Blob} file */
async function decodeBitmap(file) {
  const head = await readHead(file);
  const { format, width, height } = readHeader(head);
  if (width * height > MAX_PIXELS) {
    throw new ImageError(`the picture has ${width} × ${height} pixels; at most ${MAX_PIXELS / 1e6} million are read`);
  }
  if (typeof createImageBitmap !== 'function') throw new ImageError('there is no decoder for pictures here: give {data, width, height} with RGBA pixels');
  try {
    return await createImageBitmap(file, { imageOrientation: 'from-image' });
  } catch {
    throw new ImageError(
      format === 'HEIC' || format === 'AVIF'
        ? `this browser can't read ${format} pictures; save it as JPEG or PNG`
        : `the ${format} file is damaged or cut off: the browser can't decode it`,
    );
  }
}

/** @param {Blob} file */
async function readHead(file) {
  try {
    return new Uint8Array(await file.slice(0, HEADER_BYTES).arrayBuffer());
  } catch {
    throw new ImageError('the file could not be read; is it a folder, or was it moved?');
  }
}

/**
 * @param {ReadPixels} read
 * @param {{width: number, height: number}} size
 * @param {Preprocess} preprocess
 */
function toTensor(read, size, preprocess) {
  return normalise(resizeBicubic(read, size, boxOf(size, preprocess), preprocess), preprocess);
}

/**
 * The same, resized by the browser.
 * @param {ImageBitmap | VideoFrame} bitmap
 * @param {{width: number, height: number}} size
 * @param {Preprocess} preprocess
 */
function toTensorQuickly(bitmap, size, preprocess) {
  const { width, height } = preprocess;
  const box = boxOf(size, preprocess);
  const context = onWhite(width, height);
  context.imageSmoothingQuality = 'medium';
  context.drawImage(bitmap, box.left, box.top, box.width, box.height, 0, 0, width, height);
  const rgba = context.getImageData(0, 0, width, height).data;
  const levels = new Uint8ClampedArray(width * height * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    levels[to] = rgba[from];
    levels[to + 1] = rgba[from + 1];
    levels[to + 2] = rgba[from + 2];
  }
  return normalise(levels, preprocess);
}

/**
 * Rectangles of pixels at hand, laid on white.
 * @param {Pixels} pixels
 * @returns {ReadPixels}
 */
function readerOf({ data, width: pitch }) {
  return (x, y, width, height) => {
    const out = new Uint8ClampedArray(width * height * 4);
    for (let row = 0, to = 0; row < height; row++) {
      let from = ((y + row) * pitch + x) * 4;
      for (let i = 0; i < width; i++, from += 4, to += 4) {
        const alpha = data[from + 3] / 255;
        for (let c = 0; c < 3; c++) out[to + c] = data[from + c] * alpha + 255 * (1 - alpha);
      }
    }
    return out;
  };
}

/**
 * @param {Pixels} pixels
 * @param {number} size
 */
async function previewOf({ data, width, height }, size) {
  const bitmap = await createImageBitmap(new ImageData(new Uint8ClampedArray(data), width, height));
  try {
    return makePreview(bitmap, size);
  } finally {
    bitmap.close();
  }
}

/**
 * A rectangle of the picture as RGBA, laid on white.
 * @param {ImageBitmap | VideoFrame} bitmap
 * @param {number} x
 * @param {number} y
 * @param {number} width
 * @param {number} height
 */
function readPixels(bitmap, x, y, width, height) {
  const context = onWhite(width, height);
  context.drawImage(bitmap, x, y, width, height, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
}

/**
 * The whole picture, at most `size` pixels wide and high.
 * @param {ImageBitmap | VideoFrame} bitmap
 * @param {number} size
 */
function makePreview(bitmap, size) {
  const full = sizeOf(bitmap);
  const scale = Math.min(1, size / Math.max(full.width, full.height));
  const [width, height] = [full.width, full.height].map((n) => Math.max(1, Math.round(n * scale)));
  const context = onWhite(width, height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, width, height);
  return context.canvas.transferToImageBitmap();
}

/**
 * @param {number} width
 * @param {number} height
 */
function onWhite(width, height) {
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (!context) throw new ImageError('the browser gave no canvas to draw the picture on');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  return context;
}
