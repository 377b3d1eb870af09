// @ts-check
/** @file The photo, and the classes that the model sees in it, as bars. */

import { element, make } from './dom.js';
import { formatPercent } from './format.js';

/** @typedef {import('../../pipeline.js').Classification} Prediction */

const preview = element('preview', HTMLCanvasElement);
const invitation = element('invitation', HTMLElement);
const list = element('predictions', HTMLOListElement);
const results = element('results', HTMLElement);

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
  list.replaceChildren(...predictions.map(row));
  markStale(false);
}

/** @param {Prediction} prediction */
function row({ index, label, score }) {
  const [name, ...others] = label.split(', ');
  const fill = make('span', { className: 'fill' });
  fill.style.inlineSize = `${score * 100}%`;
  const bar = make('span', { className: 'bar' }, fill);
  bar.setAttribute('aria-hidden', 'true');
  const text = make('span', { className: 'name' }, name);
  if (others.length) text.append(make('small', {}, ` ${others.join(', ')}`));
  const item = make('li', {}, text, make('span', { className: 'percent' }, formatPercent(score)), bar);
  item.dataset.class = String(index);
  return item;
}
