// @ts-check
/** @file Guesses how photos are prepared for a model, from its input's shape and name and what it says about itself. */

/** @typedef {import('../../protocol.js').Preprocess} Preprocess */
/** @typedef {{name: string, type: string, shape: readonly number[]}} Input */

/** Levels from 0 to 255, minus `mean`, over `std`. @typedef {{key: string, name: string, mean: number[], std: number[]}} Scale */

/** How a photo becomes an input. @typedef {{input: Input, preprocess: Preprocess, scale: string, inverted: boolean}} Recipe */

/** @type {readonly Scale[]} */
export const SCALES = Object.freeze([
  { key: 'unit', name: '0 to 1', mean: [0, 0, 0], std: [255, 255, 255] },
  { key: 'signed', name: '−1 to 1', mean: [127.5, 127.5, 127.5], std: [127.5, 127.5, 127.5] },
  { key: 'imagenet', name: 'ImageNet mean and deviation (PyTorch)', mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375] },
  { key: 'bytes', name: '0 to 255', mean: [0, 0, 0], std: [1, 1, 1] },
  { key: 'lite', name: 'EfficientNet-Lite (minus 127, over 128)', mean: [127, 127, 127], std: [128, 128, 128] },
]);

const SMALLEST = 8; // pixels: what is smaller is no picture
const TYPES = ['float32', 'float16', 'uint8', 'int8', 'float64'];

/**
 * A recipe for the model's pictures, or null if it doesn't seem to take any.
 * @param {readonly Input[]} inputs
 * @param {{name: string, metadata?: Record<string, string>, classes?: number}} about classes: the size of a single output vector
 * @returns {Recipe | null}
 */
export function guessRecipe(inputs, { name, metadata = {}, classes = 0 }) {
  if (inputs.length !== 1) return null;
  const [input] = inputs;
  const place = placeOf(input);
  if (!place) return null;
  const scale = guessScale(input, place.layout, place.channels, name, metadata, classes);
  const colour = place.channels === 1 ? 'grey' : /bgr/i.test(metadata['Image.BitmapPixelFormat'] ?? '') ? 'BGR' : 'RGB';
  const crop = classes > 1 ? 'centre' : 'none';
  const crop_fraction = classes > 1 && place.width >= 160 ? 0.875 : 1;
  const { layout, width, height } = place;
  /** @type {Preprocess} */
  const preprocess = { crop, crop_fraction, resize: 'bicubic', width, height, mean: [], std: [], colour, layout };
  return withScale({ input, preprocess, scale, inverted: false });
}

/**
 * The recipe with the mean and deviation that belong to its scale.
 * @param {Recipe} recipe
 * @returns {Recipe}
 */
export function withScale(recipe) {
  const { mean, std } = /** @type {Scale} */ (SCALES.find(({ key }) => key === recipe.scale));
  const channels = recipe.preprocess.colour === 'grey' ? 1 : 3;
  // Inverted, a level v counts as 255 - v.
  const flip = (/** @type {number} */ value) => (recipe.inverted ? 255 - value : value);
  const values = {
    mean: mean.slice(0, channels).map(flip),
    std: std.slice(0, channels).map((value) => (recipe.inverted ? -value : value)),
  };
  return { ...recipe, preprocess: { ...recipe.preprocess, ...values } };
}

/**
 * Where height, width and channels are, if the shape is that of one picture.
 * @param {Input} input
 * @returns {{layout: 'NCHW' | 'NHWC', channels: 1 | 3, height: number, width: number} | null}
 */
function placeOf({ name, type, shape }) {
  if (!TYPES.includes(type) || shape.length !== 4 || shape[0] !== 1) return null;
  const [, a, b, c] = shape;
  const isFirst = a === 3 || (a === 1 && c !== 3);
  const [channels, height, width] = isFirst ? [a, b, c] : [c, a, b];
  if ((channels !== 1 && channels !== 3) || height < SMALLEST || width < SMALLEST) return null;
  // A grey picture and a spectrogram look alike; pictures are mostly square, or called so.
  if (channels === 1 && height !== width && !/image|img|pixel|photo|picture/i.test(name)) return null;
  return { layout: isFirst ? 'NCHW' : 'NHWC', channels, height, width };
}

/**
 * @param {Input} input
 * @param {'NCHW' | 'NHWC'} layout
 * @param {1 | 3} channels
 * @param {string} name
 * @param {Record<string, string>} metadata
 * @param {number} classes
 */
function guessScale(input, layout, channels, name, metadata, classes) {
  const range = metadata['Image.NominalPixelRange'] ?? ''; // by ONNX's own conventions
  if (/0_1/.test(range)) return 'unit';
  if (/1_1/.test(range)) return 'signed';
  if (/255/.test(range)) return 'bytes';
  if (/int8/.test(input.type)) return 'bytes';
  if (/efficientnet-?lite/i.test(name)) return 'lite';
  if (/yolox|mnist-(7|8|12)|style|mosaic/i.test(name)) return 'bytes';
  if (channels === 1 || /yolo|super/i.test(name)) return 'unit';
  if (layout === 'NHWC') return 'signed';
  return classes >= 2 ? 'imagenet' : 'unit';
}
