// @ts-check
/** @file From what `InferenceSession.create` is given to a loaded model, with its progress told. */

import { loadCached } from './cached.js';
import { load, open } from './handles.js';
import { readExternal, readSource, sourceName } from './model-source.js';
import { WARMING_UP } from './protocol.js';

/** @typedef {import('./models.js').Watch} Watch */
/** @typedef {import('./session-options.js').FileSource} FileSource */
/** @typedef {import('./session-options.js').Settings} Settings */

/**
 * Loads an ONNX model, or a bundle by the URL of its manifest.json.
 * @param {FileSource} source
 * @param {Settings} settings
 * @returns {Promise<number>} the handle
 */
export async function loadSession(source, settings) {
  const { signal, progress } = settings;
  signal?.throwIfAborted();
  const name = sourceName(source);
  const onStep = (/** @type {string} */ step) => progress?.(step === WARMING_UP ? { status: 'warmup', name } : { status: 'compile', name, step });
  const handle = await (isManifest(source) ? openBundle(source, settings, { signal, onStep }) : compile(source, settings, { signal, onStep }));
  progress?.({ status: 'ready', name });
  return handle;
}

/**
 * @param {FileSource} source
 * @param {Settings} settings
 * @param {Watch} watch
 */
async function compile(source, settings, watch) {
  if (!settings.externalData.length) {
    const { compile, cache } = settings;
    return loadCached({ bytes: () => readSource(source, settings) }, { ...compile, cache }, watch);
  }
  const [bytes, external] = await Promise.all([readSource(source, settings), readExternal(settings.externalData, settings)]);
  settings.signal?.throwIfAborted();
  return load(bytes, settings.compile, watch, external);
}

/**
 * @param {string | URL} manifest
 * @param {Settings} settings
 * @param {Watch} watch
 */
function openBundle(manifest, { compile: { threads, worker, simd } }, watch) {
  const folder = String(manifest).replace(/manifest\.json([?#].*)?$/, '') || './';
  return open(folder, { threads, worker, simd, withReport: true }, watch);
}

/**
 * @param {FileSource} source
 * @returns {source is string | URL}
 */
function isManifest(source) {
  return (typeof source === 'string' || source instanceof URL) && /(^|[/\\])manifest\.json([?#].*)?$/.test(String(source));
}
