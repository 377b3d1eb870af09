// @ts-check
/** @file The buttons that copy what the model said, as text and as JSON. */

import { toJson, toText } from '../result.js';
import { element } from './dom.js';
import { announce } from './page.js';

/** @typedef {import('../result.js').Result} Result */

const SAID_MS = 2000; // for which a button says that it has copied

const row = element('result-actions', HTMLElement);

/** @type {Result | null} */
let shown = null;

copies(element('copy-text', HTMLButtonElement), () => toText(/** @type {Result} */ (shown)));
copies(element('copy-json', HTMLButtonElement), () => toJson(/** @type {Result} */ (shown)));

/**
 * Offers to copy the classes of the photo on show; null takes the offer back.
 * @param {Result | null} result
 */
export function offerCopies(result) {
  shown = result;
  row.hidden = result === null;
}

/**
 * Makes a button copy something, and say so for a moment.
 * @param {HTMLButtonElement} button
 * @param {() => string} text
 */
export function copies(button, text) {
  const label = button.textContent;
  let timer = 0;
  button.addEventListener('click', async () => {
    const said = await navigator.clipboard.writeText(text()).then(
      () => 'Copied',
      () => 'The browser did not allow it',
    );
    button.textContent = said;
    announce(`${said}.`);
    clearTimeout(timer);
    timer = window.setTimeout(() => (button.textContent = label), SAID_MS);
  });
}
