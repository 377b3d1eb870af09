// @ts-check
/** @file The measurements: download, compile, inference, and what threads and SIMD are in use, and why. */

import { chooseSimd, chooseThreads, probe } from '../../features.js';
import { element, make } from './dom.js';
import { formatBytes, formatCount, formatTime } from './format.js';

/** @typedef {import('../../session.js').InferenceSession['stats']} Stats */

const PHASES = /** @type {Record<string, string>} */ ({
  parse: 'Compile: reading the file',
  passes: 'Compile: optimising the graph',
  lower: 'Compile: planning kernels and memory',
  emit: 'Compile: writing WebAssembly',
});

/**
 * One tile's figure, with what it measures below it.
 * @param {'download' | 'compile' | 'inference'} tile
 * @param {string} figure
 * @param {string} [note]
 */
export function showTile(tile, figure, note) {
  element(tile, HTMLElement).replaceChildren(make('bdi', {}, figure), ...(note ? [make('small', {}, make('bdi', {}, note))] : []));
}

/** Empties the tile for inference, since it measured another model. */
export function clearInference() {
  showTile('inference', '–');
}

/**
 * Says which threads and SIMD level are used, and why.
 * @param {{threads?: number, simd?: 'relaxed' | 'baseline'}} [chosen] by the visitor
 */
export function showChoices({ threads, simd } = {}) {
  const features = probe();
  const chosen = 'you chose it';
  const onThreads = threads === undefined ? chooseThreads(features) : { value: threads, reason: chosen };
  const withSimd = simd === undefined ? chooseSimd(features) : { value: simd, reason: chosen };
  const [threadsItem, simdItem] = [element('threads', HTMLElement), element('simd', HTMLElement)];
  threadsItem.dataset.value = String(onThreads.value);
  threadsItem.textContent = `${onThreads.value} thread${onThreads.value > 1 ? 's' : ''}: ${onThreads.reason}.`;
  simdItem.dataset.value = withSimd.value;
  simdItem.textContent = `${withSimd.value === 'relaxed' ? 'Relaxed' : 'Baseline'} SIMD: ${withSimd.reason}.`;
}

/**
 * What compiling and loading took, and what the model holds.
 * @param {Stats} stats
 * @param {number} [bootMs] what starting Python took
 */
export function showStats(stats, bootMs) {
  showTile('compile', formatTime(stats.compileMs), `${formatBytes(stats.codeBytes)} of WebAssembly`);
  const phases = Object.entries(stats.phases).map(([phase, seconds]) => [PHASES[phase] ?? `Compile: ${phase}`, formatTime(seconds * 1000)]);
  const rows = [
    ...(bootMs === undefined ? [] : [['Starting Python, beside the download', formatTime(bootMs)]]),
    ...phases,
    ['Loading weights and threads', formatTime(stats.loadMs)],
    ['First run, to warm up', formatTime(stats.warmMs)],
    ['Multiply-adds a run', formatCount(stats.macs)],
    ['Memory: weights', formatBytes(stats.weightBytes)],
    ['Memory: activations', formatBytes(stats.arenaBytes)],
    ['Memory of the model in all', formatBytes(stats.memoryBytes)],
  ];
  const pairs = rows.map(([term, value]) => make('div', {}, make('dt', {}, term), make('dd', {}, make('bdi', {}, value))));
  /** @type {HTMLElement} */ (document.querySelector('#phases dl')).replaceChildren(...pairs);
}
