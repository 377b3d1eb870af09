// @ts-check
/** @file Checks what is given to a run, in the page so that errors come at once, and again where it is copied into memory. */

import { InvalidInputError } from './errors.js';

/** @typedef {import('./protocol.js').Feeds} Feeds */
/** @typedef {import('./protocol.js').Signature} Signature */

/**
 * Refuses inputs of other sizes than those compiled for, where the model itself would allow them, and says how to get them.
 * @param {Signature[]} compiled
 * @param {Signature[]} declared
 * @param {Feeds} feeds
 */
export function checkSizes(compiled, declared, feeds) {
  for (const { name, dtype, shape } of compiled) {
    const given = feeds[name]?.dims;
    const open = declared.find((signature) => signature.name === name)?.shape;
    if (!given || !shape || !open || given.length !== shape.length) continue;
    const dims = Object.fromEntries(open.flatMap((dim, i) => (typeof dim === 'string' && typeof shape[i] === 'number' && shape[i] !== given[i] ? [[dim, given[i]]] : [])));
    if (Object.keys(dims).length === 0) continue;
    const wanted = Object.entries(dims).map(([symbol, size]) => `${symbol}: ${size}`);
    throw new InvalidInputError(
      `input '${name}' is ${dtype}[${given}], but the model was compiled for ${dtype}[${shape}]; for such inputs, create a session with freeDimensionOverrides: { ${wanted.join(', ')} }`,
    );
  }
}

/**
 * Refuses inputs that are missing, unknown, or of another dtype or shape than the model was compiled for.
 * Where a size is a symbol, several were compiled for; which they are is not known here.
 * @param {Signature[]} inputs
 * @param {Feeds} feeds
 */
export function checkFeeds(inputs, feeds) {
  const known = inputs.map((input) => input.name);
  for (const name of Object.keys(feeds)) {
    if (!known.includes(name)) throw new InvalidInputError(`there is no input '${name}'; the model has ${known.map((n) => `'${n}'`).join(', ') || 'none'}`);
  }
  for (const { name, dtype, shape } of inputs) {
    if (!Object.hasOwn(feeds, name)) throw new InvalidInputError(`input '${name}' is missing: ${dtype}[${shape ?? '…'}] is expected`);
    const { type, dims } = feeds[name];
    if (type !== dtype) throw new InvalidInputError(`input '${name}' is ${type}[${dims}], but the model takes ${dtype}`);
    if (shape && (dims.length !== shape.length || dims.some((d, i) => typeof shape[i] === 'number' && d !== shape[i]))) {
      throw new InvalidInputError(`input '${name}' is ${type}[${dims}], but the model was compiled for ${dtype}[${shape}]`);
    }
  }
}
