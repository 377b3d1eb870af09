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
/**
 * What of a model tells whether to try it here.
 * @typedef {{macs: number, weightBytes: number, arenaBytes: number}} Size
 */

const QUICK_MS = 4; // a quarter of a frame at 60 Hz: nobody sees that

// How far to look: a first run, on an engine's simplest code, should not be felt either, nor the preparation of weights.
const MOST_MACS = 64e6;
const MOST_BYTES = 16 << 20;
const MOST_WARM_UPS = 6;
const PAUSE_MS = 5; // for the engine's better code, which is made meanwhile

/**
 * Whether a model is worth a try: most of such a size turn out quick.
 * @param {Size} size
 */
export function isSmall({ macs, weightBytes, arenaBytes }) {
  return macs <= MOST_MACS && weightBytes + arenaBytes <= MOST_BYTES;
}

/** A model on this thread. */
export class LocalGroup {
  threads = 0; // of workers
  /** @type {Runtime | null} */
  #runtime = null;
  /** @type {Error | null} why nothing more is taken */
  #ended = null;
  /** Whether runs are short enough for this thread. Known once the model is loaded. */
  isQuick = false;

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
    return this.#load(async () => (await import('./load-bundle.js')).loadBundle(manifest, module, (name) => contents[name], false), onStep);
  }

  /**
   * Runs once, before this returns.
   * @param {Feeds} feeds
   * @param {boolean} [profile] takes the times of the steps
   */
  async run(feeds, profile = false) {
    const runtime = this.#loaded();
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
    let least = end - warm;
    for (let i = 1; i < MOST_WARM_UPS && least > QUICK_MS; i++) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      const again = performance.now();
      ours(() => runtime.warmUp());
      least = Math.min(least, performance.now() - again);
    }
    this.isQuick = least <= QUICK_MS;
    if (!this.#ended) this.#runtime = runtime;
    return { loadMs: warm - start, warmMs: end - warm, ...runtime.facts };
  }
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
