// @ts-check
/** @file From a picture's levels to a model's numbers: which part is taken, and how it is normalised and laid out. */

/** @typedef {import('./protocol.js').Preprocess} Preprocess */

/** How much of red, green and blue each channel has. Grey is ITU-R BT.601's luma, as Pillow's mode L. */
const CHANNELS = Object.freeze({
  RGB: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  BGR: [[0, 0, 1], [0, 1, 0], [1, 0, 0]],
  grey: [[0.299, 0.587, 0.114]],
});

/**
 * The part of a picture that the model is shown.
 * @param {{width: number, height: number}} size
 * @param {Preprocess} preprocess
 * @returns {import('./resize.js').Box}
 */
export function boxOf({ width, height }, { crop, crop_fraction: fraction }) {
  if (crop === 'none') return { left: 0, top: 0, width, height };
  const side = Math.min(width, height) * fraction;
  return { left: (width - side) / 2, top: (height - side) / 2, width: side, height: side };
}

/**
 * The number of channels that a model with this preprocessing takes.
 * @param {Preprocess} preprocess
 */
export function channelsOf({ colour = 'RGB' }) {
  return CHANNELS[colour].length;
}

/**
 * The dimensions of one picture as the model takes it.
 * @param {Preprocess} preprocess
 */
export function dimsOf(preprocess) {
  const { width, height, layout = 'NCHW' } = preprocess;
  const channels = channelsOf(preprocess);
  return layout === 'NCHW' ? [1, channels, height, width] : [1, height, width, channels];
}

/**
 * RGB levels as the model's numbers.
 * @param {Uint8ClampedArray} levels height × width × 3
 * @param {Preprocess} preprocess
 * @returns {Float32Array<ArrayBuffer>}
 */
export function normalise(levels, { width, height, mean, std, colour = 'RGB', layout = 'NCHW' }) {
  const channels = CHANNELS[colour];
  const plane = width * height;
  const [step, apart] = layout === 'NCHW' ? [1, plane] : [channels.length, 1];
  const data = new Float32Array(channels.length * plane);
  channels.forEach(([r, g, b], c) => {
    for (let i = 0, from = 0, to = c * apart; i < plane; i++, from += 3, to += step) {
      data[to] = (r * levels[from] + g * levels[from + 1] + b * levels[from + 2] - mean[c]) / std[c];
    }
  });
  return data;
}
