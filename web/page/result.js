// @ts-check
/** @file What the model said of one photo, and the same as text and as JSON. */

import { formatPercent } from './view/format.js';

/** @typedef {import('../pipeline.js').Classification} Prediction */

/**
 * `file` is the photo itself, to be shown again; `ms` is the time of the run.
 * @typedef {{name: string, file: Blob, predictions: Prediction[], ms: number, model: string}} Result
 */

/**
 * The classes of one photo, a line each.
 * @param {Result} result
 */
export function toText({ name, predictions }) {
  return [name, ...predictions.map(({ label, score }) => `${formatPercent(score).padStart(6)}  ${label}`)].join('\n');
}

/**
 * A photo's classes for programs.
 * @param {Result} result
 */
export function toRecord({ name, model, predictions, ms }) {
  return { photo: name, model, ms: Number(ms.toFixed(2)), predictions: predictions.map(({ index, label, score }) => ({ index, label, score })) };
}

/**
 * One photo, or several as a list.
 * @param {Result | Result[]} result
 */
export function toJson(result) {
  return JSON.stringify(Array.isArray(result) ? result.map(toRecord) : toRecord(result), null, 2);
}

/**
 * The best class of each photo as tab-separated lines, which spreadsheets take.
 * @param {Result[]} results
 */
export function toTable(results) {
  const rows = results.map(({ name, predictions: [best] }) => [name, best.label, best.score.toFixed(4)]);
  return [['photo', 'class', 'score'], ...rows].map((row) => row.map(plain).join('\t')).join('\n');
}

/** @param {string} cell */
function plain(cell) {
  return cell.replace(/[\t\r\n]+/g, ' ');
}
