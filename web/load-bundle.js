// @ts-check
/** @file Loads a bundle: checks its parts, and copies the constants, which are packed already, straight into memory. */

import { readPart } from './bundle.js';
import { BundleError } from './errors.js';
import { toFloats } from './half.js';
import { Plans } from './plans.js';
import { instantiate, makeMemory, Runtime } from './runtime.js';

/** @typedef {import('./protocol.js').Content} Content */
/** @typedef {import('./protocol.js').Manifest} Manifest */
/** @typedef {import('./protocol.js').Part} Part */

const MAX_BYTES = 2 ** 32;
const SHARED = 3; // limits of a memory: with a maximum, shared
const BOUNDED = 1; // with a maximum

/**
 * Makes a model ready to run.
 * @param {Manifest} manifest
 * @param {number} module which of its code modules
 * @param {(name: string) => Content} contentOf
 * @param {boolean} mayShare whether several threads shall run it
 */
export async function loadBundle(manifest, module, contentOf, mayShare) {
  const read = (/** @type {Part} */ part) => readPart(part, contentOf(part.file));
  const part = manifest.code[module];
  const [code, tables] = await Promise.all([read(part), read(manifest.plans)]);
  const plans = new Plans(tables, manifest.inputs, manifest.outputs);
  const top = Math.max(...manifest.constants.map(([address, nbytes]) => address + nbytes), 0);
  if (plans.end > MAX_BYTES || top > plans.at(0).end) throw new BundleError("the bundle's constants do not lie in memory");
  const flags = limitsAt(code);
  const shared = mayShare && code[flags] === SHARED;
  const memory = makeMemory(plans.at(0).end, plans.end, shared);
  const [compiled] = await Promise.all([compile(code, flags, shared), fill(memory, manifest, read)]);
  const run = await instantiate(compiled, memory);
  const constants = manifest.constants.map(([address, nbytes]) => /** @type {[number, number]} */ ([address, nbytes]));
  return new Runtime(compiled, memory, run, plans, { code, simd: part.simd, constants });
}

/**
 * The module. Code that shares its memory differs from other code in one flag of its import, and runs as well on
 * a memory of its own.
 * @param {Uint8Array<ArrayBuffer>} code
 * @param {number} flags where they are
 * @param {boolean} shared
 */
function compile(code, flags, shared) {
  if (code[flags] !== SHARED || shared) return WebAssembly.compile(code);
  const changed = code.slice();
  changed[flags] = BOUNDED;
  return WebAssembly.compile(changed);
}

/**
 * Where a module says what memory it imports: the limits' flags, in its one import.
 * @param {Uint8Array} code
 */
function limitsAt(code) {
  const imported = [1, 3, 0x65, 0x6e, 0x76, 6, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 2]; // one: "env" "memory", a memory
  for (let at = 8; at < code.length; ) {
    const id = code[at++];
    let size = 0;
    for (let shift = 0, more = true; more && at < code.length; shift += 7) {
      size |= (code[at] & 127) << shift;
      more = code[at++] > 127;
    }
    if (id === 2 && imported.every((byte, i) => code[at + i] === byte)) return at + imported.length;
    at += size >>> 0;
  }
  throw new BundleError("the bundle's code does not import its memory");
}

/**
 * Copies the constants into memory, shard by shard; a shard may begin and end anywhere in them.
 * @param {WebAssembly.Memory} memory
 * @param {Manifest} manifest
 * @param {(part: Part) => Promise<Uint8Array>} read
 */
async function fill(memory, { weights, constants }, read) {
  const bytes = new Uint8Array(memory.buffer);
  let [range, done] = [0, 0]; // how far memory is filled: a range, and stored bytes of it
  for (let next = weights[0] && read(weights[0]), i = 0; i < weights.length; i++) {
    const shard = await next;
    if (i + 1 < weights.length) next = read(weights[i + 1]); // comes while this one is copied
    for (let at = 0; at < shard.length; ) {
      const [address, nbytes, half] = constants[range];
      const size = half ? nbytes / 2 : nbytes;
      const part = shard.subarray(at, at + size - done);
      if (half && (done + part.length) % 2) throw new BundleError("the bundle's weights are cut in the middle of a number");
      if (half) toFloats(part, new Float32Array(bytes.buffer, address + done * 2, part.length / 2));
      else bytes.set(part, address + done);
      at += part.length;
      done += part.length;
      if (done === size) [range, done] = [range + 1, 0];
    }
  }
}
