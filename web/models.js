// @ts-check
/**
 * @file Models that are loaded, by opaque handles: open(bundle) → handle, predict(handle, feeds), save(handle),
 * release(handle). No compiler is needed for that, nor is it imported.
 */

import { isReader, MANIFEST, readerOf, readJson, readManifest } from './bundle.js';
import { ComputeGroup } from './compute.js';
import { ReleasedError, UnsupportedBrowserError } from './errors.js';
import { chooseSimd, chooseThreads, probe } from './features.js';
import { isSmall, LocalGroup } from './here.js';

/** @typedef {import('./bundle.js').BundleSource} BundleSource */
/** @typedef {import('./protocol.js').About} About */
/** @typedef {import('./protocol.js').Binding} Binding */
/** @typedef {import('./protocol.js').Feeds} Feeds */
/** @typedef {import('./protocol.js').ReportRow} ReportRow */
/** @typedef {import('./protocol.js').Signature} Signature */
/** @typedef {import('./protocol.js').Timings} Timings */

/**
 * How to be told of steps, and how to give up.
 * @typedef {{onStep?: (step: string) => void, signal?: AbortSignal}} Watch
 */

/**
 * @typedef {object} OpenOptions
 * @property {number} [threads] by default as many as the page and the machine allow, and one for small models; one where
 *   memory can't be shared
 * @property {'relaxed' | 'baseline'} [simd] by default the best that both the browser and the bundle have
 * @property {boolean} [worker] keeps even small models off this thread
 * @property {string} [integrity] "sha256-" and the manifest's hash in hexadecimal: another manifest is refused
 * @property {boolean} [withReport] reads the report too, if there is one
 */

/**
 * What is known of a model before it is loaded.
 * @typedef {object} Known
 * @property {Signature[]} accepts its inputs; a size is a symbol where several are possible
 * @property {ReportRow[]} report how each node will run
 * @property {import('./protocol.js').Declared} declared its inputs and outputs, with names for the sizes that were left open
 * @property {import('./protocol.js').NamedStep[]} steps of its first plan, where they are known
 * @property {'relaxed' | 'baseline'} simd
 * @property {number} weightBytes
 * @property {number} compileMs
 * @property {Timings} phases seconds by phase of the compiler
 */

/**
 * A loaded model; what is known of it without running it. Inputs and outputs are those of the first plan.
 * @typedef {object} Loaded
 * @property {Binding[]} inputs
 * @property {Binding[]} outputs
 * @property {number} plans for how many sets of input shapes it is compiled
 * @property {number} threads
 * @property {number} memoryBytes linear memory held
 * @property {number} codeBytes WebAssembly emitted
 * @property {number} arenaBytes activations and scratch
 * @property {number} macs multiply-accumulates a run
 * @property {number} loadMs copying and preparing weights, and starting threads
 * @property {number} warmMs the first run, on zeros
 * @typedef {Known & Loaded} Description
 */

/** @typedef {ComputeGroup | LocalGroup} Group */

/** @type {Map<number, {group: Group, description: Description, about: About}>} */
const models = new Map();
let nextHandle = 1;
const MAX_SPARES = 2; // one for the next model, and one for the model after it, which is loaded before the other goes
/** @type {ComputeGroup[]} idle workers, started ahead of need or left by a model that was released */
const spares = [];

const MAX_LEFT_BYTES = 16 << 20; // workers that are kept free a model's memory some time later, those that end at once

/**
 * Starts the workers for the next models now, while there is time; then opening a model fetches nothing.
 * @param {number} groups
 * @returns {Promise<unknown>} resolves when they have come up, or failed to
 */
export function prepare(groups) {
  dropDead();
  while (spares.length < groups) spares.push(new ComputeGroup(chooseThreads(probe()).value));
  return Promise.allSettled(spares.map((group) => group.started));
}

// Waking a sleeping thread takes up to some milliseconds. A model of so many multiply-accumulates takes about three on one
// thread, and smaller ones run on that, unless the caller asks for more.
export const WORTH_SHARING = 100e6;

/**
 * Opens a compiled model. Nothing is compiled, and no Python starts.
 * @param {BundleSource} bundle a folder's URL, files by name, or an object with `read(name)`
 * @param {OpenOptions} [options]
 * @param {Watch} [watch]
 * @returns {Promise<number>} the handle
 */
export async function open(bundle, { threads: asked, simd, integrity, withReport, worker } = {}, { onStep, signal } = {}) {
  const features = probe();
  const threads = asked && (features.isolated && features.threads ? asked : 1);
  needSimd(features);
  onStep?.('Reading the model');
  const read = readerOf(bundle);
  const manifest = await readManifest(read, integrity, signal);
  const chosen = simd ?? chooseSimd(features).value;
  const at = manifest.code.findIndex((code) => code.simd === chosen);
  const module = at < 0 && simd === undefined ? manifest.code.findIndex((code) => code.simd === 'baseline') : at;
  if (module < 0) throw new UnsupportedBrowserError(`the bundle was compiled for ${manifest.code[0].simd} SIMD only, and ${chosen} is needed`);
  const needed = [manifest.code[module], manifest.plans, ...manifest.weights].map(({ file }) => file);
  const contents = Object.fromEntries(await Promise.all(needed.map(async (file) => [file, await read(file)])));
  const report = withReport && manifest.report ? await readJson(manifest.report, await read(manifest.report.file)) : [];
  signal?.throwIfAborted();
  const leastMacs = threads === undefined ? WORTH_SHARING : 0;
  const usual = chooseThreads(features).value;
  onStep?.('Loading the model');
  const request = { type: /** @type {const} */ ('open'), manifest, contents, module, leastMacs };
  const workers = () => takeGroup(threads ?? usual, threads ?? (manifest.macs < leastMacs ? 1 : usual));
  const tryHere = mayRunHere(manifest, threads, worker);
  const helper = threads === undefined && usual > 1 ? workers : undefined;
  const { inputs, outputs, weightBytes, compiler, name } = manifest;
  const about = { compiler, name, ...(report.length > 0 && { report }) };
  const known = { accepts: inputs, declared: { inputs, outputs }, steps: [], report, simd: manifest.code[module].simd, weightBytes, compileMs: 0, phases: {} };
  return adopt({ workers, helper, tryHere, load: (group) => group.open(request, isReader(bundle), onStep) }, known, about, signal);
}

