// @ts-check
/** @file The page for scripts: runs what stands in the editor in a worker with Python, and shows what it prints. */

import { Channel } from '../channel.js';
import { download } from '../download.js';
import { DownloadError, ScriptError } from '../errors.js';
import { element } from './view/dom.js';
import { formatBytes, formatTime } from './view/format.js';
import { announce, onCancel, showError, showProgress, whileAtWork } from './view/page.js';

const MODEL = 'model.onnx';
const DEFAULT_MODEL = new URL('../models/efficientnet-lite0.onnx', import.meta.url);
const MAX_OUTPUT = 200_000; // characters kept of what a script prints

const script = element('script', HTMLTextAreaElement);
const runButton = element('run', HTMLButtonElement);
const output = element('output', HTMLPreElement);
const modelName = element('model-name', HTMLElement);
const modelFile = element('model-file', HTMLInputElement);

/**
 * A Python that has started or is starting, and what it has been given so far.
 * @typedef {{channel: Channel, started: Promise<unknown>, model: File | 'default' | null, numpy: boolean}} Python
 */

/** @type {Python | null} */
let python = null;
/** @type {File | null} the model that the person chose */
let chosen = null;
/** Lines that were printed since the output was last brought up to date. */
let lines = /** @type {string[]} */ ([]);

element('index-url', HTMLElement).textContent = new URL('../simple', import.meta.url).href;
runButton.addEventListener('click', run);
script.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  if (!runButton.disabled) run();
});
modelFile.addEventListener('change', () => {
  const file = modelFile.files?.[0];
  modelFile.value = ''; // so that the same file may be chosen again
  if (!file) return;
  chosen = file;
  modelName.textContent = `${file.name}, ${formatBytes(file.size)}`;
});
onCancel(() => end(new DOMException('stopped', 'AbortError')));
during('Starting Python', async () => void (await begin().started));

async function run() {
  const code = script.value;
  output.textContent = '';
  lines = [];
  await during('The script', async () => {
    const current = begin();
    await current.started;
    if (code.includes(MODEL)) await giveModel(current);
    await giveNumpy(current, code);
    showProgress('Running');
    const { error, ms } = await current.channel.request({ type: 'script', code }, { onProgress: ({ step }) => print(step) });
    if (error) throw new ScriptError(error);
    announce(`The script ended after ${formatTime(ms)}.`);
  });
}

/**
 * Does something for which Python is needed, and says how it ends.
 * @param {string} what as the start of a sentence
 * @param {() => Promise<void>} work
 */
async function during(what, work) {
  runButton.disabled = true;
  await whileAtWork('loading', async () => {
    try {
      await work();
      showLines();
    } catch (error) {
      if (!(error instanceof ScriptError || error instanceof DownloadError)) end(error);
      showLines();
      showError(error, what);
    }
    runButton.disabled = false;
  });
}

/** The Python that is there, or a new one. */
function begin() {
  if (python) return python;
  const channel = new Channel('python.worker.js', startWorker);
  const started = channel.request(
    {
      type: 'start',
      pyodide: new URL('../pyodide/', import.meta.url).href,
      archive: new URL('../wheel/wasmkiln.zip', import.meta.url).href,
    },
    { onProgress: ({ step }) => showProgress(step) },
  );
  python = { channel, started, model: null, numpy: false };
  return python;
}

/**
 * Ends Python, in whatever state it is; the next script gets a new one.
 * @param {unknown} reason
 */
function end(reason) {
  python?.channel.terminate(reason instanceof Error ? reason : new Error(String(reason)));
  python = null;
}

/** @param {Python} current */
async function giveModel(current) {
  const wanted = chosen ?? 'default';
  if (current.model === wanted) return;
  showProgress('Loading the model');
  const onProgress = (/** @type {number} */ received, /** @type {number | undefined} */ total) =>
    showProgress(`Loading the model: ${formatBytes(received)}`, total && received / total);
  const data = chosen ? await chosen.arrayBuffer() : await download(DEFAULT_MODEL, { onProgress });
  await current.channel.request({ type: 'store', name: MODEL, data }, { transfer: [data] });
  current.model = wanted;
}

/**
 * Loads NumPy for a script that uses it, or that may by way of onnxruntime, which can do without.
 * @param {Python} current
 * @param {string} code
 */
async function giveNumpy(current, code) {
  const named = /\bnumpy\b/.test(code);
  if (current.numpy || !(named || /\b(onnxruntime|wasmkiln)\b/.test(code))) return;
  showProgress('Loading NumPy');
  try {
    await current.channel.request({ type: 'add', name: 'numpy' });
    current.numpy = true;
  } catch (error) {
    if (named || !(error instanceof DownloadError)) throw error;
    print(error.message);
  }
}

/**
 * Shows a line with the next frame: a script may print thousands in between.
 * @param {string} line
 */
function print(line) {
  if (lines.push(`${line}\n`) === 1) requestAnimationFrame(showLines);
}

function showLines() {
  if (!lines.length) return;
  const text = (output.textContent ?? '') + lines.join('');
  lines = [];
  output.textContent = text.length > MAX_OUTPUT ? `…${text.slice(-MAX_OUTPUT / 2)}` : text;
  output.scrollTop = output.scrollHeight;
}

function startWorker() {
  return new Worker(new URL('./python.worker.js', import.meta.url), { type: 'module', name: 'python.worker.js' });
}
