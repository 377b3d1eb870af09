// @ts-check
/**
 * @file Loading models by way of the store of compiled ones: what was compiled before is opened without Python.
 *
 * An entry's key is a hash of the model's hash, of what it was compiled for, and of the compiler. Whatever fails in here
 * but for an abort leads to compiling, as if there were no store.
 */

import { boot, inspect, started } from './compiler.js';
import { chooseSimd, chooseThreads, probe } from './features.js';
import { load, open, release, save } from './handles.js';
import { sha256 } from './sha256.js';
import { BundleStore } from './store.js';

/** @typedef {import('./compiler.js').Watch} Watch */
/** @typedef {import('./protocol.js').CompileOptions} CompileOptions */
/** @typedef {import('./protocol.js').ModelInfo} ModelInfo */

/**
 * A model: its bytes once they are needed, and their hash in hexadecimal, where it is known before.
 * @typedef {{bytes: () => Promise<ArrayBuffer>, sha256?: string}} ModelSource
 * @typedef {Partial<CompileOptions> & {cache?: boolean, worker?: boolean}} LoadOptions cache: false neither looks into the store nor adds to it
 */

/**
 * What the page opened with the last time, for which it is to be looked right at its start.
 * @typedef {{key: string, compiler: string}} Expected
 */

const EXPECTED = 'wasmkiln:expected'; // in localStorage, which answers at once
const INFO = 'info.json';

const compilerInfo = new URL('./wheel/wasmkiln.json', import.meta.url).href;

/** @type {Promise<BundleStore | null> | undefined} */
let opened;
/** @type {{key: string, handle: Promise<number | null>} | null} a model that is being opened before it was asked for */
let early = null;
let isFirst = true;
let isOver = () => {};
/** Resolves when the first model is there, or can't be had. */
const firstOver = new Promise((/** @type {(value?: unknown) => void} */ resolve) => (isOver = resolve));

/**
 * Begins to open what the page opened with the last time. Whether it is likely to be there, so that Python needn't start.
 * @returns {boolean}
 */
export function openEarly() {
  if (!canKeep()) return false;
  void theStore();
  const expected = recall();
  if (!expected) return false;
  const store = new BundleStore({ compiler: expected.compiler });
  early = { key: expected.key, handle: openKept(store, expected.key, {}, {}) };
  return true;
}

/** Resolves when the page's start needs the processor no more: for Python, or for opening what was kept. */
export async function calm() {
  await (early ? firstOver : started());
}

/**
 * Opens a compiled model from the store, or else compiles it, and keeps it for the next time.
 * @param {ModelSource} source
 * @param {LoadOptions} [options]
 * @param {Watch} [watch]
 * @returns {Promise<number>} the handle
 */
export async function loadCached(source, { cache = true, ...options } = {}, watch = {}) {
  const isStart = isFirst;
  isFirst = false;
  try {
    return await loadKept(source, cache, options, watch, isStart);
  } finally {
    isOver();
  }
}

/**
 * @param {ModelSource} source
 * @param {boolean} cache
 * @param {Omit<LoadOptions, 'cache'>} options
 * @param {Watch} watch
 * @param {boolean} isStart whether it is what the page opens with
 */
async function loadKept(source, cache, options, watch, isStart) {
  startIfNothingIsKept(cache).catch(() => {}); // loading meets the same error
  // A download needn't wait for the store to say that it has nothing.
  const coming = early && source.sha256 ? null : source.bytes();
  coming?.catch(() => {}); // whoever waits for it meets the error
  const store = cache ? await theStore() : null;
  if (!store) return load(await (coming ?? source.bytes()), options, watch);
  const hash = source.sha256 ?? (await sha256(new Uint8Array(/** @type {ArrayBuffer} */ (await coming))));
  const key = await keyOf(hash, options, store.compiler);
  const handle = (await takeEarly(key)) ?? (await openKept(store, key, options, watch));
  if (handle !== null) return handle;
  if (isStart) forget();
  const model = await (coming ?? source.bytes());
  // Of a copy, for the model itself goes to the compiler.
  const actual = source.sha256 ? sha256(new Uint8Array(model)) : hash;
  const made = await load(model, options, watch);
  whenIdle(async () => {
    if ((await actual) !== hash) return console.warn('the model is not the one that its hash tells, and is not kept');
    const { files } = await save(made);
    const isKept = await store.put(key, files);
    if (isKept && isStart) remember({ key, compiler: store.compiler });
    listeners.forEach((listener) => listener());
  });
  return made;
}

/**
 * Starts Python while the model is being downloaded, where nothing but Python can open it.
 * @param {boolean} cache
 */
async function startIfNothingIsKept(cache) {
  if (!cache || (await keptModels()).models === 0) await boot();
}

