// @ts-check
/** @file Any other model: what it takes and gives, sizes for symbolic dimensions, how each node runs, and a run on random input. */

import { element, make, table } from './dom.js';
import { formatBytes, formatTime, formatValue } from './format.js';

/** @typedef {import('../../protocol.js').ModelInfo} ModelInfo */
/** @typedef {import('../../protocol.js').ReportRow} ReportRow */
/** @typedef {import('../../session.js').InferenceSession} InferenceSession */
/** @typedef {import('../trial.js').Trial} Trial */

const MAX_ROWS = 3000; // a table of more makes the page slow

const section = element('model', HTMLElement);
const retry = element('retry', HTMLElement);

/**
 * What the view shows.
 * @typedef {object} ModelView
 * @property {string} name
 * @property {number} bytes
 * @property {ModelInfo} info
 * @property {Record<string, number>} dims
 * @property {InferenceSession} session
 * @property {(dims: Record<string, number>) => void} onDims other sizes were given
 * @property {() => void} onTry a run was asked for
 */

/**
 * Shows a model that was opened.
 * @param {ModelView} view
 */
export function showModel({ name, bytes, info, dims, session, onDims, onTry }) {
  const tryButton = make('button', { type: 'button', id: 'try', className: 'primary' }, 'Run on random input');
  tryButton.addEventListener('click', onTry);
  const trial = make('div', { id: 'trial' });
  trial.setAttribute('aria-live', 'polite');
  section.replaceChildren(
    make('h2', { id: 'model-name', tabIndex: -1 }, name),
    make('p', {}, `${info.nodes} node${info.nodes === 1 ? '' : 's'}, ${formatBytes(bytes)}`),
    ...(Object.keys(dims).length ? [dimsForm(dims, onDims)] : []),
    table('Inputs', ['Name', 'Type'], session.inputMetadata.map(({ name, type, shape }) => [name, `${type}[${shape.join(', ')}]`])),
    table('Outputs', ['Name', 'Type'], session.outputMetadata.map(({ name, type, shape }) => [name, `${type}[${shape.join(', ')}]`])),
    make('div', { className: 'row' }, tryButton),
    trial,
    report(session.report),
  );
  section.hidden = false;
}

/**
 * After a model could not be compiled for some sizes, lets the person try others.
 * @param {string} name
 * @param {Record<string, number>} dims
 * @param {(dims: Record<string, number>) => void} onDims
 */
export function offerDims(name, dims, onDims) {
  retry.replaceChildren(make('h2', {}, name), dimsForm(dims, onDims));
  retry.hidden = false;
}

/** Takes that offer back. */
export function withdrawDims() {
  retry.hidden = true;
  retry.replaceChildren();
}

/** Takes the view away. */
export function hideModel() {
  section.hidden = true;
  section.replaceChildren();
}

/**
 * Shows what a run gave.
 * @param {Trial} trial
 * @returns {number} the median time in ms
 */
export function showTrial({ times, outputs }) {
  const sorted = times.toSorted((a, b) => a - b);
  const median = sorted[sorted.length >> 1];
  const rows = outputs.map(({ name, type, dims, statistics: s }) => [
    name,
    `${type}[${dims.join(', ')}]`,
    ...[s.min, s.max, s.mean, s.deviation].map(formatValue),
    s.odd ? `${s.odd}` : 'none',
  ]);
  element('trial', HTMLElement).replaceChildren(
    make('p', {}, `${times.length} run${times.length === 1 ? '' : 's'}: median ${formatTime(median)}, fastest ${formatTime(sorted[0])}.`),
    table('What came out', ['Output', 'Type', 'Least', 'Greatest', 'Mean', 'Deviation', 'Not finite'], rows),
    make('p', { className: 'note' }, 'Floats are drawn from −1 to 1, whole numbers are 0 or 1; the seed is always the same.'),
  );
  return median;
}

/**
 * @param {Record<string, number>} dims
 * @param {(dims: Record<string, number>) => void} onDims
 */
function dimsForm(dims, onDims) {
  const inputs = Object.entries(dims).map(([name, size]) => {
    return make('input', { type: 'number', name, value: String(size), min: '1', max: '1000000', step: '1', required: true });
  });
  const labels = inputs.map((input) => make('label', {}, make('span', {}, input.name), input));
  const form = make('form', { className: 'dims' }, make('p', {}, 'Sizes that the model leaves open'), ...labels, make('button', {}, 'Compile for these sizes'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    onDims(Object.fromEntries(inputs.map((input) => [input.name, input.valueAsNumber])));
  });
  return form;
}

const HOW = {
  kernel: 'kernel',
  expanded: 'kernels of simpler operators',
  init: 'once, at load',
  folded: 'while compiling',
};

/** @param {readonly ReportRow[]} rows */
function report(rows) {
  const shown = rows.slice(0, MAX_ROWS).map(({ node, op, how, kernels }) => [node || '–', op, HOW[how] ?? how, make('code', {}, kernels.join(' '))]);
  const count = (/** @type {string[]} */ ...ways) => rows.filter((row) => ways.includes(row.how)).length;
  const summary = `How each node runs: ${count('kernel', 'expanded')} by kernels, ${count('init')} once at load, ${count('folded')} while compiling`;
  const more = rows.length > MAX_ROWS ? [make('p', { className: 'note' }, `and ${rows.length - MAX_ROWS} more nodes`)] : [];
  return make('details', { id: 'report' }, make('summary', {}, summary), table('How each node runs', ['Node', 'Operator', 'How', 'Kernels'], shown), ...more);
}