/**
 * A loaded model as a bundle, which `open` takes. The manifest is among the files.
 * @param {number} handle
 * @param {{name?: string}} [options] what the model is called
 * @returns {Promise<{manifest: import('./protocol.js').Manifest, files: Record<string, Uint8Array<ArrayBuffer>>}>}
 */
export async function save(handle, { name } = {}) {
  const { group, about } = find(handle);
  const { manifest, files } = await group.save({ ...about, name: name ?? about.name });
  return { manifest, files: { ...files, [MANIFEST]: new TextEncoder().encode(JSON.stringify(manifest)) } };
}

/**
 * Whether to try a model on this thread, where one thread is enough.
 * @param {import('./here.js').Size} size
 * @param {number} [threads] how many were asked for
 * @param {boolean} [worker] whether a worker was asked for
 */
export function mayRunHere(size, threads = 1, worker = false) {
  return threads === 1 && !worker && isSmall(size);
}

/**
 * Where a model may run, and how it is loaded there.
 * @typedef {object} Place
 * @property {() => ComputeGroup} workers
 * @property {() => ComputeGroup} [helper] a worker for a model on this thread, if one may help
 * @property {boolean} tryHere
 * @property {(group: Group) => Promise<Omit<import('./protocol.js').Leading, 'id' | 'type'>>} load
 */

/**
 * Loads a model and enters it under a handle.
 * @param {Place} place
 * @param {Known} known
 * @param {About} about
 * @param {AbortSignal} [signal]
 */
export async function adopt({ workers, helper, tryHere, load }, known, about, signal) {
  if (tryHere) {
    const here = new LocalGroup(helper);
    const handle = await enter(here, load, known, about, signal);
    if (here.isQuick) return handle;
    release(handle); // it keeps this thread too long: workers then
  }
  return enter(workers(), load, known, about, signal);
}

/**
 * Enters a model under a handle once its group has loaded it; ends the group if that fails.
 * @param {Group} group
 * @param {Place['load']} load
 * @param {Known} known
 * @param {About} about
 * @param {AbortSignal} [signal]
 */
async function enter(group, load, known, about, signal) {
  const stop = () => group.end(signal?.reason);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    if (signal?.aborted) stop();
    const { id: _id, type: _type, ...facts } = /** @type {import('./protocol.js').Leading} */ (await load(group));
    signal?.throwIfAborted();
    const handle = nextHandle++;
    models.set(handle, { group, description: { ...known, ...facts }, about });
    return handle;
  } catch (error) {
    group.end();
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** @param {import('./features.js').Features} features */
export function needSimd({ simd }) {
  if (!simd) throw new UnsupportedBrowserError('this browser has no WebAssembly SIMD, without which models don\'t run here');
}

/**
 * Runs a model once; calls for one handle run in order.
 * @param {number} handle
 * @param {Feeds} feeds
 * @param {boolean} [profile] takes the times of the steps, on one thread
 */
export function predict(handle, feeds, profile = false) {
  const { group } = find(handle);
  return group.run(feeds, profile);
}

/**
 * What is known of a loaded model.
 * @param {number} handle
 */
export function describe(handle) {
  return find(handle).description;
}

/**
 * Frees all that a model holds. Runs under way fail with a ReleasedError.
 * @param {number} handle
 */
export function release(handle) {
  const { group, description } = find(handle);
  models.delete(handle);
  const isUsual = group.threads === chooseThreads(probe()).value;
  const isLarge = description.memoryBytes > MAX_LEFT_BYTES;
  if (group instanceof LocalGroup || !isUsual || isLarge || spares.length >= MAX_SPARES) return group.end();
  // Idle workers are kept for the next model: starting others would fetch their script anew.
  group.leave().then(
    (isFree) => {
      if (isFree && spares.length < MAX_SPARES) spares.push(group);
      else group.end();
    },
    () => group.end(),
  );
}

/** @param {number} handle */
function find(handle) {
  const model = models.get(handle);
  if (!model) throw new ReleasedError(`handle ${handle} was released, or never existed`);
  return model;
}

/**
 * Idle workers for so many threads, or as many workers as are needed.
 * @param {number} threads
 * @param {number} [needed] what will be used of them
 */
export function takeGroup(threads, needed = threads) {
  dropDead();
  const index = spares.findIndex((group) => group.threads === threads);
  return index < 0 ? new ComputeGroup(needed) : spares.splice(index, 1)[0];
}

/** Forgets idle workers that broke down; whoever needs some gets new ones. */
function dropDead() {
  for (let i = spares.length - 1; i >= 0; i--) if (spares[i].isOver) spares.splice(i, 1);
}
