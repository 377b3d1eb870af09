// @ts-check
/** @file The page: connects what comes in (photos, models) with the classifier and sessions, and shows what comes out. */

import { createClassifier } from './classifier.js';
import { calm, inspectCached, loadCached } from '../cached.js';
import { ImageError, InvalidModelError, LimitError } from '../errors.js';
import { prepare } from '../handles.js';
import { prepareImages } from '../image.js';
import { InferenceSession, Tensor } from '../session.js';
import { takeLaunches } from './launch.js';
import { likelyDims, tryOut } from './trial.js';
import { element } from './view/dom.js';
import { formatBytes, formatTime } from './view/format.js';
import { takeFiles } from './view/intake.js';
import { hideModel, offerDims, showModel, showTrial, withdrawDims } from './view/model.js';
import { announce, onCancel, setState, setView, showError, showProgress } from './view/page.js';
import { markStale, showPhoto, showPredictions } from './view/prediction.js';
import { clearInference, showFeatures, showStats, showTile } from './view/readouts.js';
import { loadSamples, sampleCredits } from './view/samples.js';

/** @typedef {Record<string, number>} Dims */

const MAX_MODEL_BYTES = 2 ** 31 - 1; // what browsers hold in one ArrayBuffer, and protobuf in one message

/** @type {import('./classifier.js').Classifier | null} the default model, kept while another is tried */
let classifier = null;
/** @type {{file: File, session: InferenceSession} | null} the model that the person opened */
let opened = null;
/** @type {File | null} a photo that came before the model was ready */
let waiting = null;
/** @type {AbortController | null} ends the loading under way */
let loading = null;
let downloadMs = 0;
/** Counts photos, so that of several in a row the last is shown. */
let latestPhoto = 0;
let predicted = false;

const defaultButton = element('default-model', HTMLButtonElement);
const currentModel = element('current-model', HTMLElement);
const credits = element('credits', HTMLElement);

start();

function start() {
  Object.assign(window, { wasmkiln: Object.freeze({ InferenceSession, Tensor }) });
  showFeatures();
  credits.textContent = sampleCredits();
  // All that is fetched beside the model; the page is ready when it needs nothing more from the server.
  const rest = Promise.all([loadSamples(classifyPhoto), prepareWorkers()]);
  prepare(1);
  prepareImages();
  takeFiles(receive, (reason) => showError(new ImageError(reason), 'Taking it'));
  takeLaunches((files) => files.forEach(receive));
  onCancel(() => loading?.abort());
  defaultButton.addEventListener('click', () => (classifier ? closeModel() : loadDefault(rest)));
  loadDefault(rest);
}

/** Starts the workers for the default model, and for those that may be opened later, once Python needs no more of the processor. */
async function prepareWorkers() {
  await calm();
  await prepare(3);
}

/**
 * @param {string} phase
 * @param {number} begin
 */
function measure(phase, begin) {
  performance.measure(`wasmkiln:${phase}`, { start: begin, end: performance.now() });
}

/** @param {File} file */
function receive(file) {
  if (/\.(onnx|ort|pb|pt|pth|tflite|h5|safetensors)$/i.test(file.name)) openModel(file);
  else classifyPhoto(file);
}

/**
 * Does some loading, in place of any that is under way.
 * @param {string} what as the start of a sentence
 * @param {(signal: AbortSignal) => Promise<void>} work
 */
async function whileLoading(what, work) {
  loading?.abort();
  const controller = new AbortController();
  loading = controller;
  withdrawDims();
  setState('loading');
  try {
    await work(controller.signal);
    if (loading === controller) setState('ready');
  } catch (error) {
    if (loading === controller) showError(error, what);
  } finally {
    if (loading === controller) loading = null;
    defaultButton.hidden = classifier !== null && opened === null;
  }
}

