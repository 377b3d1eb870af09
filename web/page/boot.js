// @ts-check
/** @file What goes before all else of the page, for it takes the longest: isolation, where it takes a reload, and Python. */

import { openEarly } from '../cached.js';
import { boot } from '../compiler.js';
import { isolate } from './isolate.js';
import { keepOffline } from './offline.js';
import { showOffline, showOfflinePlaces } from './view/offline.js';

const root = document.documentElement;

const reloading = isolate();
if (reloading) reloading.then(start);
else start();

function start() {
  if (!openEarly()) startPython();
  when(() => root.dataset.state === 'ready', () => performance.mark('wasmkiln:ready'));
  when(() => root.dataset.complete !== undefined, () => {
    showOfflinePlaces();
    keepOffline(showOffline);
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
