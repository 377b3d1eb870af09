// @ts-check
/** @file How a photo is prepared for a model: a guess, and a form to correct it. */

import { parseLabels } from '../tensors/labels.js';
import { SCALES, withScale } from '../tensors/guess.js';
import { make } from './dom.js';

/** @typedef {import('../tensors/guess.js').Recipe} Recipe */

/** @typedef {(photo: Blob, recipe: Recipe, labels: string[] | null) => void} OnPhoto */

const CROPS = /** @type {const} */ ([['centre', 'The middle square'], ['none', 'All of it, squeezed to fit']]);
const COLOURS = /** @type {const} */ ([['RGB', 'Red, green, blue'], ['BGR', 'Blue, green, red']]);

/**
 * A form with a recipe. Any change runs the model on the photo again.
 * @param {Recipe} guess
 * @param {{labels: string[] | null, classes: number}} known
 * @param {OnPhoto} onPhoto
 */
export function photoForm(guess, known, onPhoto) {
  let [recipe, labels] = [guess, known.labels];
  /** @type {Blob | null} */
  let photo = null;
  const shown = make('canvas', { hidden: true, className: 'given-photo' });
  shown.setAttribute('role', 'img');
  const again = () => photo && onPhoto(photo, recipe, labels);
  const change = (/** @type {Partial<Recipe>} */ changes, /** @type {Partial<Recipe['preprocess']>} */ prepared = {}) => {
    recipe = withScale({ ...recipe, ...changes, preprocess: { ...recipe.preprocess, ...prepared } });
    again();
  };
  const take = (/** @type {Blob} */ file, /** @type {string} */ name) => {
    photo = file;
    void preview(shown, file, name);
    again();
  };
  const names = known.classes > 1 ? [labelFields(labels, known.classes, (given) => { labels = given; again(); })] : [];
  const element = make(
    'div',
    { className: 'photo-form' },
    make('p', {}, sentence(guess)),
    make('div', { className: 'row' }, picker(take), shown),
    make('div', { className: 'fields' }, ...fields(guess, change)),
    ...names,
  );
  return { element, take };
}

/** @param {Recipe} recipe */
function sentence({ input, preprocess }) {
  const { width, height, colour, layout } = preprocess;
  const kind = colour === 'grey' ? 'grey' : 'colour';
  const order = colour === 'grey' ? '' : layout === 'NCHW' ? ', one colour after the other' : ', the colours of each pixel together';
  return (
    `The input “${input.name}” looks like a ${kind} picture of ${width} × ${height} pixels${order}. ` +
    'How its numbers are scaled, the file does not say: what is chosen below is a guess. If the answers are odd, try another scale.'
  );
}

/** @param {(file: File, name: string) => void} take */
function picker(take) {
  const input = make('input', { type: 'file', accept: 'image/*', id: 'model-photo' });
  input.addEventListener('change', () => {
    const file = input.files?.[0];
    input.value = '';
    if (file) take(file, file.name);
  });
  return make('label', { className: 'button primary' }, input, 'Choose a photo for it');
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Blob} file
 * @param {string} name
 */
async function preview(canvas, file, name) {
  const bitmap = await createImageBitmap(file, { resizeHeight: 192, resizeQuality: 'high' }).catch(() => null); // running tells what is wrong
  canvas.hidden = !bitmap;
  if (!bitmap) return;
  [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
  canvas.getContext('bitmaprenderer')?.transferFromImageBitmap(bitmap);
  canvas.setAttribute('aria-label', `The photo given to the model: ${name}`);
}

/**
 * @param {Recipe} recipe
 * @param {(changes: Partial<Recipe>, prepared?: Partial<Recipe['preprocess']>) => void} change
 */
function fields({ preprocess, scale, inverted }, change) {
  const made = [
    select('Numbers', 'scale', SCALES.map(({ key, name }) => [key, name]), scale, (value) => change({ scale: value })),
    select('Part of the photo', 'crop', CROPS, preprocess.crop, (value) => change({}, { crop: /** @type {'centre' | 'none'} */ (value) })),
  ];
  if (preprocess.colour === 'grey') {
    const box = make('input', { type: 'checkbox', name: 'inverted', checked: inverted });
    box.addEventListener('change', () => change({ inverted: box.checked }));
    made.push(make('label', { className: 'choice' }, box, 'Swap dark and light'));
  } else {
    const order = preprocess.colour ?? 'RGB';
    made.push(select('Colours', 'colour', COLOURS, order, (value) => change({}, { colour: /** @type {'RGB' | 'BGR'} */ (value) })));
  }
  return made;
}

/**
 * @param {string} label
 * @param {string} name
 * @param {readonly (readonly [string, string])[]} options
 * @param {string} value
 * @param {(value: string) => void} onChange
 */
function select(label, name, options, value, onChange) {
  const made = make('select', { name }, ...options.map(([key, text]) => make('option', { value: key, selected: key === value }, text)));
  made.addEventListener('change', () => onChange(made.value));
  return make('label', { className: 'field' }, make('span', {}, label), made);
}

/**
 * The names of classes: pasted, or from a file.
 * @param {string[] | null} labels
 * @param {number} classes
 * @param {(labels: string[] | null) => void} onLabels
 */
function labelFields(labels, classes, onLabels) {
  const count = make('p', { className: 'note' });
  count.setAttribute('role', 'status');
  const tell = (/** @type {string[] | null} */ given) => {
    const number = given?.length ?? 0;
    if (!number) count.textContent = `The model has ${classes} classes without names: give them one a line, or as JSON.`;
    else count.textContent = `${number} names for ${classes} classes${number === classes ? '.' : ': they may not belong to this model.'}`;
  };
  const text = make('textarea', { name: 'labels', rows: 4, spellcheck: false, value: labels?.join('\n') ?? '' });
  const set = (/** @type {string} */ content) => {
    const given = content.trim() ? parseLabels(content) : null;
    tell(given);
    onLabels(given);
  };
  text.addEventListener('change', () => set(text.value));
  const file = make('input', { type: 'file', accept: '.txt,.json,.csv,text/plain,application/json', id: 'labels-file' });
  file.addEventListener('change', async () => {
    const content = await file.files?.[0]?.text().catch(() => '');
    file.value = '';
    text.value = content ? parseLabels(content).join('\n') : '';
    set(text.value);
  });
  tell(labels);
  return make(
    'details',
    { className: 'labels' },
    make('summary', {}, labels ? `Names of the classes (${labels.length})` : 'Names of the classes'),
    make('label', { className: 'field' }, make('span', {}, 'One name a line'), text),
    make('div', { className: 'row' }, make('label', { className: 'button' }, file, 'Open a file of names')),
    count,
  );
}