/**
 * A model's inputs, outputs and size, which are kept too, and its hash for `loadCached`. The buffer is handed back.
 * @param {ArrayBuffer} model
 * @param {Watch} [watch]
 * @returns {Promise<{info: ModelInfo, model: ArrayBuffer, sha256?: string}>}
 */
export async function inspectCached(model, watch = {}) {
  const store = await theStore();
  if (!store) return inspect(model, watch);
  const hash = await sha256(new Uint8Array(model));
  const key = `info-${await sha256(new TextEncoder().encode(`${hash} ${store.compiler}`))}`;
  try {
    const kept = await (await store.get(key))?.read(INFO)?.text();
    if (kept) return { info: JSON.parse(kept), model, sha256: hash };
  } catch {
    await store.remove(key);
  }
  const found = await inspect(model, watch);
  whenIdle(() => store.put(key, { [INFO]: new TextEncoder().encode(JSON.stringify(found.info)) }));
  return { info: found.info, model: found.model, sha256: hash };
}

/** @type {(() => void)[]} */
const listeners = [];

/**
 * Calls back whenever other models are kept than before.
 * @param {() => void} listener
 */
export function onKept(listener) {
  listeners.push(listener);
}

/** Removes all compiled models; gives the bytes that this freed. */
export async function clearModels() {
  forget();
  const freed = canKeep() ? await new BundleStore({ compiler: '' }).clear() : 0;
  listeners.forEach((listener) => listener());
  return freed;
}

/** How many compiled models are kept, and the bytes that they take. */
export async function keptModels() {
  return canKeep() ? new BundleStore({ compiler: '' }).usage() : { models: 0, bytes: 0 };
}

/**
 * What was opened early, if it is what is asked for; else it is given up.
 * @param {string} key
 */
async function takeEarly(key) {
  const begun = early;
  early = null;
  const handle = (await begun?.handle) ?? null;
  if (handle === null || begun?.key === key) return handle;
  release(handle);
  return null;
}

/**
 * @param {BundleStore} store
 * @param {string} key
 * @param {LoadOptions} options
 * @param {Watch} watch
 */
async function openKept(store, key, options, watch) {
  const bundle = await store.get(key);
  if (!bundle) return null;
  try {
    return await open(bundle, { threads: options.threads, worker: options.worker, simd: options.simd, withReport: true }, watch);
  } catch (error) {
    watch.signal?.throwIfAborted();
    console.warn('a compiled model could not be opened, and is compiled anew:', error);
    await store.remove(key);
    return null;
  }
}

/**
 * @param {string} hash of the model
 * @param {LoadOptions} options
 * @param {string} compiler
 */
function keyOf(hash, options, compiler) {
  const features = probe();
  const simd = options.simd ?? chooseSimd(features).value;
  const threads = options.threads ?? `up to ${chooseThreads(features).value}`;
  const text = JSON.stringify([hash, compiler, simd, threads, features.isolated, sorted(options.dims), sorted(options.shapes)]);
  return sha256(new TextEncoder().encode(text));
}

/** @param {object} [options] */
function sorted(options = {}) {
  return Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The store, or null where there can be none. */
function theStore() {
  opened ??= canKeep() ? findStore() : Promise.resolve(null);
  return opened;
}

async function findStore() {
  try {
    // A hash of the compiler's sources, for they may change without a new version.
    const { version, sources } = await (await fetch(compilerInfo)).json();
    return new BundleStore({ compiler: `${version} ${sources}` });
  } catch {
    opened = undefined;
    return null;
  }
}

function canKeep() {
  return typeof globalThis.navigator?.storage?.getDirectory === 'function' && globalThis.crypto?.subtle !== undefined;
}

/**
 * @param {() => Promise<unknown>} work what fails in it, fails alone
 */
function whenIdle(work) {
  const attempt = () => void work().catch((error) => console.info('the compiled model is not kept:', error));
  // Safari has no requestIdleCallback.
  (globalThis.requestIdleCallback ?? setTimeout)(attempt);
}

/** @returns {Expected | null} */
function recall() {
  try {
    const expected = JSON.parse(localStorage.getItem(EXPECTED) ?? 'null');
    return typeof expected?.key === 'string' && typeof expected.compiler === 'string' ? expected : null;
  } catch {
    return null;
  }
}

/** @param {Expected} expected */
function remember(expected) {
  try {
    localStorage.setItem(EXPECTED, JSON.stringify(expected));
  } catch {
    // it is opened a little later the next time; workers, for one, have no such place
  }
}

function forget() {
  early = null;
  try {
    localStorage.removeItem(EXPECTED);
  } catch {
    // then nothing is remembered either
  }
}
