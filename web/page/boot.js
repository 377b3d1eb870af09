// @ts-check
/** @file Starts Python before anything else of the page is loaded, for it takes the longest. */

import { boot } from '../compiler.js';

const start = performance.now();
boot().then(
  () => performance.measure('wasmkiln:boot', { start, end: performance.now() }),
  () => {}, // loading a model meets the same error, and shows it
);
