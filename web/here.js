// @ts-check
/**
 * @file Runs a small model on the thread of its caller, where two messages to a worker would take longer than the model
 * does. It has the methods of a group of workers.
 */

import { fromWire, InternalError, ReleasedError, toWire } from './errors.js';
import { WARMING_UP } from './protocol.js';

/** @typedef {import('./protocol.js').About} About */
/** @typedef {import('./protocol.js').Artifact} Artifact */
/** @typedef {import('./protocol.js').Feeds} Feeds */
/** @typedef {import('./protocol.js').OpenRequest} OpenRequest */
/** @typedef {import('./runtime.js').Runtime} Runtime */
/** @typedef {Pick<import('./compute.js').ComputeGroup, 'join' | 'end' | 'isOver'>} Helper */

/**
 * What of a model tells whether to try it here.
 * @typedef {{macs: number, weightBytes: number, arenaBytes: number}} Size
 */

const QUICK_MS = 4; // a quarter of a frame at 60 Hz: nobody sees that
const MOST_MS = 2 * QUICK_MS; // with help it may become quick enough

// How far to look: a first run, on an engine's simplest code, should not be felt either, nor the preparation of weights.
const MOST_MACS = 64e6;
const MOST_BYTES = 16 << 20;
const WARM_UPS = 4;
const PAUSE_MS = 5; // for the engine's better code, which is made meanwhile
const WORTH_HELP = 10e6; // multiply-accumulates that may be quicker with another thread
const GAIN = 0.9; // of the time, for which it is kept busy

/**
 * Whether a model is worth a try: most of such a size turn out quick.
 * @param {Size} size
 */
export function isSmall({ macs, weightBytes, arenaBytes }) {
  return macs <= MOST_MACS && weightBytes + arenaBytes <= MOST_BYTES;
}

/** A model on this thread, which a worker may help. */
export class LocalGroup {
  threads = 0; // those of workers that could run another model
  #startHelper;
  /** @type {Helper | null} */
  #helper = null;
  /** @type {Runtime | null} */
  #runtime = null;
  /** @type {Error | null} why nothing more is taken */
  #ended = null;
  /** Whether runs are short enough for this thread. Known once the model is loaded. */
  isQuick = false;

  /** @param {() => Helper} [startHelper] fetches a worker, if one may help */
  constructor(startHelper) {
    this.#startHelper = startHelper;
  }

  /**
   * Loads a compiled model. Neither its data nor the files' bytes are taken away.
   * @param {Artifact} artifact
   * @param {ArrayBuffer[]} files
   * @param {(step: string) => void} [onStep]
   */
  load(artifact, files, onStep) {
    return this.#load(async () => (await import('./load-artifact.js')).loadArtifact(artifact, files), onStep);
  }

  /**
   * Loads a bundle.
   * @param {Pick<OpenRequest, 'manifest' | 'contents' | 'module'>} request
   * @param {boolean} [_isOurs] whether its buffers might be taken, which isn't done here
   * @param {(step: string) => void} [onStep]
   */
  open({ manifest, contents, module }, _isOurs, onStep) {
    const mayShare = this.#startHelper !== undefined;
    return this.#load(async () => (await import('./load-bundle.js')).loadBundle(manifest, module, (name) => contents[name], mayShare), onStep);
  }

  /**
   * Runs once, before this returns.
   * @param {Feeds} feeds
   * @param {boolean} [profile] takes the times of the steps
   */
  async run(feeds, profile = false) {
    const runtime = this.#loaded();
    if (this.#helper?.isOver) runtime.threads = 1;
    const start = performance.now();
    const { outputs, times } = ours(() => (profile ? runtime.profile(feeds) : { outputs: runtime.run(feeds), times: null }));
    const ms = performance.now() - start;
    await null; // as with workers, who releases the model before the answer has come gets none
    this.#loaded();
    return { outputs, ms, times };
  }

  /**
   * The loaded model as a bundle.
   * @param {About} about
   */
  async save(about) {
    const runtime = this.#loaded();
    return (await import('./save-bundle.js')).saveBundle(runtime, about);
  }

  /** Gives the model up. */
  async leave() {
    this.end();
    return false; // there are no workers to be kept
  }

  /**
   * Gives the model up; its memory goes with the next garbage collection.
   * @param {Error} [error] what calls fail with
   */
  end(error = new ReleasedError('the session was released')) {
    this.#ended ??= error;
    this.#runtime = null;
    this.#helper?.end(error);
  }

  #loaded() {
    if (this.#ended) throw this.#ended;
    if (!this.#runtime) throw new InternalError('run before load');
    return this.#runtime;
  }

  /**
   * @param {() => Promise<Runtime>} make
   * @param {(step: string) => void} [onStep]
   */
  async #load(make, onStep) {
    const start = performance.now();
    const runtime = await make();
    onStep?.(WARMING_UP);
    const warm = performance.now();
    ours(() => runtime.warmUp());
    const end = performance.now();
    const mayHelp = runtime.isShared && this.#startHelper && runtime.plan.macs >= WORTH_HELP;
    let least = end - warm;
    if (least > QUICK_MS || mayHelp) least = await quickest(runtime);
    if (mayHelp && least <= MOST_MS) least = await this.#help(runtime, least);
    this.isQuick = least <= QUICK_MS;
    if (!this.#ended) this.#runtime = runtime;
    return { loadMs: warm - start, warmMs: end - warm, ...runtime.facts };
  }

  /**
   * Lets a worker run half of the model, if that turns out quicker.
   * @param {Runtime} runtime
   * @param {number} alone milliseconds that it takes without
   * @returns {Promise<number>} what it takes in the end
   */
  async #help(runtime, alone) {
    const helper = /** @type {() => Helper} */ (this.#startHelper)();
    this.#helper = helper;
    await helper.join(runtime.enlistment(1));
    if (this.#ended) return alone;
    runtime.stayAwake();
    runtime.threads = 2;
    runtime.leastMacs = WORTH_HELP;
    const together = await quickest(runtime);
    if (together <= GAIN * alone) return together;
    runtime.threads = 1;
    helper.end();
    this.#helper = null;
    return alone;
  }
}

/**
 * The time of the quickest of some runs, between which the page may do other things.
 * @param {Runtime} runtime
 */
async function quickest(runtime) {
  let least = Infinity;
  for (let i = 0; i < WARM_UPS; i++) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    // Twice if that isn't felt, as a helper may have to be woken for the first.
    for (let k = 0; k < 2; k++) {
      const start = performance.now();
      ours(() => runtime.warmUp());
      const ms = performance.now() - start;
      least = Math.min(least, ms);
      if (ms > MOST_MS) break;
    }
  }
  return least;
}

/**
 * What a function gives; what it throws becomes one of our errors, as those that come from workers are.
 * @template T
 * @param {() => T} work
 * @returns {T}
 */
function ours(work) {
  try {
    return work();
  } catch (error) {
    throw fromWire(toWire(error));
  }
}
