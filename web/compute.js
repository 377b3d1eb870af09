// @ts-check
/** @file The workers that run one model: a leader, and followers for its other threads. */

import { Channel } from './channel.js';
import { ReleasedError } from './errors.js';

/** @typedef {import('./protocol.js').Artifact} Artifact */
/** @typedef {import('./protocol.js').Feeds} Feeds */

/** One model's workers; they end together. */
export class ComputeGroup {
  #leader;
  /** @type {Channel[]} */
  #followers = [];
  /** @type {MessagePort[]} */
  #ports = [];

  /**
   * Starts the workers, so that they are there by the time the model is compiled.
   * @param {number} threads
   */
  constructor(threads) {
    this.threads = threads;
    this.#leader = this.#start();
    for (let thread = 1; thread < threads; thread++) {
      const { port1, port2 } = new MessageChannel();
      const follower = this.#start();
      this.#followers.push(follower);
      this.#ports.push(port1);
      // A failure of this request ends the group, and so the request of whoever waits for the leader.
      follower.request({ type: 'follow', port: port2 }, { transfer: [port2] }).catch(() => {});
    }
  }

  /**
   * Loads a compiled model; its data and the model's bytes move to the leader.
   * @param {Artifact} artifact
   * @param {ArrayBuffer} model
   */
  load(artifact, model) {
    const transfer = [...this.#ports, model, ...buffersOf(artifact.code, artifact.data)];
    return this.#leader.request({ type: 'lead', artifact, model, ports: this.#ports }, { transfer });
  }

  /**
   * Runs once. The feeds are copied by the call, so they may change after it; calls run in order.
   * @param {Feeds} feeds
   */
  run(feeds) {
    return this.#leader.request({ type: 'run', feeds });
  }

  /**
   * Ends the workers, and with them everything that they hold.
   * @param {Error} [error] what calls under way fail with
   */
  end(error = new ReleasedError('the session was released')) {
    for (const channel of [this.#leader, ...this.#followers]) channel.terminate(error);
  }

  #start() {
    return new Channel('./compute.worker.js', (error) => this.end(error));
  }
}

/**
 * The distinct buffers behind some arrays: a transfer list must not name one twice.
 * @param {Uint8Array[]} arrays
 */
function buffersOf(...arrays) {
  return [...new Set(arrays.map((array) => /** @type {ArrayBuffer} */ (array.buffer)))];
}
