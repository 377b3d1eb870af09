// @ts-check
/** @file One thing is loaded at a time: what begins later takes the place of what is under way. */

import { beginWork, showError } from './view/page.js';
import { withdrawDims } from './view/model-place.js';

/** @typedef {import('./view/problem.js').Step} Step */

/** @type {{controller: AbortController, end: () => void} | null} the loading under way, and what says that it has ended */
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
  const end = beginWork('loading');
  dropLoading();
  const mine = { controller: new AbortController(), end };
  current = mine;
  withdrawDims();
  try {
    await work(mine.controller.signal);
  } catch (error) {
    if (current === mine) showError(error, what, nextSteps(error));
  } finally {
    if (current === mine) current = null;
    listeners.forEach((listener) => listener());
    end();
  }
}

/** Cancels the loading under way, which then says that it was cancelled. */
export function cancelLoading() {
  current?.controller.abort();
}

/** Gives up the loading under way, without a word: the page doesn't wait for it any more. */
export function dropLoading() {
  current?.controller.abort();
  current?.end();
  current = null;
}
