// @ts-check
/** @file Python for a visitor's own scripts, with our package also under onnxruntime's name, and NumPy if it can be had. */

import { serve } from '../channel.js';
import { DownloadError, InternalError } from '../errors.js';
import { unknownMessage } from '../protocol.js';
import { pythonFiles } from '../python-files.js';
import { addPackage, fetchBytes, startPython } from '../python-start.js';

/** @typedef {import('../protocol.js').AddRequest} AddRequest */
/** @typedef {import('../protocol.js').PythonRequest} PythonRequest */
/** @typedef {import('../protocol.js').ScriptRequest} ScriptRequest */
/** @typedef {import('../protocol.js').StartRequest} StartRequest */
/** @typedef {import('../protocol.js').StoreRequest} StoreRequest */
/** @typedef {import('../channel.js').Answer} Answer */
/** @typedef {import('../python-start.js').Pyodide} Pyodide */

const PREPARE = `
import wasmkiln
wasmkiln.install_as_onnxruntime()
wasmkiln.__version__
`;
// Tells how a script ended: '' or its exception, whose traceback is printed from the script on.
const RUNNER = `
import sys
from pyodide.code import eval_code_async

async def run(code, name='script.py'):
    try:
        await eval_code_async(code, {'__name__': '__main__'}, filename=name)
    except SystemExit:
        pass
    except BaseException as error:
        import traceback
        frames = error.__traceback__
        while frames is not None and frames.tb_frame.f_code.co_filename != name:
            frames = frames.tb_next
        traceback.print_exception(error.with_traceback(frames))
        return f'{type(error).__name__}: {error}'
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return ''

run
`;

/** @type {Pyodide | null} */
let python = null;
/** @type {(code: string) => Promise<string>} */
let runScript;
/** Where Pyodide's packages come from. */
let packages = '';

serve((/** @type {PythonRequest} */ request, progress) => {
  switch (request.type) {
    case 'start':
      return start(request, progress);
    case 'store':
      return store(request);
    case 'add':
      return add(request);
    case 'script':
      return run(request, progress);
    default:
      return unknownMessage(request);
  }
});

/**
 * @param {StartRequest} request
 * @param {(step: string) => void} progress
 * @returns {Promise<Answer>}
 */
async function start({ pyodide: indexURL, archive }, progress) {
  progress('Starting Python');
  const findPackages = async (/** @type {string} */ version) => (packages = await choosePackages(indexURL, version));
  const [started, modules] = await Promise.all([pythonFiles(indexURL).then((files) => startPython(files, findPackages)), fetchBytes(archive)]);
  addPackage(started, modules);
  const version = started.runPython(PREPARE);
  runScript = started.runPython(RUNNER);
  python = started;
  return { result: { type: 'started', version } };
}

/**
 * Our own server, if NumPy is there, else the CDN that has all of this version's packages.
 * @param {string} indexURL
 * @param {string} version of Pyodide
 */
async function choosePackages(indexURL, version) {
  const lock = await fetchBytes(`${indexURL}pyodide-lock.json`);
  const { file_name: numpy } = JSON.parse(new TextDecoder().decode(lock)).packages.numpy;
  const found = await fetch(indexURL + numpy, { method: 'HEAD' }).catch(() => null);
  return found?.ok ? indexURL : `https://cdn.jsdelivr.net/pyodide/v${version}/full/`;
}

/**
 * @param {StoreRequest} request
 * @returns {Answer}
 */
function store({ name, data }) {
  running().FS.writeFile(name, new Uint8Array(data));
  return { result: { type: 'stored' } };
}

/**
 * @param {AddRequest} request
 * @returns {Promise<Answer>}
 */
async function add({ name }) {
  let reason = '';
  await running().loadPackage(name).catch((error) => (reason = ` (${error.message})`));
  if (!(name in running().loadedPackages)) {
    throw new DownloadError(
      `${name} is not on this server, and ${packages} could not be reached${reason}. ` +
        'Without a network, scripts can use only what Python itself has, and wasmkiln.',
    );
  }
  return { result: { type: 'added' } };
}

/**
 * Runs a script in a namespace of its own; a line is told of as soon as it is printed.
 * @param {ScriptRequest} request
 * @param {(line: string) => void} print
 * @returns {Promise<Answer>}
 */
async function run({ code }, print) {
  running().setStdout({ batched: print });
  running().setStderr({ batched: print });
  const begin = performance.now();
  const error = await runScript(code);
  return { result: { type: 'ended', error, ms: performance.now() - begin } };
}

function running() {
  if (!python) throw new InternalError('Python has not started');
  return python;
}
