// @ts-check
/** @file One thing is loaded at a time: what begins later takes the place of what is under way. */

import { setState, showError } from './view/page.js';
import { withdrawDims } from './view/model-place.js';

/** @typedef {import('./view/problem.js').Step} Step */

/** @type {AbortController | null} ends the loading under way */
let current = null;
/** @type {(() => void)[]} */
const listeners = [];

/**
 * Calls back when a loading is over, however it ended.
 * @param {() => void} listener
 */
export function onLoadingEnd(listener) {
  listeners.push(listener);
}

/**
 * Does some loading, in place of any that is under way.
 * @param {string} what as the start of a sentence
 * @param {(signal: AbortSignal) => Promise<void>} work
 * @param {(error: unknown) => Step[]} nextSteps what the visitor may do if it fails
 */
export async function whileLoading(what, work, nextSteps) {
  current?.abort();
  const controller = new AbortController();
  current = controller;
  withdrawDims();
  setState('loading');
  try {
    await work(controller.signal);
    if (current === controller) setState('ready');
  } catch (error) {
    if (current === controller) showError(error, what, nextSteps(error));
  } finally {
    if (current === controller) current = null;
    listeners.forEach((listener) => listener());
  }
}

/** Cancels the loading under way, which then says that it was cancelled. */
export function cancelLoading() {
  current?.abort();
}

/** Gives up the loading under way, without a word. */
export function dropLoading() {
  current?.abort();
  current = null;
}
