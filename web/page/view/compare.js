// @ts-check
/** @file Offers to run a model beside onnxruntime-web, where the server has it. */

import { peers } from '../lazy.js';
import { make, table } from './dom.js';
import { formatTime, formatValue } from './format.js';

/** @typedef {import('../../tensor.js').Tensor} Tensor */
/** @typedef {import('../insight/compare.js').Comparison} Comparison */
/** @typedef {{session: import('../../session.js').InferenceSession, read: () => Promise<ArrayBuffer>}} Compared */

/**
 * A box with a button, or nothing where there is nobody to compare with.
 * @param {Compared} subject
 * @param {() => Record<string, Tensor>} feeds
 * @returns {HTMLElement}
 */
export function comparison(subject, feeds) {
  const box = make('div', { className: 'comparison' });
  void peers().then(({ 'onnxruntime-web': version }) => {
    if (version) box.append(button(subject, feeds, version));
  });
  return box;
}

/**
 * @param {Compared} subject
 * @param {() => Record<string, Tensor>} feeds
 * @param {string} version
 */
function button(subject, feeds, version) {
  const made = make('button', { type: 'button', id: 'compare' }, 'Compare with onnxruntime-web');
  const result = make('div', {});
  result.setAttribute('aria-live', 'polite');
  made.addEventListener('click', async () => {
    made.disabled = true;
    result.replaceChildren(make('p', { className: 'note' }, 'Both run in turns; this takes a few seconds …'));
    try {
      const { compare } = await import('../insight/compare.js'); // with the peer, which is fetched then too
      result.replaceChildren(...shown(await compare(subject.session, await subject.read(), feeds()), version));
    } catch (error) {
      result.replaceChildren(make('p', {}, `onnxruntime-web could not be compared: ${error instanceof Error ? error.message : error}`));
    }
    made.disabled = false;
  });
  return make('div', { className: 'picture' }, made, result);
}

/**
 * @param {Comparison} comparison
 * @param {string} version
 */
function shown({ ours, theirs, threads, theirThreads, theirCreateMs, differences }, version) {
  const ratio = ours.median / theirs.median;
  const verdict = ratio < 1 ? `wasmkiln took ${(ratio * 100).toFixed(0)} % of onnxruntime-web's time` : `wasmkiln took ${ratio.toFixed(2)} times as long as onnxruntime-web`;
  const worst = differences.reduce((a, b) => (b.relative > a.relative ? b : a), { name: '', difference: 0, relative: 0 });
  const agree = worst.relative === 0 ? 'and the results are the same.' : `and their results differ by at most ${formatValue(worst.difference)} (${formatValue(worst.relative)} of the largest value).`;
  const row = (/** @type {string} */ name, /** @type {Comparison['ours']} */ { median, fastest }) => [name, formatTime(median), formatTime(fastest)];
  const times = [row('wasmkiln', ours), row(`onnxruntime-web ${version}`, theirs)];
  const rows = differences.map(({ name, difference, relative }) => [name, formatValue(difference), formatValue(relative)]);
  return [
    make('p', {}, `Here and now, ${verdict} on ${threads} thread${threads === 1 ? '' : 's'}${threads === theirThreads ? '' : ` (onnxruntime-web on ${theirThreads})`}, ${agree}`),
    table('Time of a run', ['Runtime', 'Median', 'Fastest'], times),
    table('Largest differences', ['Output', 'Difference', 'Over its largest value'], rows),
    make('p', { className: 'note' }, `Loading onnxruntime-web and preparing the model for it took ${formatTime(theirCreateMs)}. Times in a tab vary with whatever else the machine does.`),
  ];
}
