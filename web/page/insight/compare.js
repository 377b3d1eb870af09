// @ts-check
/** @file Runs a model here and by onnxruntime-web on the same inputs, in turns. */

import { decoder, elementsOf } from '../tensors/values.js';

/** @typedef {import('../../session.js').InferenceSession} InferenceSession */
/** @typedef {import('../../tensor.js').Tensor} Tensor */

/** Times in ms. @typedef {{median: number, fastest: number}} Times */
/** The largest difference of an output's values, and the same over its largest value. @typedef {{name: string, difference: number, relative: number}} Difference */
/** @typedef {{ours: Times, theirs: Times, threads: number, theirThreads: number, theirCreateMs: number, differences: Difference[]}} Comparison */

/** What we use of onnxruntime-web. @typedef {{type: string, data: ArrayLike<number | bigint>, dims: readonly number[]}} OrtTensor */
/** @typedef {{run(feeds: Record<string, OrtTensor>): Promise<Record<string, OrtTensor>>, release(): Promise<void>}} OrtSession */
/**
 * @typedef {object} Ort
 * @property {{wasm: {numThreads: number, wasmPaths: string}, logLevel: string}} env
 * @property {{create(bytes: Uint8Array, options: object): Promise<OrtSession>}} InferenceSession
 * @property {new (type: string, data: unknown, dims: readonly number[]) => OrtTensor} Tensor
 */

const WARM_UPS = 3;
const ROUNDS = 12;
const BUDGET_MS = 4000;

/** How many threads onnxruntime-web has: as many as its first session of a visit was given. */
let theirThreads = 0;

/**
 * @param {InferenceSession} session
 * @param {ArrayBuffer} model
 * @param {Record<string, Tensor>} feeds
 * @returns {Promise<Comparison>}
 */
export async function compare(session, model, feeds) {
  const start = performance.now();
  const { threads } = session.stats;
  const { theirs, ort } = await open(model, threads);
  try {
    const given = Object.fromEntries(Object.entries(feeds).map(([name, { type, data, dims }]) => [name, new ort.Tensor(type, data, dims)]));
    const theirResults = await theirs.run(given);
    const theirCreateMs = performance.now() - start;
    const ourResults = await session.run(feeds);
    for (let i = 0; i < WARM_UPS; i++) {
      await session.run(feeds);
      await theirs.run(given);
    }
    /** @type {[number[], number[]]} */
    const times = [[], []];
    const end = performance.now() + BUDGET_MS;
    for (let round = 0; round < ROUNDS && (round < 2 || performance.now() < end); round++) {
      times[0].push(await timed(() => session.run(feeds)));
      times[1].push(await timed(() => theirs.run(given)));
    }
    const differences = Object.keys(ourResults).map((name) => differenceOf(name, ourResults[name], theirResults[name]));
    return { ours: timesOf(times[0]), theirs: timesOf(times[1]), threads, theirThreads, theirCreateMs, differences };
  } finally {
    await theirs.release();
  }
}

/**
 * @param {ArrayBuffer} model
 * @param {number} threads
 */
async function open(model, threads) {
  const folder = new URL('../../bench/onnxruntime-web/', import.meta.url).href;
  /** @type {Ort} */
  const ort = await import(`${folder}ort.wasm.min.mjs`);
  ort.env.logLevel = 'fatal';
  theirThreads ||= threads;
  ort.env.wasm.numThreads = theirThreads;
  ort.env.wasm.wasmPaths = folder;
  return { ort, theirs: await ort.InferenceSession.create(new Uint8Array(model), { executionProviders: ['wasm'] }) };
}

/** @param {() => Promise<unknown>} work */
async function timed(work) {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

/**
 * @param {number[]} times
 * @returns {Times}
 */
function timesOf(times) {
  const sorted = times.toSorted((a, b) => a - b);
  return { median: sorted[sorted.length >> 1], fastest: sorted[0] };
}

/**
 * @param {string} name
 * @param {Tensor} ours
 * @param {OrtTensor} theirs
 * @returns {Difference}
 */
export function differenceOf(name, ours, theirs) {
  const decode = decoder(ours.type);
  const values = elementsOf(ours);
  let [difference, largest] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const [a, b] = [decode(values[i]), decode(theirs.data[i])];
    if (Object.is(a, b)) continue; // NaN and infinities that both have
    const apart = Math.abs(a - b);
    difference = Number.isNaN(apart) ? Infinity : Math.max(difference, apart);
  }
  for (let i = 0; i < theirs.data.length; i++) {
    const size = Math.abs(decode(theirs.data[i]));
    if (Number.isFinite(size)) largest = Math.max(largest, size);
  }
  return { name, difference, relative: difference === 0 ? 0 : difference / largest };
}
