// @ts-check
/**
 * @file The opaque handles under InferenceSession: load(bytes) → handle, predict(handle, feeds), release(handle).
 */

import { boot, compile } from './compiler.js';
import { chooseSimd, chooseThreads, probe } from './features.js';
import { adopt, mayRunHere, needSimd, prepare, takeGroup, WORTH_SHARING } from './models.js';

export { describe, open, predict, prepare, release, save } from './models.js';

/** @typedef {import('./protocol.js').CompileOptions} CompileOptions */
/** @typedef {import('./models.js').Watch} Watch */

/**
 * Compiles and loads a model; the buffers are detached.
 * @param {ArrayBuffer} model
 * @param {Partial<CompileOptions> & {worker?: boolean}} [options] `worker` keeps even small models off this thread
 * @param {Watch} [watch]
 * @param {import('./protocol.js').External[]} [external] files in which the model keeps weights
 * @returns {Promise<number>} the handle
 */
export async function load(model, options = {}, watch = {}, external = []) {
  const features = probe();
  needSimd(features);
  const chosen = {
    simd: options.simd ?? chooseSimd(features).value,
    threads: options.threads ?? chooseThreads(features).value,
    dims: options.dims ?? {},
    shapes: options.shapes ?? {},
  };
  const started = boot(watch);
  if (chosen.threads === chooseThreads(features).value) prepare(1); // its workers come up meanwhile
  const { version } = await started;
  const start = performance.now();
  const { artifact, files, report, declared, steps, timings } = await compile(model, chosen, watch, external);
  const compileMs = performance.now() - start;
  watch.signal?.throwIfAborted();
  watch.onStep?.('Preparing weights');
  const { meta } = artifact;
  const { threads } = meta;
  // The group is that of all models, so that no worker has to be fetched; its followers are idle if it runs on one thread.
  const workers = () => {
    if (options.threads === undefined && meta.macs < WORTH_SHARING) meta.threads = 1;
    return takeGroup(threads);
  };
  const place = {
    workers,
    helper: options.threads === undefined && threads > 1 ? () => takeGroup(threads) : undefined,
    tryHere: mayRunHere(meta, options.threads, options.worker),
    load: (/** @type {import('./models.js').Group} */ group) => group.load(artifact, files, watch.onStep),
  };
  const { inputs, simd, weightBytes } = meta;
  const known = { accepts: inputs, declared: pinned(declared, chosen), steps, report, simd, weightBytes, compileMs, phases: timings };
  return adopt(place, known, { compiler: version, name: 'model', report }, watch.signal);
}

/**
 * What a model declares, with the sizes that the options give.
 * @param {import('./protocol.js').Declared} declared
 * @param {{dims: Record<string, number>, shapes: Record<string, number[]>}} options
 */
function pinned({ inputs, outputs }, { dims, shapes }) {
  const sized = (/** @type {import('./protocol.js').Signature} */ { name, dtype, shape }) => {
    const sizes = shape?.map((dim) => (typeof dim === 'string' && Object.hasOwn(dims, dim) ? dims[dim] : dim)) ?? null;
    return { name, dtype, shape: Object.hasOwn(shapes, name) ? shapes[name] : sizes };
  };
  return { inputs: inputs.map(sized), outputs: outputs.map(sized) };
}
