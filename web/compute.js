// @ts-check
/** @file The workers that run one model: a leader, and followers for its other threads. */

import { Channel } from './channel.js';
import { InternalError, ReleasedError } from './errors.js';
import { nodeWorker } from './node.js';

/**
 * @template M
 * @typedef {import('./channel.js').Unsent<M>} Unsent
 */
/** @typedef {import('./protocol.js').Artifact} Artifact */
/** @typedef {import('./protocol.js').Feeds} Feeds */

/** The workers for one model at a time; they end together. */
export class ComputeGroup {
  #leader;
  /** @type {Channel[]} */
  #followers = [];
  #busy = 0;
  /** Whether the workers have ended, by themselves or by `end`. */
  isOver = false;

  /**
   * Starts the workers, so that they are there by the time the model is compiled.
   * @param {number} threads
   */
  constructor(threads) {
    this.threads = threads;
    this.#leader = this.#start();
    const ports = [];
    const requests = [];
    for (let thread = 1; thread < threads; thread++) {
      const { port1, port2 } = new MessageChannel();
      const follower = this.#start();
      this.#followers.push(follower);
      ports.push(port1);
      requests.push(follower.request({ type: 'follow', port: port2 }, { transfer: [port2] }));
    }
    requests.push(this.#leader.request({ type: 'muster', ports }, { transfer: ports }));
    /** @readonly resolves when all workers have come up */
    this.started = Promise.all(requests);
    // A failure ends the group, and so reaches whoever asks something of it.
    this.started.catch(() => {});
  }

  /**
   * Loads a compiled model; its data and the files' bytes move to the leader.
   * @param {Artifact} artifact
   * @param {ArrayBuffer[]} files
   * @param {(step: string) => void} [onStep]
   */
  load(artifact, files, onStep) {
    const transfer = [...new Set(files), ...buffersOf(artifact.code, artifact.data)];
    return this.#track(this.#leader.request({ type: 'lead', artifact, files }, { transfer, onProgress: ({ step }) => onStep?.(step) }));
  }

  /**
   * Loads a bundle. What of its contents is in array buffers moves to the leader where `isOurs`.
   * @param {Unsent<import('./protocol.js').OpenRequest>} request
   * @param {boolean} isOurs
   * @param {(step: string) => void} [onStep]
   */
  open(request, isOurs, onStep) {
    const buffers = Object.values(request.contents).filter((content) => content instanceof ArrayBuffer);
    return this.#track(this.#leader.request(request, { transfer: isOurs ? [...new Set(buffers)] : [], onProgress: ({ step }) => onStep?.(step) }));
  }

  /**
   * The loaded model as a bundle.
   * @param {import('./protocol.js').About} about
   */
  save(about) {
    return this.#track(this.#leader.request({ type: 'save', about }));
  }

  /**
   * Makes the first worker a thread of a model that this page leads, until the group ends.
   * @param {import('./protocol.js').Enlistment} enlistment
   */
  async join(enlistment) {
    const { port1, port2 } = new MessageChannel();
    await this.#leader.request({ type: 'follow', port: port2 }, { transfer: [port2] });
    const ready = new Promise((resolve) => {
      port1.onmessage = resolve;
    });
    port1.postMessage(enlistment);
    await ready;
    port1.close();
  }

  /**
   * Runs once. The feeds are copied by the call, so they may change after it; calls run in order.
   * @param {Feeds} feeds
   * @param {boolean} [profile] takes the times of the steps, on one thread
   */
  run(feeds, profile = false) {
    return this.#track(this.#leader.request({ type: 'run', feeds, profile }));
  }

  /**
   * Gives the model up and frees the workers for another.
   * @returns {Promise<boolean>} false if they were at work and had to be ended
   */
  async leave() {
    if (this.#busy > 0) {
      this.end();
      return false;
    }
    await this.#leader.request({ type: 'leave' });
    return true;
  }

  /**
   * Ends the workers, and with them everything that they hold.
   * @param {Error} [error] what calls under way fail with
   */
  end(error = new ReleasedError('the session was released')) {
    this.isOver = true;
    for (const channel of [this.#leader, ...this.#followers]) channel.terminate(error);
  }

  #start() {
    return new Channel('compute.worker.js', startWorker, (error) => this.end(error), (reason) => {
      return new InternalError(`a worker of the model broke down, and the model with it: ${reason}; create the session anew`);
    });
  }

  /**
   * @template T
   * @param {Promise<T>} request
   */
  async #track(request) {
    this.#busy++;
    try {
      return await request;
    } finally {
      this.#busy--;
    }
  }
}

/**
 * The distinct buffers behind some arrays: a transfer list must not name one twice.
 * @param {Uint8Array[]} arrays
 */
function buffersOf(...arrays) {
  return [...new Set(arrays.map((array) => /** @type {ArrayBuffer} */ (array.buffer)))];
}

function startWorker() {
  return nodeWorker('compute.worker.js') ?? new Worker(new URL('./compute.worker.js', import.meta.url), { type: 'module', name: 'compute.worker.js' });
}
