// @ts-check
/** @file The sample photos as buttons. They are fetched at start, so that choosing one sends no request. */

import { download } from '../../download.js';
import { SAMPLES } from '../samples.js';
import { element, make } from './dom.js';

/**
 * Shows the samples; resolves when all are there. One that can't be fetched is left out.
 * @param {(photo: File) => void} onPick
 */
export async function loadSamples(onPick) {
  const list = element('samples', HTMLUListElement);
  const items = await Promise.all(SAMPLES.map((sample) => makeItem(sample, onPick)));
  list.replaceChildren(...items.filter((item) => item !== null));
}

/**
 * @param {import('../samples.js').Sample} sample
 * @param {(photo: File) => void} onPick
 */
async function makeItem({ file, title, credit }, onPick) {
  try {
    const photo = new File([await download(new URL(`samples/${file}`, document.baseURI))], file, { type: 'image/jpeg' });
    const image = make('img', { src: URL.createObjectURL(photo), alt: title, width: 64, height: 64 });
    const button = make('button', { type: 'button', title: credit }, image);
    button.dataset.sample = file;
    button.addEventListener('click', () => onPick(photo));
    return make('li', {}, button);
  } catch (error) {
    console.warn(`sample ${file} is left out:`, error);
    return null;
  }
}

/** The samples' credits in one sentence. */
export function sampleCredits() {
  return `Sample photos: ${SAMPLES.map((sample) => sample.credit).join('; ')}.`;
}
