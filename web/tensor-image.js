// @ts-check
/** @file Pictures to tensors and back, with the options and defaults of onnxruntime-web. */

import { ImageError, InvalidInputError } from './errors.js';
import { toPixels } from './image-pixels.js';

/** @typedef {import('./tensor.js').Tensor<any>} Tensor */

/**
 * A number for each channel, or one for all.
 * @typedef {number | readonly number[]} PerChannel
 */

/**
 * @typedef {object} FromImageOptions
 * @property {'RGB' | 'RGBA' | 'BGR' | 'RBG'} [tensorFormat] RGB if absent
 * @property {'NCHW' | 'NHWC'} [tensorLayout] NCHW if absent
 * @property {'float32' | 'uint8'} [dataType] float32 if absent
 * @property {{mean?: PerChannel, bias?: PerChannel}} [norm] values are (level + bias) / mean; for float32 by default mean 255,
 *   bias 0; for uint8 the levels as they are
 * @property {number} [resizedWidth] the picture's own if absent
 * @property {number} [resizedHeight]
 */

/**
 * @typedef {object} ToImageOptions
 * @property {'RGB' | 'RGBA' | 'BGR' | 'RBG'} [format] RGB or RGBA if absent
 * @property {'NCHW' | 'NHWC'} [tensorLayout] NCHW if absent
 * @property {{mean?: PerChannel, bias?: PerChannel}} [norm] levels are (value - bias) * mean; defaults as for `FromImageOptions`
 */

/** Where red, green, blue and alpha are among the channels. */
const ORDERS = Object.freeze({ RGB: [0, 1, 2], RGBA: [0, 1, 2, 3], BGR: [2, 1, 0], RBG: [0, 2, 1] });

/**
 * @param {import('./image.js').ImageInput} image
 * @param {FromImageOptions} [options]
 */
export async function tensorFromImage(image, { tensorFormat = 'RGB', tensorLayout = 'NCHW', dataType = 'float32', norm, resizedWidth, resizedHeight } = {}) {
  const order = orderOf(tensorFormat);
  const { data: levels, width, height } = await toPixels(image, { width: resizedWidth, height: resizedHeight });
  const isFloat = dataType === 'float32';
  const mean = perChannel(norm?.mean, isFloat ? 255 : 1);
  const bias = perChannel(norm?.bias, 0);
  const plane = width * height;
  const data = new (isFloat ? Float32Array : Uint8ClampedArray)(order.length * plane);
  const [step, apart] = tensorLayout === 'NCHW' ? [1, plane] : [order.length, 1];
  order.forEach((channel, colour) => {
    for (let i = 0, to = channel * apart; i < plane; i++, to += step) data[to] = (levels[i * 4 + colour] + bias[colour]) / mean[colour];
  });
  const dims = tensorLayout === 'NCHW' ? [1, order.length, height, width] : [1, height, width, order.length];
  return { type: dataType, data, dims };
}

/**
 * @param {Tensor} tensor
 * @param {ToImageOptions} [options]
 * @returns {ImageData}
 */
export function tensorToImageData(tensor, options) {
  if (typeof ImageData !== 'function') throw new ImageError('there is no ImageData here: read `data` and `dims` instead');
  const { data, width, height } = levelsOf(tensor, options);
  return new ImageData(data, width, height);
}

/**
 * @param {Tensor} tensor
 * @param {ToImageOptions} [options]
 */
export function tensorToDataURL(tensor, options) {
  if (typeof document === 'undefined') throw new ImageError('there is no page here to draw on: use toImageData');
  const image = tensorToImageData(tensor, options);
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [image.width, image.height];
  const context = canvas.getContext('2d');
  if (!context) throw new ImageError('the browser gave no canvas to draw the picture on');
  context.putImageData(image, 0, 0);
  return canvas.toDataURL();
}

/**
 * @param {Tensor} tensor
 * @param {ToImageOptions} [options]
 */
function levelsOf({ type, dims, data }, { format, tensorLayout = 'NCHW', norm } = {}) {
  const [, ...three] = dims;
  const [channels, height, width] = tensorLayout === 'NCHW' ? three : [three[2], three[0], three[1]];
  if (dims.length !== 4 || dims[0] !== 1 || ![1, 3, 4].includes(channels)) {
    throw new InvalidInputError(`Tensor: a picture has the shape [1, 1, 3 or 4 channels, height, width], or channels last; this is [${dims}]`);
  }
  const order = channels === 1 ? [0, 0, 0] : orderOf(format ?? (channels === 4 ? 'RGBA' : 'RGB'));
  if (channels !== 1 && order.length !== channels) throw new InvalidInputError(`Tensor: format ${format} has ${order.length} channels, the tensor ${channels}`);
  const mean = perChannel(norm?.mean, type === 'uint8' ? 1 : 255);
  const bias = perChannel(norm?.bias, 0);
  const plane = width * height;
  const [step, apart] = tensorLayout === 'NCHW' ? [1, plane] : [channels, 1];
  const levels = new Uint8ClampedArray(plane * 4).fill(255);
  order.forEach((channel, colour) => {
    for (let i = 0, from = channel * apart; i < plane; i++, from += step) levels[i * 4 + colour] = (Number(data[from]) - bias[colour]) * mean[colour];
  });
  return { data: levels, width, height };
}

/** @param {string} format */
function orderOf(format) {
  if (!Object.hasOwn(ORDERS, format)) throw new InvalidInputError(`Tensor: format '${format}' is not one of ${Object.keys(ORDERS).join(', ')}`);
  return ORDERS[/** @type {keyof typeof ORDERS} */ (format)];
}

/**
 * @param {PerChannel | undefined} given
 * @param {number} usual
 * @returns {readonly number[]} of red, green, blue and alpha
 */
function perChannel(given, usual) {
  if (given === undefined || typeof given === 'number') return Array(4).fill(given ?? usual);
  return given.length === 3 ? [...given, usual] : given;
}
