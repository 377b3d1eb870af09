// @ts-check
/** @file The page's own model, which names what is in photos: loaded at start, kept while another is tried, and loaded anew for other threads or SIMD. */

import { InternalError, InvalidInputError, LimitError } from '../errors.js';
import { pipeline } from '../pipeline.js';
import { formatBytes, formatTime } from './view/format.js';
import { showProgress } from './view/page.js';
import { clearInference, showChoices, showStats, showTile } from './view/readouts.js';
import { element } from './view/dom.js';
import { whileLoading } from './work.js';

/** @typedef {import('../pipeline.js').ImageClassificationPipeline & {model: import('./catalog.js').ModelCard}} OwnModel */
/**
 * Which model of the manifest, and how it is to run: the default one, by the best that browser and machine have, where not said.
 * @typedef {{name?: string | null, threads?: number, simd?: 'relaxed' | 'baseline'}} Choice
 */
/** @typedef {import('./view/problem.js').Step} Step */

const currentModel = element('current-model', HTMLElement);

/** @type {OwnModel | null} */
let own = null;
/** @type {Choice} how it is loaded the next time */
let choice = {};
let downloadMs = 0;
let loads = 0;
/** @type {((made: OwnModel) => void)[]} */
const listeners = [];

/** The page's own model, once it is there. */
export function ownModel() {
  return own;
}

/** How it was loaded. */
export function ownChoice() {
  return choice;
}

/**
 * Calls back whenever the model has been loaded.
 * @param {(made: OwnModel) => void} listener
 */
export function onOwnModel(listener) {
  listeners.push(listener);
}

/**
 * Loads the model; the former stays in use until the new one is ready.
 * @param {Choice} [changes] as before, where not said
 */
export async function loadOwnModel(changes = {}) {
  choice = { ...choice, ...changes };
  loads++;
  await whileLoading('Loading the default model', load, retrySteps);
  loads--;
}

/** Whether the model is on its way. */
export function isOwnModelLoading() {
  return loads > 0;
}

/** @param {AbortSignal} signal */
async function load(signal) {
  const begin = performance.now();
  const made = await pipeline('image-classification', choice.name, {
    signal,
    threads: choice.threads,
    simd: choice.simd,
    progress(event) {
      if (event.status === 'progress') showDownload(event.loaded, event.total ?? event.loaded);
      if (event.status === 'done') endDownload(begin);
      if (event.status === 'compile') showProgress(event.step);
    },
  });
  const former = own;
  own = /** @type {OwnModel} */ (made);
  await former?.dispose();
  const { compileMs, loadMs, warmMs } = made.session.stats;
  performance.measure('wasmkiln:compile', { end: performance.now() - loadMs - warmMs, duration: compileMs });
  showOwnModel();
  for (const listener of listeners) listener(own);
}

/**
 * @param {number} received
 * @param {number} total
 */
function showDownload(received, total) {
  showProgress(`Downloading the model: ${formatBytes(received)} of ${formatBytes(total)}`, received / total);
  showTile('download', formatBytes(received));
}

/** @param {number} begin */
function endDownload(begin) {
  downloadMs = performance.now() - begin;
  performance.measure('wasmkiln:download', { start: begin, end: performance.now() });
  showTile('download', formatTime(downloadMs));
}

/** Shows which model it is, and its figures. */
export function showOwnModel() {
  if (!own) return;
  const { model, session } = own;
  currentModel.textContent = model.title;
  showTile('download', formatTime(downloadMs), formatBytes(model.bytes));
  showChoices(choice);
  showStats(session.stats, performance.getEntriesByName('wasmkiln:boot')[0]?.duration);
  clearInference();
}

/**
 * @param {unknown} error
 * @returns {Step[]}
 */
function retrySteps(error) {
  const [again, oneThread, usual] = [
    { label: 'Try again', act: () => void loadOwnModel() },
    { label: 'Try with one thread', act: () => void loadOwnModel({ threads: 1 }) },
    { label: 'Use the default model', act: () => void loadOwnModel({ name: null }) },
  ];
  if (error instanceof InvalidInputError) return [usual]; // there is no model of this name
  const isDefect = error instanceof InternalError || error instanceof LimitError;
  return [again, ...(isDefect && choice.threads !== 1 ? [oneThread] : []), ...(choice.name ? [usual] : [])];
}
