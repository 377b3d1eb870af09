// @ts-check
/** @file The compiler as the page sees it: Python in a worker, started once and shared by all sessions. */

import { Channel } from './channel.js';

/** @typedef {import('./protocol.js').Booted} Booted */
/** @typedef {import('./protocol.js').CompileOptions} CompileOptions */

/**
 * How to be told of steps, and how to give up.
 * @typedef {{onStep?: (step: string) => void, signal?: AbortSignal}} Watch
 */

/** @type {{channel: Channel, booted: Promise<Booted>} | null} */
let current = null;
/** @type {Set<(step: string) => void>} */
const bootListeners = new Set();
/** The step that the start has come to. */
let bootStep = '';

/**
 * Starts Python, or joins the start that is under way. A start that failed is tried again by the next call.
 * @param {(step: string) => void} [onStep] told what has begun, in words
 * @returns {Promise<Booted>}
 */
export function boot(onStep) {
  const { booted } = (current ??= start());
  if (onStep) {
    bootListeners.add(onStep);
    if (bootStep) onStep(bootStep);
  }
  return booted.finally(() => onStep && bootListeners.delete(onStep));
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
 * Compiles a model. The buffer is handed back in the result.
 * @param {ArrayBuffer} model
 * @param {CompileOptions} options
 * @param {Watch} [watch]
 */
export function compile(model, options, watch = {}) {
  const onProgress = (/** @type {{step: string}} */ { step }) => watch.onStep?.(step);
  return ask((channel) => channel.request({ type: 'compile', model, options }, { transfer: [model], onProgress }), watch);
}

/** Resolves when the last request so far is over. */
let idle = Promise.resolve();

/**
 * Asks the compiler when it is free: one request at a time, so that giving one up does no harm to another.
 * @template T
 * @param {(channel: Channel) => Promise<T>} request
 * @param {Watch} watch
 * @returns {Promise<T>}
 */
function ask(request, watch) {
  const answer = idle.then(() => askNow(request, watch));
  idle = answer.then(() => {}, () => {});
  return answer;
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
  await boot(onStep);
  signal?.throwIfAborted();
  const { channel } = /** @type {NonNullable<typeof current>} */ (current);
  const stop = () => {
    current = null;
    channel.terminate(signal?.reason);
    boot().catch(() => {}); // the next caller meets the error
  };
  signal?.addEventListener('abort', stop, { once: true });
  try {
    return await request(channel);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

function start() {
  const announce = (/** @type {string} */ step) => {
    bootStep = step;
    bootListeners.forEach((listener) => listener(step));
  };
  const channel = new Channel('./compiler.worker.js', () => {
    if (current?.channel === channel) current = null;
  });
  const booted = channel.request(
    {
      type: 'boot',
      pyodide: new URL('./pyodide/', import.meta.url).href,
      wheel: new URL('./wheel/wasmkiln.whl', import.meta.url).href,
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
