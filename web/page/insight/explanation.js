// @ts-check
/** @file A model's explanation (its fused graph, steps and memory plan): what came with the model, else what the compiler says. */

import { explain } from '../../compiler.js';
import { chooseThreads, probe } from '../../features.js';

/** @typedef {import('../../protocol.js').CompileOptions} CompileOptions */
/** @typedef {import('../../protocol.js').Explanation} Explanation */
/** @typedef {import('../../session.js').InferenceSession} InferenceSession */

/**
 * A model whose inside may be looked at.
 * @typedef {object} Subject
 * @property {string} name
 * @property {InferenceSession} session
 * @property {() => Promise<ArrayBuffer>} read the model's bytes anew; they are given away
 * @property {Partial<CompileOptions>} [options] those with which it was loaded
 * @property {Explanation | null} [explanation] if it came with the model
 */

/** @type {WeakMap<InferenceSession, Promise<Explanation>>} */
const known = new WeakMap();

/**
 * What pictures of the model need; asked for once, and again after an error.
 * @param {Subject} subject
 * @param {(step: string) => void} [onStep]
 * @returns {Promise<Explanation>}
 */
export function explanationOf(subject, onStep) {
  const { session, explanation } = subject;
  let answer = known.get(session);
  if (!answer) {
    answer = explanation ? Promise.resolve(explanation) : ask(subject, onStep);
    known.set(session, answer);
    answer.catch(() => known.delete(session));
  }
  return answer;
}

/**
 * @param {Subject} subject
 * @param {(step: string) => void} [onStep]
 */
async function ask({ session, read, options = {} }, onStep) {
  const threads = options.threads ?? chooseThreads(probe()).value;
  const { dims = {}, shapes = {} } = options;
  return explain(await read(), { simd: session.stats.simd, threads, dims, shapes }, { onStep });
}
