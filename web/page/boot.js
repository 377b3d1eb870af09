// @ts-check
/** @file What goes before all else of the page, for it takes the longest: isolation, where it takes a reload, and Python. */

import { openEarly } from '../cached.js';
import { boot, letGoAfter } from '../compiler.js';
import { prepare } from '../handles.js';
import { offerClearing } from './clearing.js';
import { isolate } from './isolate.js';
import { keepOffline } from './offline.js';
import { showOffline, showOfflinePlaces } from './view/offline.js';

const IDLE_MS = 60_000; // Python is let go after so long without work

const root = document.documentElement;

const reloading = isolate();
if (reloading) reloading.then(start);
else start();

function start() {
  if (!openEarly()) startPython();
  prepare(1); // workers for the model
  when(() => root.dataset.state === 'ready', () => performance.mark('wasmkiln:ready'));
  when(() => root.dataset.complete !== undefined, () => {
    showOfflinePlaces();
    offerClearing();
    keepOffline((event) => {
      showOffline(event);
      // It can come back without a network then.
      if (event.state === 'kept') letGoAfter(IDLE_MS);
    });
  });
}

function startPython() {
  const begin = performance.now();
  boot().then(
    () => performance.measure('wasmkiln:boot', { start: begin, end: performance.now() }),
    () => {}, // loading a model meets the same error, and shows it
  );
}

/**
 * Calls back once the page's state is as wished.
 * @param {() => boolean} isSo
 * @param {() => void} callback
 */
function when(isSo, callback) {
  const look = () => {
    if (!isSo()) return;
    observer.disconnect();
    callback();
  };
  const observer = new MutationObserver(look);
  observer.observe(root, { attributeFilter: ['data-state', 'data-complete'] });
  look();
}
