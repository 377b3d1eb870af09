// @ts-check
/** @file What went wrong, in its own words, and buttons for what may be done about it. */

import { WasmkilnError } from '../../errors.js';
import { element, make } from './dom.js';

/**
 * Something that the visitor may do next.
 * @typedef {{label: string, act: () => void}} Step
 */

const box = element('problem', HTMLElement);
const alertBox = element('alert', HTMLElement);
const stepRow = element('next-steps', HTMLElement);

/**
 * Tells of an error in its own words; of a cancellation only that.
 * @param {unknown} error
 * @param {string} what what was tried, as the start of a sentence
 * @param {Step[]} steps
 */
export function showProblem(error, what, steps) {
  const cancelled = error instanceof DOMException && error.name === 'AbortError';
  if (!cancelled && !(error instanceof WasmkilnError)) console.error(error);
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  box.hidden = false;
  alertBox.textContent = cancelled ? `${what} was cancelled.` : `${what} failed: ${message}`;
  alertBox.dataset.error = cancelled ? 'AbortError' : name;
  stepRow.replaceChildren(...steps.map(button));
}

/** Takes the message away. */
export function clearProblem() {
  box.hidden = true;
  alertBox.textContent = '';
  delete alertBox.dataset.error;
  stepRow.replaceChildren();
}

/** @param {Step} step */
function button({ label, act }) {
  const made = make('button', { type: 'button', className: 'small' }, label);
  made.addEventListener('click', act);
  return made;
}

/**
 * A step that opens one of the file pickers.
 * @param {'photo-file' | 'model-file'} id
 * @param {string} label
 * @returns {Step}
 */
export function picking(id, label) {
  return { label, act: () => element(id, HTMLInputElement).click() };
}
