// @ts-check
/** @file How files come in: dropped anywhere, pasted, or chosen. */

import { element } from './dom.js';

const root = document.documentElement;

/**
 * Calls back with each file that the person gives, and with a reason where something without a file was given.
 * @param {(file: File) => void} onFile
 * @param {(reason: string) => void} onNothing
 */
export function takeFiles(onFile, onNothing) {
  takeDrops(onFile, onNothing);
  document.addEventListener('paste', (event) => {
    const file = firstFile(event.clipboardData);
    if (!file && event.target instanceof HTMLInputElement) return; // text for that field
    if (!file) return onNothing('what was pasted holds no picture; copy the picture itself, or a file');
    event.preventDefault();
    onFile(file);
  });
  for (const id of ['photo-file', 'model-file']) {
    const input = element(id, HTMLInputElement);
    input.addEventListener('change', () => {
      const file = input.files?.[0];
      input.value = ''; // so that the same file may be chosen again
      if (file) onFile(file);
    });
  }
}

/**
 * @param {(file: File) => void} onFile
 * @param {(reason: string) => void} onNothing
 */
function takeDrops(onFile, onNothing) {
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
    const file = firstFile(event.dataTransfer);
    if (file) onFile(file);
    else onNothing('what was dropped is no file; this page fetches nothing from other sites, so save the picture and drop the file');
  });
}

/** @param {DataTransfer | null} transfer */
function firstFile(transfer) {
  return transfer?.files[0];
}
