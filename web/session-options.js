// @ts-check
/**
 * @file The options of sessions and runs: ours, and all of onnxruntime-web's, each honoured, without effect, or refused.
 */

import { env } from './env.js';
import { InvalidInputError } from './errors.js';
import { isNode } from './node.js';

/** @typedef {import('./progress.js').ProgressCallback} ProgressCallback */

/**
 * A model or another file: bytes, a Blob, or where it lies; in Node a path, too.
 * @typedef {string | URL | Blob | ArrayBuffer | SharedArrayBuffer | ArrayBufferView} FileSource
 */

/**
 * A file that the model names, for its weights. As text: a URL whose last part is the file's name.
 * @typedef {string | {path: string, data: FileSource}} ExternalFile
 */

/**
 * How a model is loaded. Some are onnxruntime's that change nothing here; `preferredOutputLocation` may only be 'cpu', `executionProviders`
 * has to name 'wasm' or 'cpu', and `optimizedModelFilePath` and `enableGraphCapture` are refused.
 * @typedef {object} SessionOptions
 * @property {number} [threads] by default as many as the page and the machine allow, and one for small models
 * @property {boolean} [worker] keeps even small models off the caller's thread, where runs of up to 4 ms would go
 * @property {'relaxed' | 'baseline'} [simd] by default the best that the browser has
 * @property {Readonly<Record<string, number>>} [dims] sizes for symbolic dimensions, by name; others are 1
 * @property {Readonly<Record<string, readonly number[]>>} [shapes] whole shapes for inputs, by name
 * @property {boolean} [cache] false: the compiled model is neither looked for in this browser nor kept in it
 * @property {AbortSignal} [signal] gives up downloading, compiling and loading
 * @property {ProgressCallback} [progress]
 * @property {readonly ExternalFile[]} [externalData] files that the model keeps weights in
 * @property {readonly (string | {readonly name: string})[]} [executionProviders]
 * @property {Readonly<Record<string, number>>} [freeDimensionOverrides] another name for `dims`
 * @property {boolean} [enableProfiling] as if `startProfiling` was called at once
 * @property {number} [intraOpNumThreads] another name for `threads`; 0 is the default
 * @property {'disabled' | 'basic' | 'extended' | 'layout' | 'all'} [graphOptimizationLevel] without effect: all of it is done always
 * @property {number} [interOpNumThreads] without effect
 * @property {boolean} [enableCpuMemArena] without effect: memory is planned before running
 * @property {boolean} [enableMemPattern] without effect
 * @property {'sequential' | 'parallel'} [executionMode] without effect
 * @property {string} [profileFilePrefix] without effect: `endProfiling` gives the rows
 * @property {string} [logId] without effect: nothing is logged
 * @property {0 | 1 | 2 | 3 | 4} [logSeverityLevel] without effect
 * @property {number} [logVerbosityLevel] without effect
 * @property {'cpu' | Readonly<Record<string, 'cpu'>>} [preferredOutputLocation]
 * @property {Readonly<Record<string, unknown>>} [extra] without effect
 */

/**
 * How a model is run. All but `signal` are onnxruntime's; `terminate: true` is refused.
 * @typedef {object} RunOptions
 * @property {false} [terminate]
 * @property {string} [tag] without effect
 * @property {0 | 1 | 2 | 3 | 4} [logSeverityLevel] without effect
 * @property {number} [logVerbosityLevel] without effect
 * @property {Readonly<Record<string, unknown>>} [extra] without effect
 */

/**
 * What the options come to.
 * @typedef {object} Settings
 * @property {{threads?: number, worker?: boolean, simd?: 'relaxed' | 'baseline', dims: Record<string, number>, shapes: Record<string, number[]>}} compile
 * @property {readonly ExternalFile[]} externalData
 * @property {boolean} cache
 * @property {boolean} profiling
 * @property {AbortSignal | undefined} signal
 * @property {ProgressCallback | undefined} progress
 */

const HONOURED = ['threads', 'worker', 'simd', 'dims', 'shapes', 'cache', 'signal', 'progress', 'externalData', 'executionProviders',
  'freeDimensionOverrides', 'enableProfiling', 'intraOpNumThreads', 'preferredOutputLocation'];
const WITHOUT_EFFECT = ['graphOptimizationLevel', 'interOpNumThreads', 'enableCpuMemArena', 'enableMemPattern', 'executionMode',
  'profileFilePrefix', 'logId', 'logSeverityLevel', 'logVerbosityLevel', 'extra'];
