// @ts-check
/** @file What goes before all else of the page, for it takes the longest: isolation, where it takes a reload, and Python. */

import { boot } from '../compiler.js';
import { isolate } from './isolate.js';
import { keepOffline } from './offline.js';
import { showOffline, showOfflinePlaces } from './view/offline.js';

const root = document.documentElement;

const reloading = isolate();
if (reloading) reloading.then(start);
else start();

function start() {
  startPython();
  whenReady(() => {
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
 * Calls back once the page has loaded its model, and has nothing better to do.
 * @param {() => void} callback
 */
function whenReady(callback) {
  const look = () => {
    if (root.dataset.state !== 'ready') return;
    observer.disconnect();
    performance.mark('wasmkiln:ready');
    // Safari has no requestIdleCallback.
    (globalThis.requestIdleCallback ?? setTimeout)(callback);
  };
  const observer = new MutationObserver(look);
  observer.observe(root, { attributeFilter: ['data-state'] });
  look();
}
