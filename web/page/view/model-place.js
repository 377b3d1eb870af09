// @ts-check
/** @file Where a model that was opened is shown, and where other sizes are offered for one that could not be: filled late, emptied at any time. */

import { element } from './dom.js';

/** @typedef {((photo: Blob, name: string) => void) | null} TakePhoto */

const section = element('model', HTMLElement);
const retry = element('retry', HTMLElement);

/** @type {TakePhoto} what the model on show does with a photo */
let takePhoto = null;
/** Counts what was begun to be shown, or taken away. */
let turn = 0;

/** Begins to show a model; the result tells whether that is still wanted. */
export function beginModel() {
  const own = ++turn;
  return () => own === turn;
}

/**
 * Shows a model.
 * @param {TakePhoto} take
 * @param {HTMLElement[]} parts
 */
export function fillModel(take, ...parts) {
  takePhoto = take;
  section.replaceChildren(...parts);
  section.hidden = false;
}

/** Takes the model away. */
export function hideModel() {
  turn++;
  takePhoto = null;
  section.hidden = true;
  section.replaceChildren();
}

/**
 * Gives a photo to the model on show; false if there is none that takes photos.
 * @param {Blob} photo
 * @param {string} name
 */
export function givePhoto(photo, name) {
  takePhoto?.(photo, name);
  return takePhoto !== null;
}

/**
 * Shows an offer of other sizes.
 * @param {HTMLElement[]} parts
 */
export function fillRetry(...parts) {
  retry.replaceChildren(...parts);
  retry.hidden = false;
}

/** Takes that offer back. */
export function withdrawDims() {
  retry.hidden = true;
  retry.replaceChildren();
}
