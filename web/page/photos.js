// @ts-check
/** @file Photos: one is shown with its classes, several are worked through one after another; all are kept for this visit. */

import { ImageError } from '../errors.js';
import * as lazy from './lazy.js';
import { closeModel, isModelOpen } from './opened-model.js';
import { isOwnModelLoading, loadOwnModel, ownModel } from './own-model.js';
import { formatTime } from './view/format.js';
import { announce, getView, setView, showError, whileAtWork } from './view/page.js';
import { givePhoto } from './view/model-place.js';
import { markStale, showPhoto, showPredictions } from './view/prediction.js';
import { picking } from './view/problem.js';
import { showTile } from './view/readouts.js';
import { offerCopies } from './view/copies.js';
import { dropLoading } from './work.js';

/** @typedef {import('./own-model.js').OwnModel} OwnModel */
/** @typedef {import('./result.js').Result} Result */
/** @typedef {import('./view/problem.js').Step} Step */
/** @typedef {import('../pipeline.js').Picture & {preview: ImageBitmap}} Picture */

/** Counts what was asked for, so that of several photos in a row the last is shown. */
let latest = 0;
/** @type {File[] | null} photos that came before the model was ready */
let waiting = null;
let predicted = false;
/** @type {(file: File) => void} what to do with a file that turns out to be no picture */
let openAsModel = () => {};

/**
 * Says how a file that is no picture may be opened as a model.
 * @param {(file: File) => void} open
 */
export function onNoPicture(open) {
  openAsModel = open;
}

/** What is being read is no longer wanted. */
export function dropPhotos() {
  latest++;
  waiting = null;
  markStale(false);
}

/** Takes up the photos that came before the model was ready. */
export async function takeUpWaiting() {
  const photos = waiting;
  waiting = null;
  if (photos && ownModel()) await classifyPhotos(photos);
}

/**
 * Names what is in some photos.
 * @param {File[]} files
 */
export async function classifyPhotos(files) {
  const turn = ++latest;
  if (isModelOpen() && givePhoto(files[0], files[0].name)) return;
  const classifier = ownModel();
  if (!classifier) {
    waiting = files;
    if (!isOwnModelLoading()) void loadOwnModel();
    return;
  }
  await whileAtWork('running', async () => {
    await showPhotoView();
    if (turn !== latest) return;
    if (files.length === 1) await classifyOne(classifier, files[0], turn);
    else await (await lazy.batch()).classifyAll(classifier, files, turn);
  });
}

/** Leaves the camera or a model for the photos. */
async function showPhotoView() {
  dropLoading();
  if (isModelOpen()) closeModel();
  if (getView() === 'camera') (await lazy.camera()).stopCamera();
  setView('photo');
}

/**
 * @param {OwnModel} classifier
 * @param {File} file
 * @param {number} turn
 */
async function classifyOne(classifier, file, turn) {
  markStale(true);
  try {
    const picture = await read(classifier, file);
    if (turn !== latest) return picture.preview.close();
    const [card] = (await lazy.gallery()).makePlaces([file.name]);
    card.draw(picture.preview);
    card.mark();
    showPhoto(picture.preview, file.name);
    const result = await classify(classifier, file, picture);
    card.fill(result, () => showAgain(result));
    if (turn !== latest) return;
    showResult(result, picture.ms);
  } catch (error) {
    if (turn !== latest) return;
    markStale(false);
    showError(error, `Reading “${file.name}”`, stepsAfter(error, file));
  }
}

/**
 * Classifies a photo without showing it: it takes its place among those of this visit.
 * @param {File} file
 */
export async function keepPhoto(file) {
  const classifier = ownModel();
  if (!classifier) return;
  const { makePlaces } = await lazy.gallery();
  try {
    const picture = await read(classifier, file);
    const [card] = makePlaces([file.name]);
    card.draw(picture.preview);
    picture.preview.close();
    const result = await classify(classifier, file, picture);
    card.fill(result, () => showAgain(result));
    announce(`Kept: ${result.predictions[0].label}.`);
  } catch (error) {
    showError(error, `Keeping “${file.name}”`);
  }
}

/**
 * A photo as the model takes it, and as the page shows it.
 * @param {OwnModel} classifier
 * @param {Blob} file
 */
export async function read(classifier, file) {
  return /** @type {Picture} */ (await classifier.read(file));
}

/**
 * @param {OwnModel} classifier
 * @param {File} file
 * @param {Picture} picture
 * @returns {Promise<Result>}
 */
export async function classify(classifier, file, picture) {
  const { predictions, ms } = await classifier.predict(picture.data);
  if (!predicted) performance.measure('wasmkiln:first-prediction', { start: 0, end: performance.now() });
  predicted = true;
  return { name: file.name, file, predictions, ms, model: classifier.model.title };
}

/**
 * @param {Result} result
 * @param {number} [readMs]
 */
export function showResult(result, readMs) {
  showPredictions(result.predictions);
  offerCopies(result);
  showTile('inference', formatTime(result.ms), readMs === undefined ? '' : `${formatTime(readMs)} to read the photo`);
}

/**
 * Whether nothing was asked for since.
 * @param {number} turn
 */
export function isLatest(turn) {
  return turn === latest;
}

/**
 * Shows a photo of this visit and its classes again.
 * @param {Result} result
 */
export async function showAgain(result) {
  const classifier = ownModel();
  if (!classifier) return;
  await whileAtWork('running', () => readAgain(classifier, result));
}

/**
 * @param {OwnModel} classifier
 * @param {Result} result
 */
async function readAgain(classifier, result) {
  const turn = ++latest;
  await showPhotoView();
  try {
    const { preview } = await read(classifier, result.file);
    if (turn !== latest) return preview.close();
    showPhoto(preview, result.name);
    showResult(result);
  } catch (error) {
    if (turn === latest) showError(error, `Reading “${result.name}”`, stepsAfter(error, null));
  }
}

/**
 * @param {unknown} error
 * @param {File | null} file
 * @returns {Step[]}
 */
function stepsAfter(error, file) {
  const steps = [picking('photo-file', 'Try another photo')];
  if (file && error instanceof ImageError && /neither a picture/.test(error.message)) steps.push({ label: 'Open it as a model', act: () => openAsModel(file) });
  return steps;
}
