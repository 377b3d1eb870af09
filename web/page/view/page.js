// @ts-check
/** @file The page's state, its progress and its error message. */

import { element } from './dom.js';
import { WasmkilnError } from '../../errors.js';

/** @typedef {'loading' | 'ready' | 'running' | 'error'} State */

const root = document.documentElement;
const alertBox = element('alert', HTMLElement);
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
  if (state !== 'error') clearError();
}

/** The state that the page is in. */
export function getState() {
  return /** @type {State} */ (root.dataset.state);
}

/**
 * Shows the photo or the model view.
 * @param {'photo' | 'model'} view
 */
export function setView(view) {
  root.dataset.view = view;
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
 * Tells of an error in its own words; of a cancellation only that.
 * @param {unknown} error
 * @param {string} what what was tried, as the start of a sentence
 */
export function showError(error, what) {
  setState('error');
  const cancelled = error instanceof DOMException && error.name === 'AbortError';
  if (!cancelled && !(error instanceof WasmkilnError)) console.error(error);
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  alertBox.textContent = cancelled ? `${what} was cancelled.` : `${what} failed: ${message}`;
  alertBox.dataset.error = cancelled ? 'AbortError' : name;
  alertBox.hidden = false;
}

function clearError() {
  alertBox.hidden = true;
  alertBox.textContent = '';
  delete alertBox.dataset.error;
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
