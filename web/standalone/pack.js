// @ts-check
/** @file A loaded model as a zip file of what `wasmkiln compile` writes: a folder that runs it on any static host. */

import { DownloadError } from '../errors.js';
import { zip } from './zip.js';

/** @typedef {import('../protocol.js').Manifest} Manifest */
/** @typedef {import('../protocol.js').Signature} Signature */

// As `wasmkiln.bundle.loader` has them: arrays whose name is not that of the dtype.
const ARRAYS = new Map([['float16', 'Uint16Array'], ['bfloat16', 'Uint16Array'], ['bool', 'Uint8Array']]);

/**
 * The zip file. Its folder holds the code for this browser's SIMD level, and the plans that the model has now.
 * @param {{save: (options: {name?: string}) => Promise<{manifest: object, files: Record<string, Uint8Array<ArrayBuffer>>}>}} session
 * @param {{name?: string}} [options] what the model is called
 * @returns {Promise<Blob>}
 */
export async function packBundle(session, { name } = {}) {
  const [saved, templates] = await Promise.all([session.save({ name }), readTemplates()]);
  const manifest = /** @type {Manifest} */ (saved.manifest);
  const { 'report.json': _report, 'manifest.json': _manifest, ...parts } = saved.files;
  const { report: _part, ...rest } = manifest;
  const text = { 'manifest.json': JSON.stringify(rest), ...fill(templates, manifest) };
  const encoder = new TextEncoder();
  const written = Object.entries(text).map(([file, content]) => [file, encoder.encode(content)]);
  return zip({ ...parts, ...Object.fromEntries(written) });
}

/** @returns {Promise<Record<string, string>>} */
async function readTemplates() {
  const url = new URL('../wheel/standalone.json', import.meta.url);
  try {
    const response = await fetch(url);
    if (response.ok) return await response.json();
  } catch (error) {
    throw new DownloadError('the loader for the bundle could not be fetched; is the server still there?', { cause: error });
  }
  throw new DownloadError("the loader for the bundle could not be fetched: this site doesn't have it");
}

/**
 * The templates with what they say of the model.
 * @param {Record<string, string>} templates
 * @param {Manifest} manifest
 */
export function fill(templates, { name, inputs, outputs }) {
  const fixed = inputs.every(({ shape }) => shape?.every((size) => typeof size === 'number'));
  const fields = {
    name: name.replace(/[<>&*]/g, ''),
    inputs: inputs.map((s) => `  ${JSON.stringify(s.name)}: ${fixed ? `${arrayOf(s)} | ` : ''}{ data: ${arrayOf(s)}; dims: ${dimsOf(s)} };`).join('\n'),
    outputs: outputs
      .map((s) => `  ${JSON.stringify(s.name)}: { type: ${JSON.stringify(s.dtype)}; data: ${arrayOf(s)}; dims: ${dimsOf(s)} };`)
      .join('\n'),
  };
  const filled = { ...templates };
  for (const file of Object.keys(filled)) {
    if (file === 'model.js') continue;
    for (const [field, value] of Object.entries(fields)) filled[file] = filled[file].replaceAll(`{{${field}}}`, () => value);
  }
  return filled;
}

/** @param {Signature} signature */
function dimsOf({ shape }) {
  if (!shape) return 'readonly number[]';
  return `readonly [${shape.map((size) => (typeof size === 'number' ? size : 'number')).join(', ')}]`;
}

/** @param {Signature} signature */
function arrayOf({ dtype }) {
  return ARRAYS.get(dtype) ?? `${/^u?int64$/.test(dtype) ? 'Big' : ''}${dtype[0].toUpperCase()}${dtype.slice(1)}Array`;
}
