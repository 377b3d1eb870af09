// @ts-check
/** @file How things come in: dropped anywhere, pasted, or chosen. */

import { element } from './dom.js';

/**
 * What to call with files, and with text that may be a link.
 * @typedef {object} Receiver
 * @property {(files: File[]) => void} files
 * @property {(text: string, how: 'dropped' | 'pasted') => void} text
 * @property {(error: unknown) => void} refused the browser did not let the page read the clipboard
 */

const root = document.documentElement;

/**
 * Hands on whatever the visitor gives.
 * @param {Receiver} to
 */
export function takeAll(to) {
  takeDrops(to);
  document.addEventListener('paste', (event) => {
    const files = filesOf(event.clipboardData);
    if (!files.length && event.target instanceof HTMLInputElement) return; // text for that field
    event.preventDefault();
    if (files.length) to.files(files);
    else to.text(textOf(event.clipboardData), 'pasted');
  });
  for (const id of ['photo-file', 'model-file']) {
    const input = element(id, HTMLInputElement);
    input.addEventListener('change', () => {
      const files = [...(input.files ?? [])];
      input.value = ''; // so that the same file may be chosen again
      if (files.length) to.files(files);
    });
  }
  offerPaste(to);
}

/**
 * A button for those who can't press Ctrl+V, as on phones.
 * @param {Receiver} to
 */
function offerPaste(to) {
  const button = element('paste', HTMLButtonElement);
  button.hidden = typeof navigator.clipboard?.read !== 'function';
  button.addEventListener('click', async () => {
    try {
      const items = await navigator.clipboard.read();
      const files = (await Promise.all(items.map(pictureOf))).filter((file) => file !== null);
      if (files.length) return to.files(files);
      const text = items.find((item) => item.types.includes('text/plain'));
      to.text(text ? await (await text.getType('text/plain')).text() : '', 'pasted');
    } catch (error) {
      to.refused(error);
    }
  });
}

/** @param {ClipboardItem} item */
async function pictureOf(item) {
  const type = item.types.find((one) => one.startsWith('image/'));
  return type ? new File([await item.getType(type)], 'pasted picture', { type }) : null;
}

/** @param {Receiver} to */
function takeDrops(to) {
  let depth = 0; // dragenter and dragleave come for every element on the way
  const setDragging = (/** @type {boolean} */ on) => root.classList.toggle('dragging', on);
  document.addEventListener('dragenter', () => setDragging(++depth > 0));
  document.addEventListener('dragleave', () => setDragging((depth = Math.max(0, depth - 1)) > 0));
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = 'copy';
  });
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    setDragging((depth = 0) > 0);
    const files = filesOf(event.dataTransfer);
    if (files.length) to.files(files);
    else to.text(textOf(event.dataTransfer), 'dropped');
  });
}

/** @param {DataTransfer | null} transfer */
function filesOf(transfer) {
  return [...(transfer?.files ?? [])];
}

/** @param {DataTransfer | null} transfer */
function textOf(transfer) {
  return transfer?.getData('text/uri-list') || transfer?.getData('text/plain') || '';
}
