// @ts-check
/**
 * @file Settings for all sessions, by onnxruntime-web's names where it has them. Nothing is fetched by importing this.
 *
 * @example
 * env.wasm.numThreads = 2;
 * env.pyodide.indexURL = 'https://example.org/pyodide/';
 */

const here = import.meta.url; // by this name, because bundlers would look for the folder below

/** The version of the package; `wasmkiln.__version__` is the same. */
const VERSION = '0.1.0';

/**
 * @typedef {object} WasmSettings
 * @property {number | undefined} numThreads threads of sessions that don't ask for any; 0 or absent: as many as the machine has use for
 * @property {boolean | 'fixed' | 'relaxed'} simd 'fixed' is our 'baseline', which does without fused multiply-add; else the best there is
 * @property {boolean | undefined} proxy changes nothing: models always run in workers
 * @property {unknown} wasmPaths changes nothing: no WebAssembly is fetched, it is compiled for each model
 * @property {unknown} wasmBinary changes nothing
 * @property {number | undefined} initTimeout changes nothing: give an AbortSignal to `create`
 * @property {boolean | undefined} trace changes nothing
 */

/**
 * @typedef {object} PyodideSettings
 * @property {string | URL | undefined} indexURL the folder of Pyodide's files, which compiles models. If absent: the folder `pyodide`
 *   beside our modules; for Node and bundlers the npm package `pyodide`, where it is installed
 */

/**
 * @typedef {object} Env
 * @property {WasmSettings} wasm
 * @property {PyodideSettings} pyodide
 * @property {string | URL | undefined} package the zip file of our Python package; by default the one that comes with our modules
 * @property {string | URL | null} models the folder of the models' manifest.json, for pipelines without a model or with a model's name
 * @property {Record<string, unknown>} webgl changes nothing
 * @property {Record<string, unknown>} webgpu changes nothing
 * @property {'verbose' | 'info' | 'warning' | 'error' | 'fatal'} logLevel changes nothing: errors are thrown, and nothing is logged
 * @property {boolean} debug changes nothing
 * @property {boolean} trace changes nothing
 * @property {{readonly common: string, readonly web: string}} versions
 */

/**
 * Read when something is needed first, so set them before that. A misspelt setting throws a TypeError.
 * @type {Env}
 */
export const env = Object.seal({
  wasm: Object.seal({
    numThreads: undefined,
    simd: true,
    proxy: undefined,
    wasmPaths: undefined,
    wasmBinary: undefined,
    initTimeout: undefined,
    trace: undefined,
  }),
  pyodide: Object.seal({ indexURL: undefined }),
  package: undefined,
  models: new URL('models/', here),
  webgl: {},
  webgpu: {},
  logLevel: 'warning',
  debug: false,
  trace: false,
  versions: Object.freeze({ common: VERSION, web: VERSION }),
});
