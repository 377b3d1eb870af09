// @ts-check
/** @file The photo, and the classes that the model sees in it, as bars. */

import { element, make } from './dom.js';
import { formatPercent } from './format.js';

/** @typedef {import('../../pipeline.js').Classification} Prediction */
/** @typedef {(prediction: Prediction) => void} Fill */

const preview = element('preview', HTMLCanvasElement);
const invitation = element('invitation', HTMLElement);
const list = element('predictions', HTMLOListElement);
const results = element('results', HTMLElement);

/** @type {{item: HTMLLIElement, fill: Fill}[]} rows, used again so that a live picture costs the page little */
const rows = [];

/**
 * Shows the photo, at its own proportions.
 * @param {ImageBitmap} bitmap closed by this
 * @param {string} name
 */
export function showPhoto(bitmap, name) {
  preview.width = bitmap.width;
  preview.height = bitmap.height;
  preview.getContext('bitmaprenderer')?.transferFromImageBitmap(bitmap);
  preview.setAttribute('aria-label', `Your photo: ${name}`);
  preview.hidden = false;
  invitation.hidden = true;
}

/**
 * Marks the shown classes as those of the former photo, or as valid again.
 * @param {boolean} stale
 */
export function markStale(stale) {
  results.setAttribute('aria-busy', String(stale));
}

/**
 * Shows the classes, the likeliest first.
 * @param {Prediction[]} predictions
 */
export function showPredictions(predictions) {
  while (rows.length < predictions.length) rows.push(row());
  const shown = rows.slice(0, predictions.length);
  predictions.forEach((prediction, i) => shown[i].fill(prediction));
  if (list.childElementCount !== shown.length) list.replaceChildren(...shown.map(({ item }) => item));
  markStale(false);
}

/**
 * Whether new classes are read out; those of a live picture would be without end.
 * @param {boolean} spoken
 */
export function setSpoken(spoken) {
  list.setAttribute('aria-live', spoken ? 'polite' : 'off');
}

function row() {
  const fill = make('span', { className: 'fill' });
  const bar = make('span', { className: 'bar' }, fill);
  bar.setAttribute('aria-hidden', 'true');
  const first = make('span', {});
  const others = make('small', {});
  const percent = make('span', { className: 'percent' });
  const item = make('li', {}, make('span', { className: 'name' }, first, others), percent, bar);
  return {
    item,
    /** @type {Fill} */
    fill({ index, label, score }) {
      const [name, ...synonyms] = label.split(', ');
      setText(first, name);
      setText(others, synonyms.length ? ` ${synonyms.join(', ')}` : '');
      setText(percent, formatPercent(score));
      fill.style.inlineSize = `${(score * 100).toFixed(1)}%`;
      item.dataset.class = String(index);
    },
  };
}

/**
 * @param {HTMLElement} target
 * @param {string} text
 */
function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}
