// @ts-check
/** @file Saves a loaded model as a bundle: its constants as they lie in memory, its code and its plans. */

import { describePart, makeManifest } from './bundle.js';

/** @typedef {import('./protocol.js').About} About */
/** @typedef {import('./protocol.js').Manifest} Manifest */
/** @typedef {import('./runtime.js').Runtime} Runtime */

/**
 * A loaded model as a bundle.
 * @param {Runtime} runtime
 * @param {About} about
 * @returns {Promise<{manifest: Manifest, files: Record<string, Uint8Array<ArrayBuffer>>}>}
 */
export async function saveBundle(runtime, { compiler, name, report }) {
  const { plans, held } = runtime;
  const [{ macs, arenaBytes }, constants] = [plans.at(0), held.constants.filter(([, nbytes]) => nbytes > 0)];
  /** @type {Record<string, Uint8Array<ArrayBuffer>>} */
  const files = { 'model.wasm': held.code.slice(), 'plans.bin': plans.bytes.slice() };
  constants.forEach(([address, nbytes], i) => (files[`weights-${i}.bin`] = runtime.read(address, nbytes)));
  if (report) files['report.json'] = new TextEncoder().encode(JSON.stringify(report));
  const part = (/** @type {string} */ file) => describePart(file, files[file]);
  const manifest = makeManifest({
    compiler,
    name,
    inputs: plans.inputs.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    outputs: plans.outputs.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    code: [{ ...(await part('model.wasm')), simd: held.simd }],
    weights: await Promise.all(constants.map((_, i) => part(`weights-${i}.bin`))),
    constants,
    plans: await part('plans.bin'),
    macs,
    arenaBytes,
    weightBytes: constants.reduce((sum, [, nbytes]) => sum + nbytes, 0),
    ...(report && { report: await part('report.json') }),
  });
  return { manifest, files };
}
