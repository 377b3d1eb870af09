// @ts-check
/**
 * @file The opaque handles under InferenceSession: load(bytes) → handle, predict(handle, feeds), release(handle).
 */

import { boot, compile } from './compiler.js';
import { ComputeGroup } from './compute.js';
import { ReleasedError, UnsupportedBrowserError } from './errors.js';
import { chooseSimd, chooseThreads, probe } from './features.js';

/** @typedef {import('./protocol.js').Binding} Binding */
/** @typedef {import('./protocol.js').CompileOptions} CompileOptions */
/** @typedef {import('./protocol.js').Feeds} Feeds */
/** @typedef {import('./protocol.js').ReportRow} ReportRow */
/** @typedef {import('./protocol.js').Timings} Timings */
/** @typedef {import('./compiler.js').Watch} Watch */

/**
 * A loaded model; what is known of it without running it.
 * @typedef {object} Description
 * @property {Binding[]} inputs
 * @property {Binding[]} outputs
 * @property {ReportRow[]} report how each node will run
 * @property {number} threads
 * @property {'relaxed' | 'baseline'} simd
 * @property {number} memoryBytes linear memory held
 * @property {number} codeBytes WebAssembly emitted
 * @property {number} weightBytes
 * @property {number} arenaBytes activations and scratch
 * @property {number} macs multiply-accumulates a run
 * @property {number} compileMs
 * @property {Timings} phases seconds by phase of the compiler
 * @property {number} loadMs copying and preparing weights, and starting threads
 * @property {number} warmMs the first run, on zeros
 */

/** @type {Map<number, {group: ComputeGroup, description: Description}>} */
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
  while (spares.length < groups) spares.push(new ComputeGroup(chooseThreads(probe()).value));
  return Promise.allSettled(spares.map((group) => group.started));
}

// Waking a sleeping thread takes up to some milliseconds. A model of so many multiply-accumulates takes about three on one
// thread, and smaller ones run on that, unless the caller asks for more.
const WORTH_SHARING = 100e6;

/**
 * Compiles and loads a model; `model` is detached.
 * @param {ArrayBuffer} model
 * @param {Partial<CompileOptions>} [options]
 * @param {Watch} [watch]
 * @returns {Promise<number>} the handle
 */
export async function load(model, options = {}, watch = {}) {
  const features = probe();
  if (!features.simd) throw new UnsupportedBrowserError('this browser has no WebAssembly SIMD, without which models don\'t run here');
  const chosen = {
    simd: options.simd ?? chooseSimd(features).value,
    threads: options.threads ?? chooseThreads(features).value,
    dims: options.dims ?? {},
    shapes: options.shapes ?? {},
  };
  await boot(watch);
  const start = performance.now();
  const { artifact, model: bytes, report, timings } = await compile(model, chosen, watch);
  const compileMs = performance.now() - start;
  watch.signal?.throwIfAborted();
  watch.onStep?.('Preparing weights');
  const { meta, code } = artifact;
  const codeBytes = code.length; // the code's buffer moves away below
  const group = takeGroup(meta.threads);
  // The group is that of all models, so that no worker has to be fetched; its followers are idle then.
  if (options.threads === undefined && meta.macs < WORTH_SHARING) meta.threads = 1;
  const stop = () => group.end(watch.signal?.reason);
  watch.signal?.addEventListener('abort', stop, { once: true });
  try {
    const { loadMs, warmMs, memoryBytes } = await group.load(artifact, bytes);
    const handle = nextHandle++;
    const { inputs, outputs, threads, simd, weightBytes, arenaBytes, macs } = meta;
    const sizes = { memoryBytes, codeBytes, weightBytes, arenaBytes, macs };
    const description = { inputs, outputs, report, threads, simd, ...sizes, compileMs, phases: timings, loadMs, warmMs };
    models.set(handle, { group, description });
    return handle;
  } catch (error) {
    group.end();
    throw error;
  } finally {
    watch.signal?.removeEventListener('abort', stop);
  }
}

/**
 * Runs a model once; calls for one handle run in order.
 * @param {number} handle
 * @param {Feeds} feeds
 */
export function predict(handle, feeds) {
  const { group } = find(handle);
  return group.run(feeds);
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
  if (!isUsual || description.memoryBytes > MAX_LEFT_BYTES || spares.length >= MAX_SPARES) return group.end();
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

/** @param {number} threads */
function takeGroup(threads) {
  const index = spares.findIndex((group) => group.threads === threads);
  return index < 0 ? new ComputeGroup(threads) : spares.splice(index, 1)[0];
}
