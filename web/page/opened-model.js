// @ts-check
/** @file A model that the visitor opened: read, compiled, shown and tried; a photo or a button leads back to the page's own. */

import { inspectCached, loadCached } from '../cached.js';
import { InvalidModelError, LimitError, UnsupportedBrowserError, UnsupportedOperatorError } from '../errors.js';
import { InferenceSession } from '../session.js';
import * as lazy from './lazy.js';
import { loadOwnModel, onOwnModel, ownModel, showOwnModel } from './own-model.js';
import { element } from './view/dom.js';
import { formatBytes, formatTime } from './view/format.js';
import { hideModel, withdrawDims } from './view/model-place.js';
import { announce, setView, showProgress, withdrawError } from './view/page.js';
import { picking } from './view/problem.js';
import { clearInference, showStats, showTile } from './view/readouts.js';
import { dropLoading, onLoadingEnd, whileLoading } from './work.js';

/** @typedef {Record<string, number>} Dims */
/** @typedef {import('./view/problem.js').Step} Step */

const MAX_MODEL_BYTES = 2 ** 31 - 1; // what browsers hold in one ArrayBuffer, and protobuf in one message

const PYTHON_CAN =
  'This page runs only what can be compiled as a whole. Texts, sequences, maps and what depends on values of a run need Python between compiled parts: ' +
  'the page “Python in this tab” has it, and so has the Python package.';

const backButton = element('default-model', HTMLButtonElement);
const currentModel = element('current-model', HTMLElement);

/** @typedef {{name: string, file: File | null, dims: Dims, session: InferenceSession}} Opened a bundle has no file */

/** @type {Opened | null} */
let opened = null;

backButton.addEventListener('click', () => (ownModel() ? closeModel() : void loadOwnModel()));
onLoadingEnd(offerWayBack);
onOwnModel(() => opened && closeModel());

/** Whether a model is open. */
export function isModelOpen() {
  return opened !== null;
}

/** The model that is open. */
export function openedModel() {
  return opened;
}

/** Shows the button that leads to the page's own model, unless that is in use. */
function offerWayBack() {
  backButton.hidden = ownModel() !== null && opened === null;
}

/**
 * Compiles and shows a model, in place of one that was opened before.
 * @param {File} file
 * @param {Dims} [dims] sizes for symbolic dimensions; likely ones if absent
 */
export async function openModel(file, dims) {
  const nextSteps = (/** @type {unknown} */ error) => stepsAfter(error, file);
  await whileLoading(`Opening “${file.name}”`, (signal) => open(file, dims, signal), nextSteps);
}

/**
 * @param {File} file
 * @param {Dims | undefined} dims
 * @param {AbortSignal} signal
 */
async function open(file, dims, signal) {
  showProgress(`Reading ${file.name}`);
  const begin = performance.now();
  const bytes = await readModel(file);
  const readMs = performance.now() - begin;
  const { info, model, sha256 } = await inspectCached(bytes, { signal, onStep: showProgress });
  const [{ offerDims }, { likelyDims }] = await lazy.modelView();
  const sizes = dims ?? likelyDims(info);
  const onDims = (/** @type {Dims} */ other) => void openModel(file, other);
  let session;
  try {
    const source = { bytes: async () => model, sha256 };
    session = new InferenceSession(await loadCached(source, { dims: sizes }, { signal, onStep: showProgress }));
  } catch (error) {
    // If the model is on show for other sizes, its view has the same fields.
    if (!signal.aborted && Object.keys(sizes).length && opened?.file !== file) offerDims(file.name, sizes, onDims);
    throw error instanceof UnsupportedOperatorError ? new UnsupportedOperatorError(`${error.message}\n${PYTHON_CAN}`) : error;
  }
  const figures = [formatTime(readMs), `${formatBytes(file.size)} from your disk`];
  const read = () => readModel(file);
  await present({ name: file.name, file, dims: sizes, session }, { bytes: file.size, info, onDims, read }, figures);
}

/**
 * Shows a model in place of the one that was open.
 * @param {Opened} model
 * @param {Pick<import('./view/model.js').ModelView, 'bytes' | 'info' | 'onDims' | 'read'>} more
 * @param {string[]} figures how long it took to come, and how much that was
 */
export async function present(model, more, [figure, note]) {
  const { name, dims, session } = model;
  opened?.session.release();
  opened = model;
  setView('model');
  const [{ showModel }] = await lazy.modelView();
  if (opened?.session !== session) return;
  await showModel({ name, dims, session, ...more });
  if (opened?.session !== session) return;
  currentModel.textContent = name;
  showTile('download', figure, note);
  showStats(session.stats);
  clearInference();
  announce(`${name} is ready: ${more.info.nodes} nodes.`);
}

/** @param {File} file */
async function readModel(file) {
  if (file.size > MAX_MODEL_BYTES) throw new LimitError(`the file has ${formatBytes(file.size)}; at most 2.1 GB can be read`);
  try {
    return await file.arrayBuffer();
  } catch (error) {
    throw new InvalidModelError(`the file could not be read (${error instanceof Error ? error.message : error})`);
  }
}

/**
 * @param {unknown} error
 * @param {File} file
 * @returns {Step[]}
 */
function stepsAfter(error, file) {
  const steps = [];
  if (error instanceof DOMException) steps.push({ label: 'Open it again', act: () => void openModel(file) });
  if (error instanceof UnsupportedOperatorError) steps.push({ label: 'Try it with Python in this tab', act: () => location.assign('python.html') });
  if (!(error instanceof UnsupportedBrowserError)) steps.push(picking('model-file', 'Open another model'));
  return steps;
}

/** Goes back to the page's own model, which was kept. */
export function closeModel() {
  dropLoading();
  opened?.session.release();
  opened = null;
  hideModel();
  withdrawDims();
  setView('photo');
  backButton.hidden = true;
  showOwnModel();
  withdrawError();
}
