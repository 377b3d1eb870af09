/** @file The page of an app: the same work here, and in a worker of its own. */

import * as work from './work.js';

const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });

/** Asks the app's worker. */
const inWorker = (name, ...given) =>
  new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage({ name, given });
  });

window.app = { ...work, inWorker };
