// @ts-check
/** @file Checks what is given to a run, in the page so that errors come at once, and again where it is copied into memory. */

import { InvalidInputError } from './errors.js';
import { ARRAYS, toTyped } from './tensor-data.js';

/** @typedef {import('./protocol.js').Feeds} Feeds */
/** @typedef {import('./protocol.js').Signature} Signature */

/**
 * What a caller gives, as records. Besides our tensors, objects with type, data and dims will do, as onnxruntime's tensors are.
 * @param {unknown} given
 * @returns {Feeds}
 */
export function toFeeds(given) {
  if (given === null || typeof given !== 'object') throw new InvalidInputError('run: feeds must be an object of tensors by input name');
  return Object.fromEntries(
    Object.entries(given).map(([name, tensor]) => {
      const { type, data, dims } = tensor ?? {};
      if (typeof type !== 'string' || !Array.isArray(dims)) throw new InvalidInputError(`run: input '${name}' is not a Tensor`);
      if (!Object.hasOwn(ARRAYS, type)) throw new InvalidInputError(`run: input '${name}' is a tensor of ${type}, which models can't be given here`);
      return [name, { type, data: /** @type {import('./tensor-data.js').TypedArray} */ (toTyped(type, data)), dims }];
    }),
  );
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
