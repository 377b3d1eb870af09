// @ts-check
/** @file The page's own model, which names what is in photos: loaded at start, kept while another is tried, and loaded anew for other threads or SIMD. */

import { Classifier } from './classifier.js';
import { formatBytes, formatTime } from './view/format.js';
import { showProgress } from './view/page.js';
import { clearInference, showChoices, showStats, showTile } from './view/readouts.js';
import { element } from './view/dom.js';
import { whileLoading } from './work.js';

/** @typedef {import('./classifier.js').Choice} Choice */
/** @typedef {import('./view/problem.js').Step} Step */

const currentModel = element('current-model', HTMLElement);

/** @type {Classifier | null} */
let own = null;
/** @type {Choice} how it is loaded the next time */
let choice = {};
let downloadMs = 0;
let loads = 0;
/** @type {((made: Classifier) => void)[]} */
const listeners = [];

/** The page's own model, once it is there. */
export function ownModel() {
  return own;
}

/**
 * Calls back whenever the model has been loaded.
 * @param {(made: Classifier) => void} listener
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
  const made = await Classifier.create(choice, {
    signal,
    onDownload(received, total) {
      showProgress(`Downloading the model: ${formatBytes(received)} of ${formatBytes(total)}`, received / total);
      showTile('download', formatBytes(received));
    },
    onDownloaded(ms) {
      downloadMs = ms;
      performance.measure('wasmkiln:download', { start: begin, end: performance.now() });
      showTile('download', formatTime(ms));
    },
    onStep: showProgress,
  });
  own?.session.release();
  own = made;
  const { compileMs, loadMs, warmMs } = made.session.stats;
  performance.measure('wasmkiln:compile', { end: performance.now() - loadMs - warmMs, duration: compileMs });
  showOwnModel();
  for (const listener of listeners) listener(made);
}

/** Shows which model it is, and its figures. */
export function showOwnModel() {
  if (!own) return;
  const { entry, session } = own;
  currentModel.textContent = entry.title;
  showTile('download', formatTime(downloadMs), formatBytes(entry.bytes));
  showChoices(choice);
  showStats(session.stats, performance.getEntriesByName('wasmkiln:boot')[0]?.duration);
  clearInference();
}

/** @returns {Step[]} */
function retrySteps() {
  const steps = [{ label: 'Try again', act: () => void loadOwnModel() }];
  if (choice.threads !== 1) steps.push({ label: 'Try with one thread', act: () => void loadOwnModel({ threads: 1 }) });
  return steps;
}
