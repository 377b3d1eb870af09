// @ts-check
/**
 * @file Every error that wasmkiln raises on purpose: the tree of `py/wasmkiln/errors.py`, and what only a page can meet.
 *
 *     WasmkilnError
 *     ├── InvalidModelError          the bytes are not a model that we can read
 *     │   ├── ExternalDataError      the model's weights are in another file
 *     │   └── BundleError            a part of a compiled model is missing, damaged or of another version
 *     ├── UnsupportedOperatorError   an operator, or a form of it, that we don't compile
 *     │   └── DataDependentError     a shape or parameter is computed from data, while the model runs
 *     ├── ShapeError                 shapes or dtypes inside the model contradict each other
 *     ├── InvalidInputError          a wrong input name, shape or dtype, or an unknown option
 *     ├── ReleasedError              a session or handle was used after its release
 *     ├── LimitError                 the model needs more memory than there is or than is allowed
 *     ├── UnsupportedBrowserError    the browser lacks something that we can't do without
 *     ├── DownloadError              a file of the page or a model could not be fetched
 *     ├── ImageError                 the file is not a picture that can be read
 *     ├── ScriptError                a Python script ended with an exception
 *     └── InternalError              a defect of ours; please report it
 */

/** The root of all errors raised by wasmkiln. */
export class WasmkilnError extends Error {
  /**
   * @param {string} message
   * @param {ErrorOptions} [options]
   */
  constructor(message, options) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The bytes given as a model are damaged, truncated or not an ONNX model at all. */
export class InvalidModelError extends WasmkilnError {}

/** The model keeps weights in another file, which a page can't open. */
export class ExternalDataError extends InvalidModelError {}

/** A compiled model lacks a part, or one is damaged, was changed, or is of another version. */
export class BundleError extends InvalidModelError {}

/** An operator, or a form of it, has no compiler; the message names node, opset and types. */
export class UnsupportedOperatorError extends WasmkilnError {}

/** A value that has to be known while compiling is computed from the data of a run. */
export class DataDependentError extends UnsupportedOperatorError {}

/** Shapes, dtypes or attributes inside a model contradict each other. */
export class ShapeError extends WasmkilnError {}

/** An input has a wrong name, shape or dtype, or an option doesn't exist. */
export class InvalidInputError extends WasmkilnError {}

/** A session or handle was used after its release, or the handle never existed. */
export class ReleasedError extends WasmkilnError {}

/** The model needs more memory or more work than there is or than the limits allow. */
export class LimitError extends WasmkilnError {}

/** The browser lacks something that can't be done without. */
export class UnsupportedBrowserError extends WasmkilnError {}

/** A file could not be fetched. */
export class DownloadError extends WasmkilnError {}

/** The file is not a picture that can be read here. */
export class ImageError extends WasmkilnError {}

/** A Python script ended with an exception; the message is its last line. */
export class ScriptError extends WasmkilnError {}

/** A defect in wasmkiln itself. */
export class InternalError extends WasmkilnError {}

/** @type {Readonly<Record<string, new (message: string) => WasmkilnError>>} */
const BY_NAME = Object.freeze({
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
  InternalError,
});

/**
 * An error as it travels between threads: classes don't survive a structured clone.
 * @typedef {{name: string, message: string}} WireError
 */

/**
 * The error as a message; what isn't one of ours becomes an InternalError, out of memory a LimitError.
 * @param {unknown} error
 * @returns {WireError}
 */
export function toWire(error) {
  if (error instanceof WasmkilnError) return { name: error.name, message: error.message };
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  if (name === 'RangeError' && /memory|allocat|array buffer|typed array length/i.test(message)) {
    return { name: 'LimitError', message: `the browser could not give the memory that this needs (${message})` };
  }
  return { name: 'InternalError', message: `${name}: ${message}` };
}

/**
 * The error that a message describes, in its own class.
 * @param {WireError} wire
 * @returns {WasmkilnError}
 */
export function fromWire({ name, message }) {
  const Class = Object.hasOwn(BY_NAME, name) ? BY_NAME[name] : InternalError;
  return new Class(message);
}
