// @ts-check
/** @file The page's state, its progress and its error message. */

import { element } from './dom.js';
import { clearProblem, showProblem } from './problem.js';

/** @typedef {'loading' | 'running'} Work 'loading' shows the progress */
/** @typedef {Work | 'ready' | 'error'} State */

const root = document.documentElement;
const announcement = element('announcement', HTMLElement);
const loading = element('loading', HTMLElement);
const status = element('status', HTMLElement);
const bar = element('progress', HTMLProgressElement);
const cancel = element('cancel', HTMLButtonElement);

/** @type {Map<symbol, Work>} all that is under way */
const underWay = new Map();
/** @type {(() => void)[]} who waits until none is */
const waiting = [];
let failed = false;

/**
 * Says that work begins, in place of any error that is shown. The page is ready once all that was begun has ended.
 * @param {Work} kind
 * @returns {() => void} says that it has ended; more than once does no harm
 */
export function beginWork(kind) {
  const work = Symbol(kind);
  underWay.set(work, kind);
  withdrawError();
  return () => {
    underWay.delete(work);
    showState();
    if (underWay.size === 0) waiting.splice(0).forEach((resume) => resume());
  };
}

/**
 * Does some work, and says so meanwhile.
 * @template T
 * @param {Work} kind
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function whileAtWork(kind, work) {
  const end = beginWork(kind);
  try {
    return await work();
  } finally {
    end();
  }
}

/** Resolves once nothing is under way, which may be now. */
export async function atRest() {
  while (underWay.size > 0) await new Promise((/** @type {(value?: unknown) => void} */ resolve) => waiting.push(resolve));
}

/** Takes the error away: what was asked for since has been done. */
export function withdrawError() {
  failed = false;
  clearProblem();
  showState();
}

/** 'error' says that the last thing asked for failed; the page goes on working. */
function showState() {
  const kinds = [...underWay.values()];
  /** @type {State} */
  const state = kinds.includes('loading') ? 'loading' : (kinds[0] ?? (failed ? 'error' : 'ready'));
  root.dataset.state = state;
  loading.hidden = state !== 'loading';
}

/**
 * Shows photos, the camera or a model.
 * @param {'photo' | 'camera' | 'model'} view
 */
export function setView(view) {
  root.dataset.view = view;
}

/** What the page shows. */
export function getView() {
  return root.dataset.view;
}

/** Says that all is there: from now on the page asks its server for nothing. */
export function setComplete() {
  root.dataset.complete = '';
}

/**
 * Says what is going on, and how far it has come.
 * @param {string} text
 * @param {number} [fraction] unknown if absent
 */
export function showProgress(text, fraction) {
  if (status.textContent !== text) status.textContent = text;
  if (fraction === undefined) bar.removeAttribute('value');
  else bar.value = fraction;
}

/**
 * Tells of an error, and offers what may be done next.
 * @param {unknown} error
 * @param {string} what what was tried, as the start of a sentence
 * @param {import('./problem.js').Step[]} [steps]
 */
export function showError(error, what, steps = []) {
  failed = true;
  showState();
  showProblem(error, what, steps);
}

/**
 * Tells those who listen to the page rather than look at it.
 * @param {string} text
 */
export function announce(text) {
  announcement.textContent = text;
}

/** @param {() => void} callback */
export function onCancel(callback) {
  cancel.addEventListener('click', callback);
}