/** @param {Promise<unknown>} rest what else has to be there before the page is ready */
async function loadDefault(rest) {
  await whileLoading('Loading the default model', async (signal) => {
    const begin = performance.now();
    const made = await createClassifier({
      signal,
      onDownload(received, total) {
        showProgress(`Downloading the model: ${formatBytes(received)} of ${formatBytes(total)}`, received / total);
        showTile('download', formatBytes(received));
      },
      onDownloaded(ms) {
        downloadMs = ms;
        measure('download', begin);
        showTile('download', formatTime(ms));
      },
      onStep: showProgress,
    });
    if (made.session.stats.compileMs) await rest; // a compiled model that was kept is for being ready at once
    classifier = made;
    const { compileMs, loadMs, warmMs } = made.session.stats;
    performance.measure('wasmkiln:compile', { end: performance.now() - loadMs - warmMs, duration: compileMs });
    credits.textContent = `${sampleCredits()} Model: ${made.model.title}, ${made.model.attribution}; ${made.model.licence}.`;
    showDefault(made);
  });
  const photo = waiting;
  waiting = null;
  if (photo && classifier) await classifyPhoto(photo);
}

/** @param {import('./classifier.js').Classifier} shown */
function showDefault(shown) {
  currentModel.textContent = shown.model.title ?? '';
  showTile('download', formatTime(downloadMs), formatBytes(shown.model.bytes ?? 0));
  showStats(shown.session.stats, performance.getEntriesByName('wasmkiln:boot')[0]?.duration);
  clearInference();
}

/** @param {File} file */
async function classifyPhoto(file) {
  const turn = ++latestPhoto;
  if (!classifier) {
    waiting = file;
    if (!loading) defaultButton.click();
    return;
  }
  loading?.abort();
  loading = null;
  if (opened) closeModel();
  setState('running');
  markStale(true);
  try {
    const picture = await classifier.read(file);
    if (turn !== latestPhoto) return picture.preview?.close();
    if (picture.preview) showPhoto(picture.preview, file.name);
    const { predictions, ms } = await classifier.predict(picture.data);
    if (turn !== latestPhoto) return;
    showPredictions(predictions);
    showTile('inference', formatTime(ms), `${formatTime(picture.ms)} to read the photo`);
    if (!predicted) measure('first-prediction', 0);
    predicted = true;
    setState('ready');
  } catch (error) {
    if (turn !== latestPhoto) return;
    markStale(false);
    showError(error, `Reading “${file.name}”`);
  }
}

/**
 * @param {File} file
 * @param {Dims} [dims] sizes for symbolic dimensions; likely ones if absent
 */
async function openModel(file, dims) {
  latestPhoto++; // a photo that is being read is no longer wanted
  markStale(false);
  await whileLoading(`Opening “${file.name}”`, async (signal) => {
    showProgress(`Reading ${file.name}`);
    const begin = performance.now();
    const bytes = await readModel(file);
    const readMs = performance.now() - begin;
    const { info, model, sha256 } = await inspectCached(bytes, { signal, onStep: showProgress });
    const sizes = dims ?? likelyDims(info);
    const onDims = (/** @type {Dims} */ other) => void openModel(file, other);
    let session;
    try {
      const source = { bytes: async () => model, sha256 };
      session = new InferenceSession(await loadCached(source, { dims: sizes }, { signal, onStep: showProgress }));
    } catch (error) {
      // If the model is on show for other sizes, its view has the same fields.
      if (!signal.aborted && Object.keys(sizes).length && opened?.file !== file) offerDims(file.name, sizes, onDims);
      throw error;
    }
    opened?.session.release();
    opened = { file, session };
    setView('model');
    showModel({ name: file.name, bytes: file.size, info, dims: sizes, session, onDims, onTry: () => tryModel(session) });
    currentModel.textContent = file.name;
    showTile('download', formatTime(readMs), `${formatBytes(file.size)} from your disk`);
    showStats(session.stats);
    clearInference();
    announce(`${file.name} is ready: ${info.nodes} nodes.`);
  });
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

/** Goes back to the default model, which was kept. */
function closeModel() {
  loading?.abort();
  loading = null;
  opened?.session.release();
  opened = null;
  hideModel();
  withdrawDims();
  setView('photo');
  defaultButton.hidden = true;
  if (classifier) showDefault(classifier);
  setState('ready');
}

/** @param {InferenceSession} session */
async function tryModel(session) {
  setState('running');
  try {
    const trial = await tryOut(session);
    if (opened?.session !== session) return;
    showTile('inference', formatTime(showTrial(trial)), 'on random input');
    setState('ready');
  } catch (error) {
    if (opened?.session === session) showError(error, 'The run');
  }
}
