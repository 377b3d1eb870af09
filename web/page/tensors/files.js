// @ts-check
/** @file Numbers in files: NumPy's .npy, JSON and CSV in; .npy and JSON out. */

import { InvalidInputError } from '../../errors.js';
import { ARRAYS, count } from '../../tensor.js';
import { decoder } from './values.js';

/** @typedef {import('../../tensor.js').Tensor} Tensor */

/** What a file holds; its shape may not be known. @typedef {{values: ArrayLike<number | bigint>, shape: number[] | null}} Numbers */

const MAX_BYTES = 1 << 30;
const MAGIC = '\x93NUMPY';

/** NumPy's letters for our dtypes, after the byte order. */
const LETTERS = /** @type {Record<string, string>} */ ({
  float32: 'f4', float64: 'f8', float16: 'f2', int8: 'i1', uint8: 'u1', int16: 'i2', uint16: 'u2',
  int32: 'i4', uint32: 'u4', int64: 'i8', uint64: 'u8', bool: 'b1',
});

/**
 * The numbers in a file, by its content rather than its name.
 * @param {File} file
 * @returns {Promise<Numbers>}
 */
export async function readNumbers(file) {
  if (file.size > MAX_BYTES) throw new InvalidInputError(`“${file.name}” has ${(file.size / 1e9).toFixed(1)} GB; at most 1 GB is read`);
  const bytes = await file.arrayBuffer().catch(() => {
    throw new InvalidInputError(`“${file.name}” could not be read`);
  });
  try {
    if (latin(bytes, 0, 6) === MAGIC) return readNpy(bytes);
    return parseNumbers(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    const reason = error instanceof InvalidInputError ? error.message : 'neither .npy, nor JSON, nor numbers as text';
    throw new InvalidInputError(`“${file.name}”: ${reason}`);
  }
}

/**
 * Numbers as a person writes them: JSON, or numbers with anything usual between them.
 * @param {string} text
 * @returns {Numbers}
 */
export function parseNumbers(text) {
  const trimmed = text.trim();
  if (/^[[{]/.test(trimmed)) return fromJson(trimmed);
  const words = trimmed.split(/[\s,;]+/).filter(Boolean);
  const values = words.map((word) => {
    const value = { true: 1, false: 0, nan: NaN, inf: Infinity, '-inf': -Infinity }[word.toLowerCase()] ?? Number(word);
    if (Number.isNaN(value) && !/^nan$/i.test(word)) throw new InvalidInputError(`“${word.slice(0, 40)}” is not a number`);
    return value;
  });
  return { values, shape: null };
}

/**
 * Nested lists, or what we write: {dims, data}.
 * @param {string} text
 * @returns {Numbers}
 */
function fromJson(text) {
  let parsed;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new InvalidInputError(`not valid JSON (${error instanceof Error ? error.message : error})`);
  }
  const nested = Array.isArray(parsed) ? parsed : parsed.data;
  if (!Array.isArray(nested)) throw new InvalidInputError('the JSON holds no list of numbers');
  /** @type {number[]} */
  const shape = [];
  for (let level = nested; Array.isArray(level); level = level[0]) shape.push(level.length);
  const values = /** @type {unknown[]} */ (nested.flat(shape.length)).map((value) => {
    if (typeof value !== 'number' && typeof value !== 'boolean') throw new InvalidInputError(`the JSON holds ${JSON.stringify(value)?.slice(0, 40)} where a number is expected`);
    return Number(value);
  });
  const dims = Array.isArray(parsed.dims) ? parsed.dims : shape;
  return { values, shape: count(dims) === values.length ? dims : null };
}

/**
 * @param {ArrayBuffer} bytes
 * @returns {Numbers}
 */
function readNpy(bytes) {
  const view = new DataView(bytes);
  const wide = bytes.byteLength > 12 && view.getUint8(6) > 1; // versions 2 and 3 count the header in four bytes
  const begin = wide ? 12 : 10;
  const size = bytes.byteLength > begin ? (wide ? view.getUint32(8, true) : view.getUint16(8, true)) : 0;
  const header = latin(bytes, begin, size);
  const descr = /'descr':\s*'([<>|=]?)([a-z]\d+)'/.exec(header);
  const shapeText = /'shape':\s*\(([^)]*)\)/.exec(header);
  const type = descr && Object.keys(LETTERS).find((name) => LETTERS[name] === descr[2]);
  if (!descr || !shapeText || !type) throw new InvalidInputError('an .npy file of a kind that is not read here');
  if (descr[1] === '>') throw new InvalidInputError('the .npy file is big-endian, which is not read here');
  if (/'fortran_order':\s*True/.test(header)) throw new InvalidInputError('the .npy file is in Fortran order; save np.ascontiguousarray(x)');
  const shape = shapeText[1].split(',').map((part) => part.trim()).filter(Boolean).map(Number);
  const data = bytes.slice(begin + size);
  const { BYTES_PER_ELEMENT: width } = ARRAYS[type];
  if (data.byteLength !== count(shape) * width) throw new InvalidInputError('the .npy file is cut off');
  const elements = new ARRAYS[type](data);
  return { values: type === 'float16' ? Array.from(elements, decoder(type)) : elements, shape };
}

/**
 * A tensor as an .npy file; bfloat16, which NumPy lacks, as f32.
 * @param {Tensor} tensor
 * @returns {Blob}
 */
export function toNpy({ type, data, dims }) {
  const isBrain = type === 'bfloat16';
  const body = isBrain ? Float32Array.from(/** @type {Uint16Array} */ (data), decoder(type)) : data;
  const letters = LETTERS[isBrain ? 'float32' : type];
  const order = letters.endsWith('1') ? '|' : '<';
  const shape = dims.length === 1 ? `${dims[0]},` : dims.join(', ');
  const text = `{'descr': '${order}${letters}', 'fortran_order': False, 'shape': (${shape}), }`;
  const padded = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
  const head = Uint8Array.from(`${MAGIC}\x01\x00${String.fromCharCode(padded.length & 255, padded.length >> 8)}${padded}`, (letter) => letter.charCodeAt(0));
  return new Blob([head, /** @type {BlobPart} */ (body)], { type: 'application/octet-stream' });
}

/**
 * A tensor as JSON: {type, dims, data}. What is not finite becomes null.
 * @param {Tensor} tensor
 * @returns {Blob}
 */
export function toJson({ type, data, dims }) {
  const text = JSON.stringify({ type, dims, data: Array.from(/** @type {ArrayLike<number | bigint>} */ (data), decoder(type)) });
  return new Blob([text], { type: 'application/json' });
}

/**
 * @param {ArrayBuffer} bytes
 * @param {number} start
 * @param {number} length
 */
function latin(bytes, start, length) {
  return String.fromCharCode(...new Uint8Array(bytes, Math.min(start, bytes.byteLength), Math.max(0, Math.min(length, bytes.byteLength - start))));
}
