// @ts-check
/** @file What a model gave: classes as bars, pictures as pictures, and of everything the figures, a histogram and the numbers themselves. */

import { toJson, toNpy } from '../tensors/files.js';
import { picturesOf, topClasses } from '../tensors/meaning.js';
import { histogramOf, statisticsOf } from '../tensors/statistics.js';
import { decoder, elementsOf } from '../tensors/values.js';
import { make, table } from './dom.js';
import { formatPercent, formatValue } from './format.js';

/** @typedef {import('../../tensor.js').Tensor} Tensor */
/** @typedef {import('../tensors/guess.js').Recipe} Recipe */
/** @typedef {import('../tensors/statistics.js').Statistics} Statistics */

const FIRST = 64; // values that are shown
const MAX_OUTPUTS = 40;

/**
 * @typedef {object} Context
 * @property {string} model
 * @property {string[] | null} [labels]
 * @property {Recipe} [recipe] how the photo was prepared that the model was run on, if it was one
 * @property {string} [note]
 */

/**
 * The number of classes, if the outputs look like the scores of some.
 * @param {readonly {type: string, shape: readonly number[]}[]} outputs
 */
export function classesOf(outputs) {
  const [first, ...others] = outputs.filter(({ type, shape }) => /float/.test(type) && shape.filter((dim) => dim !== 1).length === 1);
  return first && !others.length && outputs.length === 1 ? Math.max(...first.shape) : 0;
}

/**
 * Elements that show all outputs.
 * @param {Record<string, Tensor>} outputs
 * @param {Context} context
 * @returns {HTMLElement[]}
 */
export function showOutputs(outputs, { model, labels = null, recipe, note }) {
  const entries = Object.entries(outputs).map(([name, tensor]) => ({ name, tensor, statistics: statisticsOf(tensor.type, elementsOf(tensor)) }));
  const shown = [];
  const shapes = entries.map(({ tensor }) => ({ type: tensor.type, shape: tensor.dims }));
  if (recipe && classesOf(shapes) > 1) shown.push(classList(entries[0].tensor, labels));
  if (recipe) for (const { name, tensor, statistics } of entries) shown.push(...pictures(name, tensor, statistics, recipe.preprocess.colour === 'BGR'));
  shown.push(summary(entries));
  if (note) shown.push(make('p', { className: 'note' }, note));
  for (const { name, tensor, statistics } of entries.slice(0, MAX_OUTPUTS)) shown.push(numbers(name, tensor, statistics, model));
  return shown;
}

/** @param {{name: string, tensor: Tensor, statistics: Statistics}[]} entries */
function summary(entries) {
  const rows = entries.map(({ name, tensor, statistics: s }) => [
    name,
    `${tensor.type}[${tensor.dims.join(', ')}]`,
    ...[s.min, s.max, s.mean, s.deviation].map(formatValue),
    s.odd ? `${s.odd}` : 'none',
  ]);
  return table('What came out', ['Output', 'Type', 'Least', 'Greatest', 'Mean', 'Deviation', 'Not finite'], rows);
}

/**
 * @param {Tensor} tensor
 * @param {string[] | null} labels
 */
function classList(tensor, labels) {
  const { classes, are } = topClasses(tensor, 5);
  const items = classes.map(({ index, score }) => {
    const fill = make('span', { className: 'fill' });
    fill.style.inlineSize = `${Math.min(1, Math.max(0, score)) * 100}%`;
    const bar = make('span', { className: 'bar' }, fill);
    bar.setAttribute('aria-hidden', 'true');
    const item = make('li', {}, make('span', { className: 'name' }, labels?.[index] ?? `Class ${index}`), make('span', { className: 'percent' }, formatPercent(score)), bar);
    item.dataset.class = String(index);
    return item;
  });
  return make('div', {}, make('ol', { className: 'class-bars', id: 'model-classes' }, ...items), make('p', { className: 'note' }, are));
}

/**
 * @param {string} name
 * @param {Tensor} tensor
 * @param {Statistics} statistics
 * @param {boolean} isBgr
 */
function pictures(name, tensor, statistics, isBgr) {
  return picturesOf(tensor, statistics, isBgr).map(({ image, caption }) => {
    const canvas = make('canvas', { width: image.width, height: image.height, className: 'output-picture' });
    canvas.getContext('2d')?.putImageData(image, 0, 0);
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', `Output ${name} as a picture`);
    return make('figure', { className: 'output-figure' }, canvas, make('figcaption', { className: 'note' }, `${name}: ${caption}`));
  });
}

/**
 * How the numbers are spread, the first of them, and all of them to take away.
 * @param {string} name
 * @param {Tensor} tensor
 * @param {Statistics} statistics
 * @param {string} model
 */
function numbers(name, tensor, statistics, model) {
  const decode = decoder(tensor.type);
  const first = Array.from(/** @type {ArrayLike<number | bigint>} */ (elementsOf(tensor).subarray(0, FIRST)), decode).map(formatValue);
  const more = tensor.data.length > FIRST ? `, … ${(tensor.data.length - FIRST).toLocaleString('en')} more` : '';
  const file = `${model.replace(/\.\w+$/, '')}-${name}`.replace(/[^\w.-]+/g, '_');
  return make(
    'details',
    { className: 'numbers' },
    make('summary', {}, `Numbers of “${name}”`),
    ...histogram(tensor, statistics),
    make('p', {}, tensor.data.length ? `In order: ${first.join(', ')}${more}` : 'There are none.'),
    make('div', { className: 'row' }, download('Save as .npy', `${file}.npy`, () => toNpy(tensor)), download('Save as .json', `${file}.json`, () => toJson(tensor))),
  );
}

/**
 * @param {Tensor} tensor
 * @param {Statistics} statistics
 */
function histogram(tensor, statistics) {
  const spread = histogramOf(tensor.type, elementsOf(tensor), statistics);
  if (!spread) return [];
  const { counts, min, max } = spread;
  const most = Math.max(...counts);
  const columns = counts.map((count) => {
    const column = make('span', {});
    column.style.blockSize = `${(count / most) * 100}%`;
    return column;
  });
  const picture = make('div', { className: 'histogram' }, ...columns);
  picture.setAttribute('role', 'img');
  picture.setAttribute('aria-label', `Histogram from ${formatValue(min)} to ${formatValue(max)}; the fullest of ${counts.length} parts has ${most} values`);
  const axis = make('span', { className: 'axis-x' }, make('span', {}, formatValue(min)), make('span', {}, 'how often each value occurs'), make('span', {}, formatValue(max)));
  return [picture, axis];
}

/**
 * @param {string} label
 * @param {string} name
 * @param {() => Blob} content
 */
function download(label, name, content) {
  const button = make('button', { type: 'button', className: 'small' }, label);
  button.addEventListener('click', () => {
    const href = URL.createObjectURL(content());
    make('a', { href, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60_000); // the browser reads it some time after the click
  });
  return button;
}
