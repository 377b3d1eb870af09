// @ts-check
/**
 * @file Bundles: a compiled model as a manifest and the parts that it names, each with its size and SHA-256.
 *
 * A bundle needs neither Python nor the ONNX file. It lies in a folder, in files at hand, or in whatever has
 * `read(name)`. No part is used before its hash was checked. `wasmkiln.bundle` writes the same format.
 */

import { ARRAYS } from './dtypes.js';
import { BundleError, DownloadError, InvalidInputError } from './errors.js';
import { readFile, workingFolder } from './node.js';
import { sha256 } from './sha256.js';

/** @typedef {import('./protocol.js').Content} Content */
/** @typedef {import('./protocol.js').Manifest} Manifest */
/** @typedef {import('./protocol.js').Part} Part */
/** @typedef {import('./protocol.js').Signature} Signature */

/**
 * Where the parts of a bundle come from. An array buffer that `read` gives is taken, not copied.
 * @typedef {Content | Response} Readable
 * @typedef {{read: (name: string) => Readable | undefined | Promise<Readable | undefined>}} Reads
 * @typedef {string | URL | Map<string, Content> | Record<string, Content> | Reads} BundleSource
 */

export const MANIFEST = 'manifest.json';
const FORMAT = 'wasmkiln bundle';
export const VERSION = 2;

/**
 * A function that gives a part's content, by name.
 * @param {BundleSource} source
 * @returns {(name: string) => Promise<Content>}
 */
export function readerOf(source) {
  if (typeof source === 'string' || source instanceof URL) {
    const folder = new URL(source, globalThis.document?.baseURI ?? globalThis.location?.href ?? workingFolder());
    if (!folder.pathname.endsWith('/')) folder.pathname += '/';
    return async (name) => new URL(name, folder).href;
  }
  if (source === null || typeof source !== 'object') throw new InvalidInputError('a bundle is a URL, files by name, or an object with read(name)');
  const files = source instanceof Map ? source : new Map(Object.entries(source));
  return async (name) => {
    const content = await (isReader(source) ? source.read(name) : files.get(name));
    if (content === undefined || content === null) throw new BundleError(`the bundle has no part '${name}'`);
    return content instanceof Response ? content.blob() : content;
  };
}

/**
 * Whether a source reads its parts, which then are given away.
 * @param {BundleSource} source
 * @returns {source is Reads}
 */
export function isReader(source) {
  return typeof source === 'object' && 'read' in source && typeof source.read === 'function';
}

/**
 * The manifest, checked.
 * @param {(name: string) => Promise<Content>} read
 * @param {string} [integrity] "sha256-…" in hexadecimal, if the manifest's hash is known
 * @param {AbortSignal} [signal]
 * @returns {Promise<Manifest>}
 */
export async function readManifest(read, integrity, signal) {
  const bytes = await contentBytes(MANIFEST, await read(MANIFEST), signal);
  if (integrity !== undefined && `sha256-${await sha256(bytes)}` !== integrity) {
    throw new BundleError(`the bundle's ${MANIFEST} does not have the hash ${integrity}`);
  }
  let manifest;
  try {
    manifest = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new BundleError(`the bundle's ${MANIFEST} is not JSON (${error})`);
  }
  checkManifest(manifest);
  return manifest;
}

/**
 * The bytes of a part, if they are what the manifest says.
 * @param {Part} part
 * @param {Content} content
 * @param {AbortSignal} [signal]
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function readPart({ file, bytes: size, sha256: expected }, content, signal) {
  const bytes = await contentBytes(file, content, signal);
  if (bytes.length !== size) throw new BundleError(`the bundle's part '${file}' has ${bytes.length} bytes instead of ${size}`);
  if ((await sha256(bytes)) !== expected) throw new BundleError(`the bundle's part '${file}' is not the one that its manifest names: the hashes differ`);
  return bytes;
}

/**
 * The value of a part that is JSON.
 * @param {Part} part
 * @param {Content} content
 */
export async function readJson(part, content) {
  return JSON.parse(new TextDecoder().decode(await readPart(part, content)));
}

