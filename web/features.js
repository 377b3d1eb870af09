// @ts-check
/**
 * @file What this browser can do, probed with WebAssembly.validate on our own bytes, and why we choose what we choose.
 */

import { isNode, processors } from './node.js';

/**
 * What to compile for, with the reason in words for a person.
 * @typedef {{value: 'relaxed' | 'baseline', reason: string}} SimdChoice
 * @typedef {{value: number, reason: string}} ThreadsChoice
 */

/**
 * @typedef {object} Features
 * @property {boolean} simd SIMD128, without which nothing runs
 * @property {boolean} relaxedSimd f32x4.relaxed_madd and the other relaxed instructions
 * @property {boolean} threads shared memory and atomics in WebAssembly
 * @property {boolean} isolated the page is cross-origin isolated, so that memory may be shared
 * @property {number} cores logical processors
 */

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const TYPE_VOID = [0x01, 0x04, 0x01, 0x60, 0x00, 0x00]; // type 0: () -> ()
const ONE_FUNCTION = [0x03, 0x02, 0x01, 0x00];
const V128 = [0x41, 0x00, 0xfd, 0x0f]; // i32.const 0, i8x16.splat
const DROP_END = [0x1a, 0x0b];

/**
 * A module with one function of this body, and perhaps a memory section.
 * @param {number[]} body
 * @param {number[]} memory
 */
function moduleWith(body, memory = []) {
  const code = [0x0a, body.length + 3, 0x01, body.length + 1, 0x00]; // section, size, one body, its size, no locals
  return new Uint8Array([...HEADER, ...TYPE_VOID, ...ONE_FUNCTION, ...memory, ...code, ...body]);
}

// i8x16.popcnt: the last instruction to enter the SIMD128 proposal.
const SIMD = moduleWith([...V128, 0xfd, 0x62, ...DROP_END]);
// f32x4.relaxed_madd
const RELAXED = moduleWith([...V128, ...V128, ...V128, 0xfd, 0x85, 0x02, ...DROP_END]);
// a shared memory of one page, and i32.atomic.load
const THREADS = moduleWith([0x41, 0x00, 0xfe, 0x10, 0x02, 0x00, ...DROP_END], [0x05, 0x04, 0x01, 0x03, 0x01, 0x01]);

/**
 * Probes the browser; cheap enough to call at start.
 * @returns {Readonly<Features>}
 */
export function probe() {
  return Object.freeze({
    simd: WebAssembly.validate(SIMD),
    relaxedSimd: WebAssembly.validate(RELAXED),
    threads: WebAssembly.validate(THREADS) && typeof SharedArrayBuffer === 'function',
    isolated: globalThis.crossOriginIsolated === true || isNode(),
    cores: globalThis.navigator?.hardwareConcurrency || processors() || 1,
  });
}

/**
 * The SIMD level to compile for.
 * @param {Features} features
 * @returns {SimdChoice}
 */
export function chooseSimd(features) {
  return features.relaxedSimd
    ? { value: 'relaxed', reason: 'this browser has fused multiply-add' }
    : { value: 'baseline', reason: 'this browser has no relaxed SIMD, so multiply and add stay apart' };
}

/**
 * How many threads to run on. Up to four processors all are used; of more, half, since the rest
 * tend to be second hyper-threads or slow cores, for whose shares the others wait.
 * @param {Features} features
 * @returns {ThreadsChoice}
 */
export function chooseThreads(features) {
  const { threads, isolated, cores } = features;
  if (!threads && isolated) return { value: 1, reason: 'this browser has no shared memory in WebAssembly' };
  if (!isolated) {
    return { value: 1, reason: 'the page is not cross-origin isolated (its server sends no COOP and COEP headers), so threads may not share memory' };
  }
  const value = cores <= 4 ? cores : Math.min(8, Math.max(4, cores >> 1));
  if (value === 1) return { value, reason: 'this machine offers one core' };
  return { value, reason: `the page is cross-origin isolated and this machine has ${cores} cores` };
}
