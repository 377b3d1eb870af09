// @ts-check
/** @file The compiler's thread: starts Pyodide with our package, and compiles models. Weights never become Python objects. */

import { serve } from './channel.js';
import { download } from './download.js';
import { fromWire, InternalError } from './errors.js';
import { unknownMessage } from './protocol.js';
import { packageArchive, pythonFiles } from './python-files.js';
import { startFromImage } from './python-image.js';
import { addPackage, startPython } from './python-start.js';

/** @typedef {import('./protocol.js').BootRequest} BootRequest */
/** @typedef {import('./protocol.js').CompileRequest} CompileRequest */
/** @typedef {import('./protocol.js').CompilerRequest} CompilerRequest */
/** @typedef {import('./protocol.js').ExplainRequest} ExplainRequest */
/** @typedef {import('./protocol.js').InspectRequest} InspectRequest */
/** @typedef {import('./protocol.js').WireError} WireError */
/** @typedef {import('./channel.js').Answer} Answer */
/** @typedef {import('./python-start.js').Pyodide} Pyodide */

/**
 * `wasmkiln.host.pyodide`, whose functions return plain objects.
 * @typedef {object} Bridge
 * @property {(model: Uint8Array) => {info: string, error?: WireError}} inspect_buffer
 * @property {(model: Uint8Array, options: string, external: [path: string, data: Uint8Array][]) =>
 *   {meta: string, code: Uint8Array<ArrayBuffer>, data: Uint8Array<ArrayBuffer>, files: string, about: string,
 *   error?: WireError}} compile_buffer
 * @property {(model: Uint8Array, options: string) => {explanation: string, error?: WireError}} explain_buffer
 */

/** @type {Bridge | null} */
let bridge = null;

serve((/** @type {CompilerRequest} */ request, progress) => {
  switch (request.type) {
    case 'boot':
      return boot(request, progress);
    case 'inspect':
      return inspect(request);
    case 'compile':
      return compile(request, progress);
    case 'explain':
      return explain(request);
    default:
      return unknownMessage(request);
  }
});

/**
 * Goes on from an image of Python's memory; where that can't be, starts Python.
 * @param {BootRequest} request
 * @param {(step: string) => void} progress
 * @returns {Promise<Answer>}
 */
async function boot({ pyodide: indexURL, archive }, progress) {
  const clock = new Clock();
  progress('Starting Python');
  const files = await pythonFiles(indexURL);
  const modules = archive ?? packageArchive();
  const pyodide = await (files.image ? startFromImage(files, modules).catch(() => start(files, modules)) : start(files, modules));
  clock.lap('python');
  progress('Loading the compiler');
  bridge = importBridge(pyodide);
  const version = pyodide.runPython('import wasmkiln; wasmkiln.__version__');
  clock.lap('compiler');
  return { result: { type: 'booted', version, python: pyodide.version, steps: clock.seconds } };
}

/**
 * Starts Python while our package is fetched, a zip file from which modules are imported as it is.
 * @param {import('./python-files.js').PythonFiles} files
 * @param {string} archive
 */
async function start(files, archive) {
  const [pyodide, modules] = await Promise.all([startPython(files), download(archive)]);
  addPackage(pyodide, new Uint8Array(modules));
  return pyodide;
}

/**
 * @param {Pyodide} pyodide
 * @returns {Bridge}
 */
function importBridge(pyodide) {
  try {
    return pyodide.pyimport('wasmkiln.host.pyodide');
  } catch (error) {
    const lines = String(error).trim().split('\n'); // a whole traceback
    throw new InternalError(`the compiler could not be imported: ${lines.at(-1)}`);
  }
}

/**
 * @param {InspectRequest} request
 * @returns {Answer}
 */
function inspect({ model }) {
  const { info } = checked(running().inspect_buffer(new Uint8Array(model)));
  return { result: { type: 'inspected', model, info: JSON.parse(info) }, transfer: [model] };
}

/**
 * @param {CompileRequest} request
 * @param {(step: string) => void} progress
 * @returns {Answer}
 */
function compile({ model, external, options }, progress) {
  progress('Compiling');
  const others = external.map((file) => /** @type {[string, Uint8Array]} */ ([file.path, new Uint8Array(file.data)]));
  const { meta, code, data, files: paths, about } = checked(running().compile_buffer(new Uint8Array(model), JSON.stringify(options), others));
  const artifact = { meta: JSON.parse(meta), code, data };
  const used = JSON.parse(paths).map((/** @type {string} */ path) => external.find((file) => file.path === path)?.data);
  const files = [model, ...used];
  return { result: { type: 'compiled', files, artifact, ...JSON.parse(about) }, transfer: [...new Set([...files, code.buffer, data.buffer])] };
}

/**
 * @param {ExplainRequest} request
 * @returns {Answer}
 */
function explain({ model, options }) {
  const { explanation } = checked(running().explain_buffer(new Uint8Array(model), JSON.stringify(options)));
  return { result: { type: 'explained', explanation: JSON.parse(explanation) } };
}

function running() {
  if (!bridge) throw new InternalError('the compiler has not started');
  return bridge;
}

/**
 * Python's answer, or the error that it tells of.
 * @template {{error?: WireError}} T
 * @param {T} answer
 * @returns {T}
 */
function checked(answer) {
  if (answer.error) throw fromWire(answer.error);
  return answer;
}

/** Takes the seconds of each step. */
class Clock {
  /** @type {Record<string, number>} */
  seconds = {};
  #last = performance.now();

  /** @param {string} step */
  lap(step) {
    const now = performance.now();
    this.seconds[step] = (now - this.#last) / 1000;
    this.#last = now;
  }
}
