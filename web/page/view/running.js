// @ts-check
/** @file Ways to run a model that was opened: on random numbers, on a photo, on inputs of one's own; and what came out. */

import { InvalidInputError } from '../../errors.js';
import { readImage } from '../../image.js';
import { guessRecipe } from '../tensors/guess.js';
import { labelsIn, rememberedLabels } from '../tensors/labels.js';
import { tensorOf } from '../tensors/values.js';
import { randomFeeds, tryOut } from '../trial.js';
import { comparison } from './compare.js';
import { make } from './dom.js';
import { formatTime } from './format.js';
import { classesOf, showOutputs } from './outputs.js';
import { announce, showError, whileAtWork } from './page.js';
import { photoForm } from './photo-form.js';
import { clearInference, showTile } from './readouts.js';
import { loadStyle } from './style.js';
import { tensorForm } from './tensor-form.js';

/** @typedef {import('../../tensor.js').Tensor} Tensor */
/** @typedef {import('../tensors/guess.js').Recipe} Recipe */
/** @typedef {import('./model.js').ModelView} ModelView */

/**
 * @typedef {object} Running
 * @property {HTMLElement} element
 * @property {((photo: Blob, name: string) => void) | null} takePhoto if the model seems to take pictures
 * @property {() => Record<string, Tensor>} feeds what the model was last run on, or random numbers
 */

loadStyle('views.css');
loadStyle('running.css');

/**
 * The ways for a model.
 * @param {ModelView} view
 * @returns {Running}
 */
export function waysToRun(view) {
  const { session, name, info } = view;
  const trial = make('div', { id: 'trial' });
  trial.setAttribute('aria-live', 'polite');
  /** @type {Record<string, Tensor> | null} */
  let last = null;
  const feeds = () => (last ??= randomFeeds(session));
  const run = (/** @type {() => Promise<Record<string, Tensor>> | Record<string, Tensor>} */ given, /** @type {string} */ on, /** @type {Shown} */ shown) =>
    whileAtWork('running', () =>
      whileRunning(trial, async () => {
        last = await given();
        await runAndShow(view, last, trial, on, shown);
      }),
    );
  const tryButton = make('button', { type: 'button', id: 'try', className: 'primary' }, 'Run on random input');
  tryButton.addEventListener('click', () => void run(() => randomFeeds(session), 'on random input', { note: RANDOM }));
  const [inputs, outputs] = [session.inputMetadata, session.outputMetadata].map((all) => all.map(({ name, type, compiled }) => ({ name, type, shape: compiled })));
  const tensors = tensorForm(inputs, (read) => void run(read, 'on your inputs', {}));
  const classes = classesOf(outputs);
  const recipe = guessRecipe(inputs, { name, metadata: info.metadata ?? {}, classes });
  const labels = labelsIn(info.metadata ?? {}) ?? rememberedLabels(classes);
  const photos = recipe && photoForm(recipe, { labels, classes }, (photo, by, names) => void run(() => readPhoto(photo, by), 'on the photo', { labels: names, recipe: by }));
  return {
    element: make(
      'div',
      { className: 'insight' },
      make('div', { className: 'row' }, tryButton),
      ...(photos ? [make('details', { className: 'panel', id: 'photo-panel', open: true }, make('summary', {}, 'Give it a photo'), photos.element)] : []),
      make('details', { className: 'panel', id: 'tensor-panel' }, make('summary', {}, 'Choose the inputs yourself'), tensors),
      trial,
      comparison(view, feeds),
    ),
    takePhoto: photos ? photos.take : null,
    feeds,
  };
}

const RANDOM = 'Floats are drawn from −1 to 1, whole numbers are 0 or 1; the seed is always the same.';

/** What is known of the outputs. @typedef {{labels?: string[] | null, recipe?: Recipe, note?: string}} Shown */

/**
 * @param {ModelView} view
 * @param {Record<string, Tensor>} feeds
 * @param {HTMLElement} trial
 * @param {string} on
 * @param {Shown} shown
 */
async function runAndShow({ session, name }, feeds, trial, on, shown) {
  const { times, outputs } = await tryOut(session, feeds);
  if (!trial.isConnected) return;
  const sorted = times.toSorted((a, b) => a - b);
  const median = sorted[sorted.length >> 1];
  const told = `${times.length} run${times.length === 1 ? '' : 's'}: median ${formatTime(median)}, fastest ${formatTime(sorted[0])}.`;
  trial.replaceChildren(make('p', {}, told), ...showOutputs(outputs, { ...shown, model: name }));
  showTile('inference', formatTime(median), on);
}

/**
 * @param {HTMLElement} trial
 * @param {() => Promise<void>} work
 */
async function whileRunning(trial, work) {
  trial.setAttribute('aria-busy', 'true');
  try {
    await work();
  } catch (error) {
    if (!trial.isConnected) return;
    clearInference();
    announce('');
    showError(error, 'The run');
  } finally {
    trial.setAttribute('aria-busy', 'false');
  }
}

/**
 * A photo as the model's input.
 * @param {Blob} photo
 * @param {Recipe} recipe
 */
async function readPhoto(photo, { input, preprocess }) {
  const { data } = await readImage(photo, preprocess, { preview: false });
  const levels = /int8/.test(input.type) ? data.map((value) => Math.round(value)) : data;
  if (input.type === 'int8' && levels.some((value) => value > 127)) throw new InvalidInputError('int8 holds −128 to 127: choose the values −1 to 1, or another scale');
  return { [input.name]: tensorOf(input.type, input.shape, levels) };
}
