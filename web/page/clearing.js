// @ts-check
/** @file The button that clears compiled models, and says what they take. */

import { clearModels, keptModels, onKept } from '../cached.js';
import { element } from './view/dom.js';
import { formatBytes } from './view/format.js';
import { announce } from './view/page.js';

const button = element('clear-models', HTMLButtonElement);

/** Shows the button as long as there is something to clear. */
export function offerClearing() {
  button.addEventListener('click', clear);
  onKept(show);
  void show();
}

async function show() {
  const { bytes } = await keptModels();
  button.hidden = bytes === 0;
  button.textContent = `Clear compiled models (${formatBytes(bytes)})`;
  button.title = 'They are kept in this browser, so that they open at once the next time';
}

async function clear() {
  button.disabled = true;
  const freed = await clearModels();
  button.disabled = false;
  announce(`Cleared: ${formatBytes(freed)} are free again. The models are compiled anew the next time.`);
}
