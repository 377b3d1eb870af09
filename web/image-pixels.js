// @ts-check
/** @file The pixels of a picture as RGBA, on this thread, perhaps resized. */

import { ImageError } from './errors.js';
import { toSource } from './image.js';

/** @typedef {import('./protocol.js').Pixels} Pixels */

/**
 * @param {import('./image.js').ImageInput} image
 * @param {{width?: number, height?: number}} size the picture's own where absent
 * @returns {Promise<Pixels>}
 */
export async function toPixels(image, { width, height }) {
  const source = await toSource(image);
  const isPixels = 'data' in source;
  if (isPixels && (width ?? source.width) === source.width && (height ?? source.height) === source.height) return source;
  if (typeof OffscreenCanvas !== 'function') throw new ImageError('there is no decoder for pictures here: give {data, width, height} with RGBA pixels');
  const bitmap = await decoded(source);
  try {
    const [w, h] = [width ?? bitmap.width, height ?? bitmap.height];
    const context = new OffscreenCanvas(w, h).getContext('2d', { willReadFrequently: true });
    if (!context) throw new ImageError('the browser gave no canvas to draw the picture on');
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, 0, 0, w, h);
    return context.getImageData(0, 0, w, h);
  } catch (error) {
    if (error instanceof DOMException) throw new ImageError(`the picture's pixels can't be read (${error.message})`);
    throw error;
  } finally {
    bitmap.close();
  }
}

/**
 * @param {Blob | ImageBitmap | VideoFrame | Pixels} source
 * @returns {Promise<ImageBitmap>}
 */
async function decoded(source) {
  if (source instanceof ImageBitmap) return source;
  try {
    return await createImageBitmap('data' in source ? new ImageData(new Uint8ClampedArray(source.data), source.width, source.height) : source);
  } catch {
    throw new ImageError("the file is not a picture that can be read here");
  } finally {
    if ('close' in source) source.close();
  }
}
