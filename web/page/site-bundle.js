// @ts-check
/** @file A bundle of this site as the page's address asks for it: compiled before, so that it takes neither Python nor the ONNX file. */

import { InvalidModelError } from '../errors.js';
import { describe, open as openCompiled } from '../handles.js';
import { InferenceSession } from '../session.js';
import { present } from './opened-model.js';
import { formatBytes, formatTime } from './view/format.js';
import { showProgress } from './view/page.js';
import { picking } from './view/problem.js';
import { whileLoading } from './work.js';

/**
 * Opens it.
 * @param {URL} url of its manifest.json
 */
export async function openBundle(url) {
  const folder = new URL('.', url);
  const name = folder.pathname.split('/').at(-2) || folder.host;
  await whileLoading(
    `Opening “${name}”`,
    async (signal) => {
      const begin = performance.now();
      const handle = await openCompiled(folder, { withReport: true }, { signal, onStep: showProgress });
      const { accepts, report, weightBytes, codeBytes } = describe(handle);
      const session = new InferenceSession(handle);
      const info = { inputs: accepts, outputs: session.outputNames, nodes: report.length, metadata: {} };
      const bytes = weightBytes + codeBytes;
      const read = () => Promise.reject(new InvalidModelError('it was opened as a bundle, which leaves out what the compiler knew'));
      await present({ name, file: null, dims: {}, session }, { bytes, info, onDims() {}, read }, [formatTime(performance.now() - begin), formatBytes(bytes)]);
    },
    () => [{ label: 'Try again', act: () => void openBundle(url) }, picking('model-file', 'Open a model from your disk')],
  );
}
