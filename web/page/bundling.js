// @ts-check
/** @file The button that gives the model in use as a standalone bundle, for those who want it on a page of their own. */

import { download } from '../download.js';
import { openedModel } from './opened-model.js';
import { ownModel } from './own-model.js';
import { element, make } from './view/dom.js';
import { showProgress } from './view/page.js';
import { whileLoading } from './work.js';

/**
 * A model to be bundled: its ONNX file and the sizes that it was compiled for.
 * @typedef {{name: string, bytes: () => Promise<ArrayBuffer>, dims: Record<string, number>}} BundleSource
 */
/**
 * Makes a bundle as one file.
 * @callback MakeBundle
 * @param {BundleSource} source
 * @param {{signal: AbortSignal, onStep: (step: string) => void}} watch
 * @returns {Promise<Blob>}
 */

const button = element('bundle', HTMLButtonElement);

/**
 * Shows the button.
 * @param {MakeBundle} makeBundle
 * @param {string} extension of the file that the browser saves
 */
export function offerBundle(makeBundle, extension) {
  button.hidden = false;
  button.addEventListener('click', () => {
    const source = sourceInUse();
    if (!source) return;
    void whileLoading(
      'Making the bundle',
      async (signal) => saveFile(await makeBundle(source, { signal, onStep: showProgress }), `${source.name}.${extension}`),
      () => [{ label: 'Try again', act: () => button.click() }],
    );
  });
}

/** @returns {BundleSource | null} */
function sourceInUse() {
  const opened = openedModel();
  if (opened) {
    const { file, name, dims } = opened;
    return file && { name: name.replace(/\.onnx$/i, ''), bytes: () => file.arrayBuffer(), dims };
  }
  const own = ownModel();
  return own && { name: String(own.model.name), bytes: () => download(String(own.model.url)), dims: {} };
}

/**
 * @param {Blob} blob
 * @param {string} name
 */
function saveFile(blob, name) {
  const url = URL.createObjectURL(blob);
  make('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser may ask where to save it first
}
