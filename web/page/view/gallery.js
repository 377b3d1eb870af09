// @ts-check
/** @file The photos of this visit, each with its likeliest class: to be seen again, copied or cleared. A batch shows how far it is. */

import { toJson, toTable } from '../result.js';
import { copies } from './copies.js';
import { element, make } from './dom.js';
import { formatPercent } from './format.js';
import { announce } from './page.js';

/** @typedef {import('../result.js').Result} Result */

/**
 * One photo's place.
 * @typedef {object} Card
 * @property {(picture: ImageBitmap) => void} draw shows the photo, small; the bitmap stays the caller's
 * @property {(result: Result, onPick: () => void) => void} fill shows what was found
 * @property {(reason: string) => void} fail says why the photo could not be read
 * @property {() => void} mark says that this is the photo on show
 * @property {() => void} remove takes the place away
 */

const THUMBNAIL = 192; // pixels; twice what the page shows
const MAX_CARDS = 400; // the oldest go

const section = element('gallery', HTMLElement);
const list = make('ul', { className: 'cards' });
const bar = make('progress', {});
const count = make('span', { id: 'batch-count' });
const cancel = make('button', { type: 'button', id: 'batch-cancel', className: 'small' }, 'Cancel');
const batch = make('div', { id: 'batch', className: 'row', hidden: true }, count, bar, cancel);
const copyTable = make('button', { type: 'button', id: 'copy-all', className: 'small' }, 'Copy all as a table');
const copyJson = make('button', { type: 'button', id: 'copy-all-json', className: 'small' }, 'Copy all as JSON');
const clear = make('button', { type: 'button', id: 'clear-history', className: 'small' }, 'Clear');
const actions = make('div', { className: 'row' }, copyTable, copyJson, clear);

/** @type {Map<HTMLElement, Result>} in the order of the cards, the newest last */
const results = new Map();
/** Counts batches, so that one that was replaced no longer shows how far it is. */
let latestBatch = 0;

bar.setAttribute('aria-labelledby', count.id);
section.append(make('h2', { id: 'gallery-title' }, 'On this visit'), batch, list, actions);
copies(copyTable, () => toTable(chronological()));
copies(copyJson, () => toJson(chronological()));
clear.addEventListener('click', () => {
  clearGallery();
  announce('The photos of this visit are cleared.');
  element('photo-file', HTMLInputElement).focus();
});

function chronological() {
  return [...results.values()];
}

/** Takes all photos away. */
export function clearGallery() {
  results.clear();
  list.replaceChildren();
  section.hidden = true;
}

/**
 * Makes places for photos, in front of the others.
 * @param {string[]} names
 * @returns {Card[]}
 */
export function makePlaces(names) {
  const places = names.map(place);
  list.prepend(...places.map(({ item }) => item));
  while (list.childElementCount > MAX_CARDS) forget(/** @type {HTMLElement} */ (list.lastElementChild));
  section.hidden = false;
  return places.map(({ card }) => card);
}

/** @param {string} name */
function place(name) {
  const canvas = make('canvas', { width: THUMBNAIL, height: THUMBNAIL });
  canvas.setAttribute('aria-hidden', 'true');
  const what = make('span', { className: 'what' }, '…');
  const percent = make('span', { className: 'percent' });
  const button = make('button', { type: 'button', className: 'card', title: name, disabled: true }, canvas, what, ' ', percent);
  const item = make('li', {}, button);
  /** @type {Card} */
  const card = {
    draw: (picture) => draw(canvas, picture),
    fill(result, onPick) {
      const [best] = result.predictions;
      what.textContent = best.label.split(', ')[0];
      percent.textContent = formatPercent(best.score);
      button.setAttribute('aria-label', `${name}: ${what.textContent} ${percent.textContent}. Show it again`);
      button.disabled = false;
      button.addEventListener('click', () => {
        mark(button);
        onPick();
      });
      if (item.isConnected) results.set(item, result);
    },
    fail(reason) {
      what.textContent = 'Not readable';
      button.title = `${name}: ${reason}`;
      item.classList.add('failed');
    },
    mark: () => mark(button),
    remove() {
      forget(item);
      section.hidden = list.childElementCount === 0;
    },
  };
  return { item, card };
}

/** @param {HTMLElement} item */
function forget(item) {
  results.delete(item);
  item.remove();
}

/** @param {HTMLElement | null} shown */
function mark(shown) {
  for (const marked of list.querySelectorAll('[aria-current]')) marked.removeAttribute('aria-current');
  shown?.setAttribute('aria-current', 'true');
}

/** Marks no photo: what is on show is not among them. */
export function unmark() {
  mark(null);
}

/**
 * The middle of a picture as a square.
 * @param {HTMLCanvasElement} canvas
 * @param {ImageBitmap} picture
 */
function draw(canvas, picture) {
  const context = canvas.getContext('2d');
  if (!context) return;
  const side = Math.min(picture.width, picture.height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, (picture.width - side) / 2, (picture.height - side) / 2, side, side, 0, 0, THUMBNAIL, THUMBNAIL);
}

/**
 * Shows how far a batch is, with a way to cancel it.
 * @param {number} total
 * @param {() => void} onCancel
 */
export function beginBatch(total, onCancel) {
  const mine = ++latestBatch;
  const step = (/** @type {number} */ done) => {
    if (mine !== latestBatch) return;
    count.textContent = `${done} of ${total} photos`;
    bar.max = total;
    bar.value = done;
  };
  cancel.onclick = onCancel;
  step(0);
  section.hidden = batch.hidden = false;
  return {
    step,
    end() {
      if (mine === latestBatch) batch.hidden = true;
    },
  };
}
