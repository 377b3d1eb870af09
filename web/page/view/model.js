// @ts-check
/** @file Any other model: what it takes and gives, sizes for symbolic dimensions, ways to run it, a look inside, and how each node runs. */

import * as lazy from '../lazy.js';
import { make, table } from './dom.js';
import { formatBytes } from './format.js';
import { beginModel, fillModel, fillRetry } from './model-place.js';

/** @typedef {import('../../protocol.js').Explanation} Explanation */
/** @typedef {import('../../protocol.js').ModelInfo} ModelInfo */
/** @typedef {import('../../protocol.js').ReportRow} ReportRow */
/** @typedef {import('../../session.js').InferenceSession} InferenceSession */

const MAX_ROWS = 3000; // a table of more makes the page slow

/**
 * What the view shows.
 * @typedef {object} ModelView
 * @property {string} name
 * @property {number} bytes
 * @property {ModelInfo} info
 * @property {Record<string, number>} dims
 * @property {InferenceSession} session
 * @property {(dims: Record<string, number>) => void} onDims other sizes were given
 * @property {() => Promise<ArrayBuffer>} read the model's bytes anew
 * @property {Explanation | null} [explanation] if it came with the model
 */

/**
 * Shows a model that was opened.
 * @param {ModelView} view
 */
export async function showModel(view) {
  const { name, bytes, info, dims, session, onDims } = view;
  const isCurrent = beginModel();
  const [{ waysToRun }, { insightOf }] = await Promise.all([lazy.running(), lazy.insight()]);
  if (!isCurrent()) return;
  const running = waysToRun(view);
  fillModel(
    running.takePhoto,
    make('h2', { id: 'model-name', tabIndex: -1 }, name),
    make('p', {}, `${info.nodes} node${info.nodes === 1 ? '' : 's'}, ${formatBytes(bytes)}`),
    ...(Object.keys(dims).length ? [dimsForm(dims, onDims)] : []),
    table('Inputs', ['Name', 'Type'], session.inputMetadata.map(typed)),
    table('Outputs', ['Name', 'Type'], session.outputMetadata.map(typed)),
    running.element,
    insightOf({ ...view, options: { dims }, feeds: running.feeds }),
    ...report(session.report),
  );
}

/** @param {{name: string, type: string, compiled: readonly number[]}} value */
function typed({ name, type, compiled }) {
  return [name, `${type}[${compiled.join(', ')}]`];
}

/**
 * After a model could not be compiled for some sizes, lets the person try others.
 * @param {string} name
 * @param {Record<string, number>} dims
 * @param {(dims: Record<string, number>) => void} onDims
 */
export function offerDims(name, dims, onDims) {
  fillRetry(make('h2', {}, name), dimsForm(dims, onDims));
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
  if (!rows.length) return []; // not kept with a model that was compiled on an earlier visit
  const shown = rows.slice(0, MAX_ROWS).map(({ node, op, how, kernels }) => [node || '–', op, HOW[how] ?? how, make('code', {}, kernels.join(' '))]);
  const count = (/** @type {string[]} */ ...ways) => rows.filter((row) => ways.includes(row.how)).length;
  const summary = `How each node runs: ${count('kernel', 'expanded')} by kernels, ${count('init')} once at load, ${count('folded')} while compiling`;
  const more = rows.length > MAX_ROWS ? [make('p', { className: 'note' }, `and ${rows.length - MAX_ROWS} more nodes`)] : [];
  return [make('details', { id: 'report' }, make('summary', {}, summary), table('How each node runs', ['Node', 'Operator', 'How', 'Kernels'], shown), ...more)];
}
