// @ts-check
/** @file A compute thread, without Python: leads a model, or follows the worker that leads it. */

import { serve } from './channel.js';
import { InternalError } from './errors.js';
import { loadArtifact } from './load-artifact.js';
import { loadBundle } from './load-bundle.js';
import { unknownMessage, WARMING_UP } from './protocol.js';
import { follow } from './runtime.js';
import { saveBundle } from './save-bundle.js';

/** @typedef {import('./protocol.js').ComputeRequest} ComputeRequest */
/** @typedef {import('./protocol.js').Enlistment} Enlistment */
/** @typedef {import('./protocol.js').LeadRequest} LeadRequest */
/** @typedef {import('./protocol.js').OpenRequest} OpenRequest */
/** @typedef {import('./runtime.js').Runtime} Runtime */
/** @typedef {import('./channel.js').Answer} Answer */

const SHORT_MS = 150; // models that run longer than this aren't warmed up further

/** @type {MessagePort[]} to the workers that may follow this one */
let followers = [];
/** @type {Runtime | null} the model that this worker leads */
let runtime = null;
/** Whether a real run has come, which makes warming up pointless. */
let ran = false;

serve((/** @type {ComputeRequest} */ request, progress) => {
  switch (request.type) {
    case 'muster':
      followers = request.ports;
      return { result: { type: 'mustered' } };
    case 'follow':
      return enlist(request.port);
    case 'lead':
      return lead(request, progress);
    case 'open':
      return open(request, progress);
    case 'run':
      return run(request);
    case 'save':
      return save(request.about);
    case 'leave':
      return leave();
    default:
      return unknownMessage(request);
  }
});

/**
 * Loads what was compiled from a model.
 * @param {LeadRequest} request
 * @param {(step: string) => void} progress
 */
async function lead({ artifact, files }, progress) {
  const start = performance.now();
  const loaded = await loadArtifact(artifact, files);
  files.forEach(discard);
  return begin(loaded, start, artifact.meta.shared ? artifact.meta.threads : 1, progress);
}

/**
 * Loads a bundle.
 * @param {OpenRequest} request
 * @param {(step: string) => void} progress
 */
async function open({ manifest, contents, module, leastMacs }, progress) {
  const start = performance.now();
  const loaded = await loadBundle(manifest, module, (name) => contents[name], followers.length > 0 && manifest.macs >= leastMacs);
  loaded.leastMacs = leastMacs;
  return begin(loaded, start, loaded.isShared ? followers.length + 1 : 1, progress);
}

/**
 * Gathers the followers, and warms up.
 * @param {Runtime} loaded
 * @param {number} start when loading began
 * @param {number} most threads
 * @param {(step: string) => void} progress
 * @returns {Promise<Answer>}
 */
async function begin(loaded, start, most, progress) {
  const threads = loaded.plans.count > 1 ? most : Math.min(most, loaded.plan.threads);
  const joined = followers.slice(0, threads - 1).map((port, i) => {
    const ready = new Promise((resolve) => {
      port.onmessage = resolve;
    });
    port.postMessage(loaded.enlistment(i + 1));
    return ready;
  });
  await Promise.all(joined);
  loaded.threads = joined.length + 1;
  progress(WARMING_UP);
  const warm = performance.now();
  loaded.warmUp();
  runtime = loaded;
  ran = false;
  const end = performance.now();
  if (end - warm < SHORT_MS) {
    loaded.warmUp(); // the first was on an engine's simplest code, and better code comes between two runs
    warmUpFurther(loaded, 2);
  }
  return { result: { type: 'leading', loadMs: warm - start, warmMs: end - warm, ...loaded.facts } };
}

/**
 * Frees a buffer now, where the engine can, rather than at the next garbage collection.
 * @param {ArrayBuffer & {transfer?: (size: number) => ArrayBuffer}} buffer
 */
function discard(buffer) {
  buffer.transfer?.(0);
}

/**
 * Runs some more in tasks of their own, between which a real run may go first: engines reach their best code by the third or fourth.
 * @param {Runtime} loaded
 * @param {number} times
 */
function warmUpFurther(loaded, times) {
  setTimeout(() => {
    if (ran || runtime !== loaded) return;
    loaded.warmUp();
    if (times > 1) warmUpFurther(loaded, times - 1);
  });
}

/**
 * Forgets the model, whose memory goes with the next garbage collection of this worker and its followers.
 * @returns {Answer}
 */
function leave() {
  runtime?.dismiss();
  runtime = null;
  return { result: { type: 'left' } };
}

/**
 * Waits for the leader's word, and then belongs to it until it is dismissed.
 * @param {MessagePort} port
 * @returns {Answer}
 */
function enlist(port) {
  port.onmessage = async ({ data }) => {
    // A trap in here reaches the page as this worker's error event, which ends the whole group.
    follow(/** @type {Enlistment} */ (data), () => port.postMessage('ready')).catch((error) => {
      setTimeout(() => {
        throw error;
      });
    });
  };
  return { result: { type: 'following' } };
}

/**
 * @param {import('./protocol.js').RunRequest} request
 * @returns {Answer}
 */
function run({ feeds, profile }) {
  if (!runtime) throw new InternalError('run before lead');
  ran = true;
  const start = performance.now();
  const { outputs, times } = profile ? runtime.profile(feeds) : { outputs: runtime.run(feeds), times: null };
  const ms = performance.now() - start;
  const buffers = Object.values(outputs).map((output) => /** @type {ArrayBuffer} */ (output.data.buffer));
  return { result: { type: 'ran', outputs, ms, times }, transfer: buffers };
}

/**
 * @param {import('./protocol.js').About} about
 * @returns {Promise<Answer>}
 */
async function save(about) {
  if (!runtime) throw new InternalError('save before lead');
  const { manifest, files } = await saveBundle(runtime, about);
  return { result: { type: 'saved', manifest, files }, transfer: Object.values(files).map(({ buffer }) => buffer) };
}
