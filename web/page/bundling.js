// @ts-check
/** @file The button that gives the model in use as a standalone bundle, for those who want it on a page of their own. */

import { packBundle } from '../standalone/pack.js';
import { openedModel } from './opened-model.js';
import { ownModel } from './own-model.js';
import { element, make } from './view/dom.js';
import { showProgress } from './view/page.js';
import { whileLoading } from './work.js';

const button = element('bundle', HTMLButtonElement);

/** Shows the button. */
export function offerBundle() {
  button.hidden = false;
  button.addEventListener('click', () => {
    const source = sourceInUse();
    if (!source) return;
    const { name, session } = source;
    void whileLoading(
      'Making the bundle',
      async (signal) => {
        showProgress('Making the bundle');
        const blob = await packBundle(session, { name });
        if (!signal.aborted) saveFile(blob, `${name}.zip`);
      },
      () => [{ label: 'Try again', act: () => button.click() }],
    );
  });
}

function sourceInUse() {
  const opened = openedModel();
  if (opened) return { name: opened.name.replace(/\.onnx$/i, ''), session: opened.session };
  const own = ownModel();
  return own && { name: String(own.model.name), session: own.session };
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
