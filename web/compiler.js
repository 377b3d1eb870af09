// @ts-check
/** @file The compiler as the page sees it: Python in a worker, started once and shared by all sessions. */

import { Channel } from './channel.js';
import { absolute } from './download.js';
import { env } from './env.js';
import { InternalError, ReleasedError } from './errors.js';
import { nodeWorker } from './node.js';

/** @typedef {import('./protocol.js').Booted} Booted */
/** @typedef {import('./protocol.js').CompileOptions} CompileOptions */

/** @typedef {import('./models.js').Watch} Watch */

/** @type {{channel: Channel, booted: Promise<Booted>} | null} */
let current = null;
/** @type {Set<(step: string) => void>} */
const bootListeners = new Set();
/** The step that the start has come to. */
let bootStep = '';

/**
 * Starts Python, or joins the start that is under way. A start that failed is tried again by the next call.
 * @param {Watch} [watch] an abort ends the waiting, not the start
 * @returns {Promise<Booted>}
 */
export function boot({ onStep, signal } = {}) {
  const { booted } = (current ??= start());
  if (onStep) {
    bootListeners.add(onStep);
    if (bootStep) onStep(bootStep);
  }
  return orAborted(booted, signal).finally(() => onStep && bootListeners.delete(onStep));
}

/** Resolves once Python has started, or failed to; at once where nobody has asked for it. */
export async function started() {
  await current?.booted.catch(() => {});
}

/** How long Python may have nothing to do before it is let go. */
let patience = Infinity;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let resting;

/**
 * From now on ends Python whenever it has had nothing to do for so long, to free its memory. The next request starts it anew.
 * @param {number} ms
 */
export function letGoAfter(ms) {
  patience = ms;
  rest();
}

function rest() {
  clearTimeout(resting);
  if (busy === 0 && patience < Infinity) resting = setTimeout(letGo, patience);
}

function letGo() {
  if (!current || busy > 0) return;
  if (bootStep) return rest();
  current.channel.terminate(new ReleasedError('Python was let go'));
  current = null;
}

/**
 * The promise, or an abort that comes before it.
 * @template T
 * @param {Promise<T>} promise
 * @param {AbortSignal} [signal]
 * @returns {Promise<T>}
 */
function orAborted(promise, signal) {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
    if (signal.aborted) stop();
  });
}

/**
 * Reads a model's inputs, outputs and size without compiling it. The buffer is handed back in the result.
 * @param {ArrayBuffer} model
 * @param {Watch} [watch]
 */
export function inspect(model, watch = {}) {
  return ask((channel) => channel.request({ type: 'inspect', model }, { transfer: [model] }), watch);
}

/**
 * Compiles a model. The buffers are handed back in the result.
 * @param {ArrayBuffer} model
 * @param {CompileOptions} options
 * @param {Watch} [watch]
 * @param {import('./protocol.js').External[]} [external] files in which the model keeps weights
 */
export function compile(model, options, watch = {}, external = []) {
  const onProgress = (/** @type {{step: string}} */ { step }) => watch.onStep?.(step);
  const transfer = [model, ...external.map(({ data }) => data)];
  return ask((channel) => channel.request({ type: 'compile', model, external, options }, { transfer, onProgress }), watch);
}

/**
 * What pictures of a compiled model need. The buffer is taken, and not handed back.
 * @param {ArrayBuffer} model
 * @param {CompileOptions} options those with which it was compiled
 * @param {Watch} [watch]
 */
export async function explain(model, options, watch = {}) {
  const answer = await ask((channel) => channel.request({ type: 'explain', model, options }, { transfer: [model] }), watch);
  return answer.explanation;
}

/** Resolves when the last request so far is over. */
let idle = Promise.resolve();
/** How many requests are waiting or under way. */
let busy = 0;

/**
 * Asks the compiler when it is free: one request at a time, so that giving one up does no harm to another.
 * @template T
 * @param {(channel: Channel) => Promise<T>} request
 * @param {Watch} watch
 * @returns {Promise<T>}
 */
function ask(request, watch) {
  busy++;
  const answer = idle.then(() => askNow(request, watch)).finally(() => {
    busy--;
    rest();
  });
  idle = answer.then(() => {}, () => {});
  return orAborted(answer, watch.signal);
}

/**
 * An abort ends the worker, for nothing else stops Python at once, and starts another.
 * @template T
 * @param {(channel: Channel) => Promise<T>} request
 * @param {Watch} watch
 * @returns {Promise<T>}
 */
async function askNow(request, { onStep, signal }) {
  signal?.throwIfAborted();
  await boot({ onStep, signal });
  signal?.throwIfAborted();
  const { channel } = /** @type {NonNullable<typeof current>} */ (current);
  const stop = () => restart(channel, signal?.reason);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    return await request(channel);
  } catch (error) {
    // After a defect of ours, or of Python, nobody knows what state it is in.
    if (error instanceof InternalError) restart(channel, error);
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/**
 * @param {Channel} channel
 * @param {Error} reason
 */
function restart(channel, reason) {
  channel.terminate(reason);
  if (current?.channel === channel) current = null;
  boot().catch(() => {}); // the next caller meets the error
}

function start() {
  const announce = (/** @type {string} */ step) => {
    bootStep = step;
    bootListeners.forEach((listener) => listener(step));
  };
  const channel = new Channel('compiler.worker.js', startWorker, () => {
    if (current?.channel === channel) current = null;
  });
  const booted = channel.request(
    {
      type: 'boot',
      pyodide: env.pyodide.indexURL === undefined ? null : absolute(env.pyodide.indexURL),
      archive: env.package === undefined ? null : absolute(env.package),
    },
    { onProgress: ({ step }) => announce(step) },
  );
  booted.then(
    () => {
      bootStep = '';
    },
    (error) => {
      if (current?.channel === channel) current = null;
      channel.terminate(error);
    },
  );
  return { channel, booted };
}

function startWorker() {
  return nodeWorker('compiler.worker.js') ?? new Worker(new URL('./compiler.worker.js', import.meta.url), { type: 'module', name: 'compiler.worker.js' });
}
