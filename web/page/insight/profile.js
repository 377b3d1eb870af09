// @ts-check
/** @file Measures what each step of a run takes. */

/** @typedef {import('../../session.js').InferenceSession} InferenceSession */
/** @typedef {import('../../session.js').Tensor} Tensor */

/**
 * Times of a model: `times` are ms of each step by itself, on one thread; `wholeMs` is that of a run as it usually goes.
 * @typedef {{times: number[], runs: number, wholeMs: number, threads: number}} Profile
 */

const RUNS = 9;
const BUDGET_MS = 1500;

/**
 * Measures some runs on the same inputs.
 * @param {InferenceSession} session
 * @param {Record<string, Tensor>} feeds
 * @returns {Promise<Profile>}
 */
export async function measure(session, feeds) {
  const whole = [];
  const end = performance.now() + BUDGET_MS;
  for (let i = 0; i < RUNS && (i < 2 || performance.now() < end); i++) {
    await session.run(feeds);
    whole.push(/** @type {number} */ (session.stats.runMs));
  }
  session.startProfiling();
  for (const _ of whole) await session.run(feeds);
  const times = session.endProfiling().map((step) => step.ms);
  return { times, runs: whole.length, wholeMs: median(whole), threads: session.stats.threads };
}

/** @param {number[]} values */
function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