/**
 * A part's entry in a manifest.
 * @param {string} file
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<Part>}
 */
export async function describePart(file, bytes) {
  return { file, bytes: bytes.length, sha256: await sha256(bytes) };
}

/**
 * A manifest but for what is known of it.
 * @param {Omit<Manifest, 'format' | 'version'>} rest
 * @returns {Manifest}
 */
export function makeManifest(rest) {
  return { format: FORMAT, version: VERSION, ...rest };
}

/**
 * @param {string} name
 * @param {Content} content
 * @param {AbortSignal} [signal]
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
async function contentBytes(name, content, signal) {
  if (content instanceof ArrayBuffer) return new Uint8Array(content);
  if (ArrayBuffer.isView(content)) {
    const { buffer, byteOffset, byteLength } = content;
    return new Uint8Array(/** @type {ArrayBuffer} */ (buffer), byteOffset, byteLength);
  }
  try {
    if (content instanceof Blob) return new Uint8Array(await content.arrayBuffer());
    if (typeof content === 'string') return await fetchBytes(content, signal);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof DownloadError) throw error;
    throw new DownloadError(`the bundle's part '${name}' could not be read`, { cause: error });
  }
  throw new BundleError(`the bundle's part '${name}' is neither bytes nor a Blob nor a URL`);
}

/**
 * @param {string} url
 * @param {AbortSignal} [signal]
 */
async function fetchBytes(url, signal) {
  const file = await readFile(url);
  if (file) return file;
  const response = await fetch(url, { signal });
  if (!response.ok) throw new DownloadError(`${url} could not be fetched: the server answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** @param {any} m what was read as a manifest */
function checkManifest(m) {
  if (m?.format !== FORMAT) throw new BundleError(`${MANIFEST} is not that of a bundle of wasmkiln`);
  if (m.version !== VERSION) throw new BundleError(`the bundle has version ${m.version} of its format, but this loader reads ${VERSION}`);
  const isWhole =
    typeof m.compiler === 'string' &&
    typeof m.name === 'string' &&
    isList(m.inputs, isSignature) &&
    isList(m.outputs, isSignature) &&
    isList(m.code, (c) => isPart(c) && (c.simd === 'relaxed' || c.simd === 'baseline')) &&
    m.code.length > 0 &&
    isList(m.weights, isPart) &&
    isList(m.constants, isRange) &&
    isPart(m.plans) &&
    (m.report === undefined || isPart(m.report));
  if (!isWhole) throw new BundleError(`the bundle's ${MANIFEST} lacks something, or has it in the wrong form`);
  const stored = m.constants.reduce((/** @type {number} */ sum, /** @type {any[]} */ [, bytes, half]) => sum + (half ? bytes / 2 : bytes), 0);
  const held = m.weights.reduce((/** @type {number} */ sum, /** @type {Part} */ part) => sum + part.bytes, 0);
  if (stored !== held) throw new BundleError(`the bundle's weights have ${held} bytes, but its constants take ${stored}`);
}

/** @param {any} list @param {(item: any) => boolean} check */
const isList = (list, check) => Array.isArray(list) && list.every(check);

/** @param {any} n */
const isSize = (n) => Number.isSafeInteger(n) && n >= 0;

/** A part is named by a plain file name, so that a manifest can't lead a loader elsewhere. @param {any} p */
const isPart = (p) =>
  typeof p?.file === 'string' && /^[\w][\w.-]*$/.test(p.file) && isSize(p.bytes) && /^[0-9a-f]{64}$/.test(p.sha256);

/** @param {any} s */
const isSignature = (s) =>
  typeof s?.name === 'string' &&
  Object.hasOwn(ARRAYS, s.dtype) &&
  (s.shape === null || isList(s.shape, (d) => isSize(d) || typeof d === 'string'));

/** @param {any} r */
const isRange = (r) =>
  Array.isArray(r) && isSize(r[0]) && isSize(r[1]) && (r[2] === undefined || (r[2] === 1 && r[1] % 4 === 0)) && r[0] + r[1] <= 2 ** 32;
