// @ts-check
/** @file The compiler's thread: starts Pyodide with our package, and compiles models. Weights never become Python objects. */

import { serve } from './channel.js';
import { DownloadError, fromWire, InternalError } from './errors.js';
import { unknownMessage } from './protocol.js';

/** @typedef {import('./protocol.js').BootRequest} BootRequest */
/** @typedef {import('./protocol.js').CompileRequest} CompileRequest */
/** @typedef {import('./protocol.js').CompilerRequest} CompilerRequest */
/** @typedef {import('./protocol.js').InspectRequest} InspectRequest */
/** @typedef {import('./protocol.js').WireError} WireError */
/** @typedef {import('./channel.js').Answer} Answer */

/**
 * What we use of Pyodide.
 * @typedef {object} Pyodide
 * @property {string} version
 * @property {{writeFile: (path: string, data: Uint8Array) => void}} FS
 * @property {(code: string) => any} runPython
 * @property {(name: string) => any} pyimport
 */

/**
 * `wasmkiln.host.pyodide`, whose functions return plain objects.
 * @typedef {object} Bridge
 * @property {(model: Uint8Array) => {info: string, error?: WireError}} inspect_buffer
 * @property {(model: Uint8Array, options: string) =>
 *   {meta: string, code: Uint8Array, data: Uint8Array, report: string, timings: string, error?: WireError}} compile_buffer
 */

const PACKAGE = '/lib/wasmkiln.zip';
// Python's zipimporter loads or compiles a module to learn its file's name, and again to run it. Ours tells the name at once.
const IMPORT_FROM_PACKAGE = `
import sys
from zipimport import zipimporter

class PackageImporter(zipimporter):
    def __init__(self, path):
        if not path.startswith('${PACKAGE}'):
            raise ImportError
        super().__init__(path)

    def get_filename(self, name):
        path = f"{self.archive}/{self.prefix}{name.rpartition('.')[2]}"
        return path + ('/__init__.py' if self.is_package(name) else '.py')

sys.path_hooks.insert(0, PackageImporter)
sys.path.insert(0, '${PACKAGE}')
`;

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
    default:
      return unknownMessage(request);
  }
});

/**
 * Starts Python while our package is fetched, a zip file from which modules are imported as it is.
 * @param {BootRequest} request
 * @param {(step: string) => void} progress
 * @returns {Promise<Answer>}
 */
async function boot({ pyodide: indexURL, archive }, progress) {
  const clock = new Clock();
  progress('Starting Python');
  const [pyodide, modules] = await Promise.all([startPython(indexURL), fetchBytes(archive)]);
  clock.lap('python');
  progress('Loading the compiler');
  pyodide.FS.writeFile(PACKAGE, modules);
  pyodide.runPython(IMPORT_FROM_PACKAGE);
  bridge = importBridge(pyodide);
  const version = pyodide.runPython('import wasmkiln; wasmkiln.__version__');
  clock.lap('compiler');
  return { result: { type: 'booted', version, python: pyodide.version, steps: clock.seconds } };
}

/**
 * @param {string} indexURL
 * @returns {Promise<Pyodide>}
 */
async function startPython(indexURL) {
  let module;
  try {
    module = await import(`${indexURL}pyodide.mjs`);
  } catch (error) {
    throw new DownloadError(`Pyodide could not be loaded from ${indexURL} (${error})`);
  }
  return module.loadPyodide({ indexURL });
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

/** @param {string} url */
async function fetchBytes(url) {
  const response = await fetch(url).catch((error) => {
    throw new DownloadError(`${url} could not be fetched (${error})`);
  });
  if (!response.ok) throw new DownloadError(`${url} could not be fetched: the server answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
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
function compile({ model, options }, progress) {
  progress('Compiling');
  const { meta, code, data, report, timings } = checked(running().compile_buffer(new Uint8Array(model), JSON.stringify(options)));
  const artifact = { meta: JSON.parse(meta), code, data };
  return {
    result: { type: 'compiled', model, artifact, report: JSON.parse(report), timings: JSON.parse(timings) },
    transfer: [model, ...new Set([code.buffer, data.buffer])],
  };
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
