// @ts-check
/** @file The two ends of a worker's mailbox: requests with ids on the page's side, one handler on the worker's. */

import { fromWire, InternalError, toWire } from './errors.js';
import { nodeScope } from './node.js';

/** @typedef {import('./protocol.js').Request} Request */
/** @typedef {import('./protocol.js').Reply} Reply */
/** @typedef {import('./protocol.js').Result} Result */
/** @typedef {import('./protocol.js').Results} Results */
/** @typedef {import('./protocol.js').Progress} Progress */

/**
 * A message before it has its id.
 * @template M
 * @typedef {M extends {id: number} ? Omit<M, 'id'> : never} Unsent
 */

/** A worker of ours, spoken to by requests that are answered in any order. */
export class Channel {
  #worker;
  #makeError;
  #nextId = 1;
  /** @type {Map<number, {resolve: (result: any) => void, reject: (error: Error) => void, onProgress?: (event: Progress) => void}>} */
  #pending = new Map();
  /** @type {Error | null} why no more requests are taken */
  #closed = null;
  #onFailure;

  /**
   * @param {string} name of the worker, for messages
   * @param {() => Worker} start makes the worker; bundlers find its module by the caller's literal `new URL`
   * @param {(error: Error) => void} [onFailure] told once, if the worker breaks down by itself
   * @param {(reason: string) => Error} [makeError] what its requests fail with then
   */
  constructor(name, start, onFailure = () => {}, makeError = (reason) => new InternalError(`${name} broke down: ${reason}`)) {
    this.#makeError = makeError;
    this.#onFailure = onFailure;
    this.#worker = start();
    this.#worker.onmessage = ({ data }) => this.#receive(data);
    this.#worker.onerror = (event) => this.#fail(event.message || 'it could not be loaded');
    this.#worker.onmessageerror = () => this.#fail('a message could not be read');
  }

  /**
   * Sends a request and waits for its result.
   * @template {Request['type']} T
   * @param {{type: T} & Unsent<Extract<Request, {type: T}>>} message
   * @param {{transfer?: Transferable[], onProgress?: (event: Progress) => void}} [options]
   * @returns {Promise<Results[T]>}
   */
  request(message, { transfer = [], onProgress } = {}) {
    if (this.#closed) return Promise.reject(this.#closed);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#worker.postMessage({ ...message, id }, transfer);
      if (this.#pending.size === 0) this.#keepProcess(true);
      this.#pending.set(id, { resolve, reject, onProgress });
    });
  }

  /**
   * Ends the worker at once; what was asked of it, and whatever will be, fails with the error.
   * @param {Error} error
   */
  terminate(error) {
    if (this.#closed) return;
    this.#closed = error;
    this.#worker.terminate();
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  /** @param {Reply} reply */
  #receive(reply) {
    const request = this.#pending.get(reply.id);
    if (!request) return;
    if (reply.type === 'progress') {
      request.onProgress?.(reply);
      return;
    }
    this.#pending.delete(reply.id);
    if (this.#pending.size === 0) this.#keepProcess(false);
    if (reply.type === 'error') request.reject(fromWire(reply.error));
    else request.resolve(reply);
  }

  /**
   * In Node, a process goes on while something is under way, and ends when only idle workers are left.
   * @param {boolean} on
   */
  #keepProcess(on) {
    const worker = /** @type {{ref?: () => void, unref?: () => void}} */ (this.#worker);
    if (on) worker.ref?.();
    else worker.unref?.();
  }

  /** @param {string} reason */
  #fail(reason) {
    if (this.#closed) return;
    const error = this.#makeError(reason);
    this.terminate(error);
    this.#onFailure(error);
  }
}

/**
 * What a handler gives back: the result and what of it to transfer.
 * @typedef {{result: Unsent<Result>, transfer?: Transferable[]}} Answer
 */

/**
 * The worker's global scope, as far as it is needed; TypeScript's DOM and worker libraries can't be used together.
 * @typedef {object} WorkerScope
 * @property {(message: Reply, transfer?: Transferable[]) => void} postMessage
 * @property {((event: MessageEvent<any>) => void) | null} onmessage
 */

/**
 * Answers requests in this worker by `handle`; what it throws goes back as an error with the request's id.
 * @template {Request} R
 * @param {(request: R, progress: (step: string) => void) => Answer | Promise<Answer>} handle
 */
export function serve(handle) {
  const scope = nodeScope() ?? /** @type {WorkerScope} */ (/** @type {unknown} */ (globalThis));
  scope.onmessage = async ({ data }) => {
    const { id } = data;
    try {
      const { result, transfer } = await handle(data, (step) => scope.postMessage({ id, type: 'progress', step }));
      scope.postMessage(/** @type {Reply} */ ({ ...result, id }), transfer);
    } catch (error) {
      scope.postMessage({ id, type: 'error', error: toWire(error) });
    }
  };
}
