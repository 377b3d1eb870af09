// @ts-check
/** @file Fetching with progress, into one buffer of the right size. */

import { DownloadError } from './errors.js';
import { readFile, workingFolder } from './node.js';

/**
 * @typedef {object} DownloadOptions
 * @property {number} [size] bytes expected, where known; the progress is measured against it
 * @property {(received: number, size: number | undefined) => void} [onProgress]
 * @property {AbortSignal} [signal]
 */

/**
 * The whole content of a URL.
 * @param {string | URL} url
 * @param {DownloadOptions} [options]
 * @returns {Promise<ArrayBuffer>}
 */
export async function download(url, { size, onProgress, signal } = {}) {
  const file = await fromDisk(url, signal);
  if (file) {
    onProgress?.(file.byteLength, file.byteLength);
    return file;
  }
  const response = await get(url, signal);
  if (!response.body || !onProgress) return response.arrayBuffer();
  // A compressed body's Content-Length counts other bytes than those that arrive here.
  const encoded = response.headers.has('Content-Encoding');
  const total = size ?? (encoded ? undefined : Number(response.headers.get('Content-Length')) || undefined);
  let buffer = new Uint8Array(total ?? 1 << 20);
  let received = 0;
  const reader = response.body.getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (received + part.value.length > buffer.length) buffer = grown(buffer, received + part.value.length);
      buffer.set(part.value, received);
      received += part.value.length;
      onProgress(received, total);
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw new DownloadError(`the download of ${shown(url)} broke off after ${received} bytes`, { cause: error });
  }
  if (size !== undefined && received !== size) throw new DownloadError(`${shown(url)} has ${received} bytes instead of ${size}`);
  return received === buffer.length ? buffer.buffer : buffer.buffer.slice(0, received);
}

/**
 * The content of a URL as JSON.
 * @param {string | URL} url
 * @param {AbortSignal} [signal]
 */
export async function downloadJson(url, signal) {
  const file = await fromDisk(url, signal);
  const text = file ? new TextDecoder().decode(file) : await (await get(url, signal)).text();
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DownloadError(`${shown(url)} is not JSON (${error instanceof Error ? error.message : error})`, { cause: error });
  }
}

/**
 * A file of the disk, in Node.
 * @param {string | URL} url
 * @param {AbortSignal} [signal]
 * @returns {Promise<ArrayBuffer | null>}
 */
async function fromDisk(url, signal) {
  signal?.throwIfAborted();
  try {
    const bytes = await readFile(url);
    if (!bytes) return null;
    const { buffer, byteOffset, byteLength } = bytes;
    return byteLength === buffer.byteLength ? buffer : buffer.slice(byteOffset, byteOffset + byteLength);
  } catch (error) {
    throw new DownloadError(`${shown(url)} could not be read (${error instanceof Error ? error.message : error})`, { cause: error });
  }
}

/**
 * @param {string | URL} url
 * @param {AbortSignal} [signal]
 */
async function get(url, signal) {
  let response;
  try {
    response = await fetch(url, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw new DownloadError(`${shown(url)} could not be fetched; is the server still there?`, { cause: error });
  }
  if (!response.ok) throw new DownloadError(`${shown(url)} could not be fetched: the server answered ${response.status}`);
  return response;
}

/**
 * @param {Uint8Array<ArrayBuffer>} buffer
 * @param {number} needed
 */
function grown(buffer, needed) {
  const larger = new Uint8Array(Math.max(needed, buffer.length * 2));
  larger.set(buffer);
  return larger;
}

/**
 * A URL as a worker can be told it; in Node a path is made one.
 * @param {string | URL} url
 */
export function absolute(url) {
  return new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href ?? workingFolder()).href;
}

/** @param {string | URL} url */
function shown(url) {
  return String(url).replace(/[?#].*/, '').split('/').pop() || String(url);
}
