// @ts-check
/** @file The page's state, its progress and its error message. */

import { element } from './dom.js';
import { clearProblem, showProblem } from './problem.js';

/** @typedef {'loading' | 'ready' | 'running' | 'error'} State */

const root = document.documentElement;
const announcement = element('announcement', HTMLElement);
const loading = element('loading', HTMLElement);
const status = element('status', HTMLElement);
const bar = element('progress', HTMLProgressElement);
const cancel = element('cancel', HTMLButtonElement);

/**
 * 'error' says that the last thing asked for failed; the page goes on working.
 * @param {State} state
 */
export function setState(state) {
  root.dataset.state = state;
  loading.hidden = state !== 'loading';
  if (state !== 'error') clearProblem();
}

/** What the page is at. */
export function getState() {
  return root.dataset.state;
}

/**
 * Shows photos, the camera or a model.
 * @param {'photo' | 'camera' | 'model'} view
 */
export function setView(view) {
  root.dataset.view = view;
}

/** What the page shows. */
export function getView() {
  return root.dataset.view;
}

/** Says that all is there: from now on the page asks its server for nothing. */
export function setComplete() {
  root.dataset.complete = '';
}

/**
 * Says what is going on, and how far it has come.
 * @param {string} text
 * @param {number} [fraction] unknown if absent
 */
export function showProgress(text, fraction) {
  if (status.textContent !== text) status.textContent = text;
  if (fraction === undefined) bar.removeAttribute('value');
  else bar.value = fraction;
}

/**
 * Tells of an error, and offers what may be done next.
 * @param {unknown} error
 * @param {string} what what was tried, as the start of a sentence
 * @param {import('./problem.js').Step[]} [steps]
 */
export function showError(error, what, steps = []) {
  setState('error');
  showProblem(error, what, steps);
}

/**
 * Tells those who listen to the page rather than look at it.
 * @param {string} text
 */
export function announce(text) {
  announcement.textContent = text;
}

/** @param {() => void} callback */
export function onCancel(callback) {
  cancel.addEventListener('click', callback);
}
