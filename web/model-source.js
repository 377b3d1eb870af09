// @ts-check
/** @file A model's bytes, and those of the files beside it, from wherever they are given. */

import { InvalidInputError } from './errors.js';
import { downloadModel, nameOf } from './progress.js';

/** @typedef {import('./session-options.js').ExternalFile} ExternalFile */
/** @typedef {import('./session-options.js').FileSource} FileSource */
/** @typedef {{progress?: import('./progress.js').ProgressCallback, signal?: AbortSignal}} Watch */

const WANTED = 'option externalData must be an array of {path, data}, or of URLs';

/**
 * What a model is called in events: its file's name, if it has one.
 * @param {FileSource} source
 */
export function sourceName(source) {
  if (typeof source === 'string' || source instanceof URL) return nameOf(source);
  return source instanceof Blob && 'name' in source ? String(source.name) : 'model';
}

/**
 * The bytes in a buffer of our own, which may be transferred away.
 * @param {FileSource} source
 * @param {Watch} watch
 * @param {string} [name] of the model, for events
 * @returns {Promise<ArrayBuffer>}
 */
export async function readSource(source, { progress, signal }, name = sourceName(source)) {
  if (typeof source === 'string' || source instanceof URL) return downloadModel(source, { name, progress, signal });
  return source instanceof Blob ? source.arrayBuffer() : copyOf(source);
}

/**
 * The files of `externalData`; text is a URL, and its last part the path.
 * @param {readonly ExternalFile[]} files
 * @param {Watch} watch
 * @returns {Promise<import('./protocol.js').External[]>}
 */
export async function readExternal(files, watch) {
  if (!Array.isArray(files)) throw new InvalidInputError(WANTED);
  return Promise.all(
    files.map(async (file) => {
      const { path, data } = typeof file === 'string' ? { path: nameOf(file), data: file } : (file ?? {});
      if (typeof path !== 'string' || data === undefined) throw new InvalidInputError(WANTED);
      return { path: path.replace(/^\.\//, ''), data: await readSource(data, watch) };
    }),
  );
}

/**
 * A part of a buffer, as `create(buffer, byteOffset, byteLength)` takes it.
 * @param {ArrayBuffer | SharedArrayBuffer} buffer
 * @param {number} offset
 * @param {number | undefined} length
 */
export function partOf(buffer, offset, length) {
  const size = buffer?.byteLength;
  const end = length === undefined ? size : offset + length;
  if (!Number.isInteger(offset) || !Number.isInteger(end) || offset < 0 || offset > end || end > size) {
    throw new InvalidInputError(`create: bytes ${offset} to ${end} do not lie in a buffer of ${size}`);
  }
  return new Uint8Array(buffer, offset, end - offset);
}

/**
 * @param {ArrayBuffer | SharedArrayBuffer | ArrayBufferView} bytes
 * @returns {ArrayBuffer}
 */
function copyOf(bytes) {
  if (ArrayBuffer.isView(bytes)) return new Uint8Array(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)).buffer;
  if (bytes instanceof ArrayBuffer || (typeof SharedArrayBuffer === 'function' && bytes instanceof SharedArrayBuffer)) {
    return new Uint8Array(new Uint8Array(bytes)).buffer;
  }
  throw new InvalidInputError('create: the model must be a URL, a Blob, an ArrayBuffer or a view of one');
}
