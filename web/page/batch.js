// @ts-check
/** @file Several photos at once: worked through one after another, each in its place among those of this visit. */

import { ImageError } from '../errors.js';
import * as lazy from './lazy.js';
import { classify, dropPhotos, isLatest, read, showAgain, showResult } from './photos.js';
import { announce, showError } from './view/page.js';
import { showPhoto } from './view/prediction.js';
import { picking } from './view/problem.js';

/** @typedef {import('./own-model.js').OwnModel} OwnModel */
/** @typedef {import('../pipeline.js').Picture & {preview: ImageBitmap}} Picture */

const MAX_PHOTOS = 200; // in one go

/**
 * Works through several photos. The next is read while one is classified; of the first that can be read the classes are shown.
 * @param {OwnModel} classifier
 * @param {File[]} given
 * @param {number} turn of asking, that ends it when another begins
 */
export async function classifyAll(classifier, given, turn) {
  const files = given.slice(0, MAX_PHOTOS);
  const { beginBatch, makePlaces } = await lazy.gallery();
  const cards = makePlaces(files.map((file) => file.name));
  const batch = beginBatch(files.length, dropPhotos);
  const readAhead = (/** @type {number} */ i) => (i < files.length ? read(classifier, files[i]).catch(asError) : null);
  let [failed, done, shown] = [0, 0, false];
  let next = readAhead(0);
  for (; done < files.length && isLatest(turn); done++) {
    const picture = await /** @type {Promise<Picture | Error>} */ (next);
    next = readAhead(done + 1);
    if (picture instanceof Error) {
      cards[done].fail(picture.message);
      failed++;
    } else {
      const result = await classifyCard(classifier, files[done], picture, cards[done], !shown && isLatest(turn));
      if (!shown && isLatest(turn)) showResult(result, picture.ms);
      shown = true;
    }
    batch.step(done + 1);
  }
  for (const card of cards.slice(done)) card.remove();
  void next?.then((picture) => picture instanceof Error || picture.preview.close());
  batch.end();
  const left = given.length > files.length ? ` At most ${MAX_PHOTOS} are taken at once, so ${given.length - files.length} were left out.` : '';
  announce(`${done} of ${files.length} photos are done${failed ? `, ${failed} could not be read` : ''}.${left}`);
  if (!isLatest(turn)) return;
  if (failed || left) showError(new ImageError(`${failed} of them could not be read.${left}`), `Reading ${given.length} photos`, [picking('photo-file', 'Choose other photos')]);
}

/**
 * @param {OwnModel} classifier
 * @param {File} file
 * @param {Picture} picture its preview is closed by this
 * @param {import('./view/gallery.js').Card} card
 * @param {boolean} isShown large, too
 */
async function classifyCard(classifier, file, picture, card, isShown) {
  card.draw(picture.preview);
  if (isShown) {
    card.mark();
    showPhoto(picture.preview, file.name);
  } else picture.preview.close();
  const result = await classify(classifier, file, picture);
  card.fill(result, () => showAgain(result));
  return result;
}

/** @param {unknown} error */
function asError(error) {
  return error instanceof Error ? error : new Error(String(error));
}
