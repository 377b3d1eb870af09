// @ts-check
/** @file The default model, as the page loads it. */

import { pipeline } from '../pipeline.js';

/** @typedef {import('../pipeline.js').ImageClassificationPipeline} Classifier */

/**
 * @typedef {object} LoadWatch
 * @property {(received: number, total: number) => void} onDownload
 * @property {(ms: number) => void} onDownloaded
 * @property {(step: string) => void} onStep
 * @property {AbortSignal} signal
 */

/**
 * Downloads the model that the manifest gives as default, and compiles it.
 * @param {LoadWatch} watch
 * @returns {Promise<Classifier>}
 */
export function createClassifier({ onDownload, onDownloaded, onStep, signal }) {
  const start = performance.now();
  return pipeline('image-classification', null, {
    signal,
    progress(event) {
      if (event.status === 'progress') onDownload(event.loaded, event.total ?? event.loaded);
      if (event.status === 'done') onDownloaded(performance.now() - start);
      if (event.status === 'compile') onStep(event.step);
    },
  });
}
