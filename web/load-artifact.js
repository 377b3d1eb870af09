// @ts-check
/**
 * @file Loads what the compiler gives: makes the memory, writes the data segments, and runs the init steps one by one,
 * each after the weights that it needs were copied from the model's files.
 */

import { InternalError, InvalidModelError } from './errors.js';
import { encodePlan, Plans } from './plans.js';
import { instantiate, makeMemory, Runtime } from './runtime.js';

/** @typedef {import('./protocol.js').Artifact} Artifact */
/** @typedef {import('./protocol.js').Meta} Meta */
/** @typedef {import('./runtime.js').Run} Run */

const VERSION = 2;
const PAGE = 65536;
const RESERVED = 1024; // bytes before the constants

/**
 * Makes a model ready to run. `files` are what the artifact was compiled from, by the copies' numbers; they aren't kept.
 * @param {Artifact} artifact
 * @param {ArrayBuffer[]} files
 */
export async function loadArtifact({ meta, code, data }, files) {
  if (meta.version !== VERSION) throw new InternalError(`artifact version ${meta.version}, but this runtime reads ${VERSION}`);
  const nbytes = meta.pages * PAGE;
  const memory = makeMemory(nbytes, nbytes, meta.shared);
  const module = await WebAssembly.compile(code);
  const run = await instantiate(module, memory);
  const bytes = new Uint8Array(memory.buffer);
  for (const [dst, part] of segmentsOf(meta, data)) bytes.set(part, dst);
  initialise(meta, run, bytes, files.map((file) => new Uint8Array(file)));
  const plans = new Plans(encodePlan(planOf(meta, data)), meta.inputs, meta.outputs);
  return new Runtime(module, memory, run, plans, { code, simd: meta.simd, constants: [[RESERVED, meta.weightBytes]] });
}

/**
 * @param {Meta} meta
 * @param {Uint8Array} data
 * @returns {import('./plans.js').Plan}
 */
function planOf(meta, data) {
  const { main, inputs, outputs, arenaBytes, macs, threads } = meta;
  const rest = { main, arenaBytes, macs, threads, inputs, outputs };
  if (main.steps === 0) return { address: main.table, tables: new Int32Array(0), end: meta.pages * PAGE, ...rest };
  for (const [address, part] of segmentsOf(meta, data)) {
    if (address <= main.table && main.table < address + part.length) {
      const tables = new Int32Array(part.slice().buffer);
      return { address, tables, end: address + part.length, ...rest };
    }
  }
  throw new InternalError('the step table is in no segment');
}

/**
 * @param {Meta} meta
 * @param {Uint8Array} data
 * @returns {[address: number, content: Uint8Array][]}
 */
function segmentsOf({ segments }, data) {
  let at = 0;
  return segments.map(([dst, nbytes]) => [dst, data.subarray(at, (at += nbytes))]);
}

/**
 * Runs the init steps, copying each step's weights from the file just before it, so that buffers may be used again.
 * @param {Meta} meta
 * @param {Run} run
 * @param {Uint8Array} bytes the memory
 * @param {Uint8Array[]} files the model, and those of its external data
 */
function initialise({ copies, init }, run, bytes, files) {
  let next = 0;
  for (let step = 0; step <= init.steps; step++) {
    for (; next < copies.length && copies[next][0] === step; next++) {
      const [, index, src, nbytes, dst] = copies[next];
      const file = files[index];
      if (src + nbytes > file.length) throw new InvalidModelError(`weights end at byte ${src + nbytes} of a file of ${file.length}`);
      bytes.set(file.subarray(src, src + nbytes), dst);
    }
    if (step < init.steps) run(init.table, step, 1, 0, 1, 0);
  }
  if (next !== copies.length) throw new InternalError('copies are not sorted by init step');
}
