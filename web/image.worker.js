// @ts-check
/**
 * @file Pictures to tensors, off the main thread: checks the header, decodes, crops the centre, resizes and normalises.
 *
 * Orientation from EXIF is honoured, colours are converted to sRGB, the first frame of an animation is taken, and what is
 * transparent is laid on white, as a viewer would show it.
 */

import { serve } from './channel.js';
import { ImageError } from './errors.js';
import { HEADER_BYTES, readHeader } from './image-header.js';
import { unknownMessage } from './protocol.js';
import { resizeBicubic } from './resize.js';

/** @typedef {import('./protocol.js').DecodeRequest} DecodeRequest */
/** @typedef {import('./protocol.js').Preprocess} Preprocess */

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
async function decode({ file, preprocess, previewSize }) {
  const start = performance.now();
  const bitmap = await decodeBitmap(file);
  try {
    const { width, height } = bitmap;
    const data = toTensor(bitmap, preprocess);
    const preview = makePreview(bitmap, previewSize);
    const ms = performance.now() - start;
    return { result: { type: 'decoded', data, preview, width, height, ms }, transfer: [data.buffer, preview] };
  } finally {
    bitmap.close();
  }
}

/** @param {Blob} file */
async function decodeBitmap(file) {
  const head = await readHead(file);
  const { format, width, height } = readHeader(head);
  if (width * height > MAX_PIXELS) {
    throw new ImageError(`the picture has ${width} × ${height} pixels; at most ${MAX_PIXELS / 1e6} million are read`);
  }
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
 * The centre of the picture as f32[3, height, width], normalised.
 * @param {ImageBitmap} bitmap
 * @param {Preprocess} preprocess
 */
function toTensor(bitmap, { crop_fraction, width, height, mean, std }) {
  const side = Math.min(bitmap.width, bitmap.height) * crop_fraction;
  const box = { left: (bitmap.width - side) / 2, top: (bitmap.height - side) / 2, width: side, height: side };
  const read = (/** @type {[number, number, number, number]} */ ...rectangle) => readPixels(bitmap, ...rectangle);
  const pixels = resizeBicubic(read, bitmap, box, { width, height });
  const plane = width * height;
  const data = new Float32Array(3 * plane);
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < 3; c++) data[c * plane + i] = (pixels[i * 3 + c] - mean[c]) / std[c];
  }
  return data;
}

/**
 * A rectangle of the picture as RGBA, laid on white.
 * @param {ImageBitmap} bitmap
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
 * @param {ImageBitmap} bitmap
 * @param {number} size
 */
function makePreview(bitmap, size) {
  const scale = Math.min(1, size / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((n) => Math.max(1, Math.round(n * scale)));
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