/** @type {Readonly<Record<string, string>>} */
const REFUSED = {
  optimizedModelFilePath: 'the compiled model can be had as a bundle instead',
  enableGraphCapture: 'it is for GPUs',
};
const OF_RUNS = ['tag', 'logSeverityLevel', 'logVerbosityLevel', 'extra', 'terminate'];
const PROVIDERS = ['wasm', 'cpu'];
const MAX_THREADS = 64;

/**
 * Checks a session's options.
 * @param {SessionOptions} options
 * @returns {Settings}
 */
export function readOptions(options) {
  if (options === null || typeof options !== 'object') throw new InvalidInputError('create: options must be an object');
  checkNames(options);
  checkProviders(options.executionProviders);
  checkLocation(options.preferredOutputLocation);
  const { signal, progress, externalData = [], shapes = {} } = options;
  const dims = { ...options.freeDimensionOverrides, ...options.dims };
  for (const size of [...Object.values(dims), ...Object.values(shapes).flat()]) {
    if (!Number.isSafeInteger(size) || size < 0) throw new InvalidInputError(`options dims and shapes take whole numbers, not ${size}`);
  }
  if (!['boolean', 'undefined'].includes(typeof options.worker)) {
    throw new InvalidInputError(`option worker must be true or false, not ${options.worker}`);
  }
  const copies = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, [...shape]]));
  const compile = { threads: threadsOf(options), worker: options.worker, simd: simdOf(options), dims, shapes: copies };
  return { compile, externalData, cache: options.cache ?? true, profiling: options.enableProfiling === true, signal, progress };
}

/**
 * Checks a run's options.
 * @param {RunOptions} options
 */
export function checkRunOptions(options) {
  for (const name of Object.keys(options)) {
    if (!OF_RUNS.includes(name)) throw new InvalidInputError(`run: there is no option '${name}'; known are ${OF_RUNS.join(', ')}`);
  }
  if (options.terminate) throw new InvalidInputError('run: a run can\'t be stopped once it has begun (terminate)');
}

/** @param {SessionOptions} options */
function checkNames(options) {
  for (const [name, value] of Object.entries(options)) {
    if (Object.hasOwn(REFUSED, name) && value) throw new InvalidInputError(`option ${name} is not supported: ${REFUSED[name]}`);
    if (!HONOURED.includes(name) && !WITHOUT_EFFECT.includes(name) && !Object.hasOwn(REFUSED, name)) {
      throw new InvalidInputError(`there is no option '${name}'; known are ${[...HONOURED, ...WITHOUT_EFFECT].join(', ')}`);
    }
  }
}

/** @param {SessionOptions['executionProviders']} providers */
function checkProviders(providers) {
  if (providers === undefined) return;
  const names = providers.map((provider) => (typeof provider === 'string' ? provider : provider.name));
  if (!names.some((name) => PROVIDERS.includes(name))) {
    throw new InvalidInputError(`option executionProviders has none that is here: ${names.join(', ') || 'it is empty'}; name 'wasm'`);
  }
}

/** @param {unknown} location */
function checkLocation(location) {
  const places = location !== null && typeof location === 'object' ? Object.values(location) : [location ?? 'cpu'];
  for (const place of places) {
    if (place !== 'cpu') throw new InvalidInputError(`option preferredOutputLocation is '${place}', but outputs are on the CPU ('cpu')`);
  }
}

/** @param {SessionOptions} options */
function threadsOf({ threads: own, intraOpNumThreads }) {
  const threads = own ?? (intraOpNumThreads || env.wasm.numThreads || undefined);
  if (threads === undefined) return undefined;
  if (!(Number.isInteger(threads) && threads >= 1 && threads <= MAX_THREADS)) {
    throw new InvalidInputError(`option threads must be a whole number from 1 to ${MAX_THREADS}, not ${threads}`);
  }
  // What onnxruntime does with settings for all sessions: as many as are possible.
  const isPossible = threads === 1 || globalThis.crossOriginIsolated || isNode();
  if (!isPossible && own === undefined) return 1;
  if (!isPossible) throw new InvalidInputError(`option threads is ${threads}, but the page is not cross-origin isolated, so only 1 is possible`);
  return threads;
}

/** @param {SessionOptions} options */
function simdOf({ simd }) {
  if (simd === undefined) return env.wasm.simd === 'fixed' ? 'baseline' : undefined;
  if (simd !== 'relaxed' && simd !== 'baseline') throw new InvalidInputError(`option simd must be 'relaxed' or 'baseline', not '${simd}'`);
  return simd;
}
