// @ts-check
/**
 * @file wasmkiln: ONNX models compiled to WebAssembly for the tab, by onnxruntime-web's names.
 *
 * @example
 * import { InferenceSession, Tensor } from 'wasmkiln';
 * const session = await InferenceSession.create('model.onnx');
 * const { logits } = await session.run({ image: new Tensor('float32', pixels, [1, 3, 224, 224]) });
 * await session.release();
 */

export { env } from './env.js';
export {
  WasmkilnError,
  InvalidModelError,
  ExternalDataError,
  BundleError,
  UnsupportedOperatorError,
  DataDependentError,
  ShapeError,
  InvalidInputError,
  ReleasedError,
  LimitError,
  UnsupportedBrowserError,
  DownloadError,
  ImageError,
  ScriptError,
  InternalError,
} from './errors.js';
export { pipeline } from './pipeline.js';
export { InferenceSession } from './session.js';
export { Tensor } from './tensor.js';

/** @typedef {import('./session-options.js').SessionOptions} SessionOptions */
/** @typedef {import('./session-options.js').RunOptions} RunOptions */
/** @typedef {import('./progress.js').ProgressEvent} ProgressEvent */
/** @typedef {import('./pipeline.js').Classification} Classification */
/** @typedef {import('./pipeline.js').ImageClassificationPipeline} ImageClassificationPipeline */
/** @typedef {import('./pipeline.js').ModelEntry} ModelEntry */
/** @typedef {import('./image.js').ImageInput} ImageInput */
/** @typedef {import('./profile.js').ProfileRow} ProfileRow */
/** @typedef {import('./session.js').ValueMetadata} ValueMetadata */
/** @typedef {import('./session-options.js').ExternalFile} ExternalFile */
/** @typedef {import('./session-options.js').FileSource} FileSource */
/** @typedef {import('./tensor-data.js').TensorType} TensorType */
