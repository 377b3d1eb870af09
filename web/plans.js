// @ts-check
/**
 * @file Plans: what a model needs to run on inputs of certain shapes. All plans of a model share its code and weights.
 *
 * A file of plans is a sequence of families. A family is plans of which each is so many 32-bit words: a first plan, and how
 * the others differ from it. Words that differ alike form a class; their differences are stored once, as changes of
 * changes, which are mostly zero where sizes form a range. `wasmkiln.bundle.plans` writes the same.
 *
 *     family   count length word×length (classes (class run)… change×(classes·(count-1)))?
 *     word     signed number; of `change` a zero is followed by how many more zeros come
 *     plan     tables main steps end arena macs(2) threads, (offset rank dim…) of each input and output, words of the tables
 */

import { ARRAYS, count } from './dtypes.js';
import { BundleError, InvalidInputError } from './errors.js';

/** @typedef {import('./protocol.js').Binding} Binding */
/** @typedef {import('./protocol.js').Feeds} Feeds */
/** @typedef {import('./protocol.js').Signature} Signature */
/** @typedef {import('./protocol.js').StepTable} StepTable */

/**
 * @typedef {object} Plan
 * @property {number} address where its tables go
 * @property {Int32Array} tables step records and arguments
 * @property {StepTable} main
 * @property {number} end bytes of memory
 * @property {number} arenaBytes
 * @property {number} macs
 * @property {number} threads the most that may run it
 * @property {Binding[]} inputs
 * @property {Binding[]} outputs
 */

const HEAD = 8;
const RECORD_BYTES = 24;

/** Plans by the shapes of the inputs. */
export class Plans {
  /** @type {{family: Family, index: number}[]} */
  #entries = [];
  /** @type {Map<string, number>} place among the entries by the inputs' shapes */
  #byShapes = new Map();
  /** Bytes of memory that the largest plan needs. */
  end = 0;

  /**
   * @param {Uint8Array} bytes a file of plans
   * @param {Signature[]} inputs
   * @param {Signature[]} outputs
   */
  constructor(bytes, inputs, outputs) {
    /** @readonly */ this.inputs = inputs;
    /** @readonly */ this.outputs = outputs;
    /** @readonly the file */
    this.bytes = bytes;
    const reader = new Reader(bytes);
    while (!reader.isAtEnd) {
      const family = new Family(reader);
      for (let index = 0; index < family.count; index++) {
        this.end = Math.max(this.end, family.word(index, 3) >>> 0);
        this.#byShapes.set(this.#shapesOf(family, index), this.#entries.length);
        this.#entries.push({ family, index });
      }
    }
    if (this.#entries.length === 0) throw new BundleError('it holds no plan');
  }

  /** How many there are. */
  get count() {
    return this.#entries.length;
  }

  /** @param {number} i */
  at(i) {
    const { family, index } = this.#entries[i];
    return toPlan(family.words(index), this.inputs, this.outputs);
  }

  /**
   * The place of the plan for the shapes of these inputs.
   * @param {Feeds} feeds
   */
  find(feeds) {
    const key = this.inputs.map(({ name }) => feeds[name].dims.join()).join(';');
    const found = this.#byShapes.get(key);
    if (found !== undefined) return found;
    const given = this.inputs.map(({ name }) => `${name}[${feeds[name].dims}]`).join(', ');
    throw new InvalidInputError(`there is no plan for ${given}; the model was compiled for ${this.#known()}`);
  }

  /** @param {Family} family @param {number} index */
  #shapesOf(family, index) {
    const shapes = [];
    let at = HEAD;
    for (let i = 0; i < this.inputs.length; i++) {
      const rank = family.word(index, at + 1);
      shapes.push(Array.from({ length: rank }, (_, d) => family.word(index, at + 2 + d)).join());
      at += 2 + rank;
    }
    return shapes.join(';');
  }

  /** The shapes that there are plans for, a few of them if there are many. */
  #known() {
    const all = [...this.#byShapes.keys()].map((key) => {
      const shapes = key.split(';');
      return this.inputs.map(({ name }, i) => `${name}[${shapes[i]}]`).join(', ');
    });
    return all.length <= 8 ? all.join('; ') : [...all.slice(0, 3), `… ${all.length} in all …`, ...all.slice(-2)].join('; ');
  }
}

/**
 * A file that holds one plan.
 * @param {Plan} plan
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function encodePlan({ address, tables, main, end, arenaBytes, macs, threads, inputs, outputs }) {
  const places = [...inputs, ...outputs].flatMap(({ offset, shape }) => [offset, shape.length, ...shape]);
  const head = [address, main.table, main.steps, end, arenaBytes, macs % 2 ** 32, Math.floor(macs / 2 ** 32), threads];
  const words = [...head, ...places, ...tables];
  /** @type {number[]} */
  const bytes = [];
  const put = (/** @type {number} */ value) => {
    for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
    bytes.push(value);
  };
  put(1);
  put(words.length);
  for (const word of words) put(((word << 1) ^ (word >> 31)) >>> 0);
  return new Uint8Array(bytes);
}

/**
 * @param {Int32Array} words
 * @param {Signature[]} inputs
 * @param {Signature[]} outputs
 * @returns {Plan}
 */
function toPlan(words, inputs, outputs) {
  const [address, table, steps, end, arenaBytes, low, high, threads] = Array.from(words.subarray(0, HEAD), (word) => word >>> 0);
  let at = HEAD;
  const place = (/** @type {Signature} */ { name, dtype }) => {
    const [offset, rank] = [words[at] >>> 0, words[at + 1]];
    const shape = Array.from(words.subarray(at + 2, at + 2 + rank));
    at += 2 + rank;
    const nbytes = count(shape) * ARRAYS[dtype].BYTES_PER_ELEMENT;
    if (shape.length !== rank || !(nbytes >= 0) || offset + nbytes > end) throw new BundleError(`its '${name}' does not lie in memory`);
    return { name, dtype, shape, offset, nbytes };
  };
  const bindings = { inputs: inputs.map(place), outputs: outputs.map(place) };
  const tables = words.subarray(at);
  const top = address + tables.byteLength;
  if (top > end || table < address || table + steps * RECORD_BYTES > top) throw new BundleError('its steps do not lie in memory');
  return { address, tables, main: { table, steps }, end, arenaBytes, macs: low + high * 2 ** 32, threads, ...bindings };
}

/** Plans that have the same number of words. */
class Family {
  #base;
  #classes;
  #differences;

  /** @param {Reader} reader */
  constructor(reader) {
    this.count = reader.size();
    this.#base = reader.words(reader.size());
    this.#classes = new Uint32Array(this.#base.length);
    const classes = this.count > 1 ? reader.size() : 0;
    if (classes > 0) reader.runs(this.#classes, classes);
    this.#differences = reader.differences(classes, this.count - 1);
  }

  /**
   * A word of a plan.
   * @param {number} index of the plan
   * @param {number} at
   */
  word(index, at) {
    return (this.#base[at] + this.#difference(index, this.#classes[at])) | 0;
  }

  /** @param {number} index of the plan */
  words(index) {
    return this.#base.map((word, at) => word + this.#difference(index, this.#classes[at]));
  }

  /** @param {number} index @param {number} kind */
  #difference(index, kind) {
    return index > 0 && kind > 0 ? this.#differences[(kind - 1) * (this.count - 1) + index - 1] : 0;
  }
}

const MOST = 1 << 26; // of anything that is counted: what is larger is damage

/** Reads numbers that take a byte for each 7 bits. */
class Reader {
  #bytes;
  #at = 0;

  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.#bytes = bytes;
  }

  get isAtEnd() {
    return this.#at >= this.#bytes.length;
  }

  /** A number without a sign. */
  number() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined || shift > 28) throw new BundleError('its plans are damaged');
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
  }

  /** How many there are of something that takes memory. */
  size() {
    const value = this.number();
    if (value === 0 || value > MOST) throw new BundleError('its plans are damaged');
    return value;
  }

  /** A number with a sign. */
  signed() {
    const value = this.number();
    return (value >>> 1) ^ -(value & 1);
  }

  /** @param {number} length */
  words(length) {
    if (length > this.#bytes.length - this.#at) throw new BundleError('its plans are damaged');
    return new Int32Array(length).map(() => this.signed());
  }

  /**
   * Fills an array from (value, run) pairs.
   * @param {Uint32Array} out
   * @param {number} most
   */
  runs(out, most) {
    for (let at = 0; at < out.length; ) {
      const value = this.number();
      const end = at + this.size();
      if (value > most || end > out.length) throw new BundleError('its plans are damaged');
      out.fill(value, at, end);
      at = end;
    }
  }

  /**
   * The differences from the first plan: `rows` classes in `columns` further plans.
   * @param {number} rows
   * @param {number} columns
   */
  differences(rows, columns) {
    if (rows * columns > MOST) throw new BundleError('its plans are damaged');
    const out = new Int32Array(rows * columns);
    let zeros = 0;
    let [value, step] = [0, 0];
    for (let i = 0; i < out.length; i++) {
      if (i % columns === 0) value = step = 0;
      let change = 0;
      if (zeros > 0) zeros--;
      else if ((change = this.signed()) === 0) zeros = this.number();
      step = (step + change) | 0;
      value = (value + step) | 0;
      out[i] = value;
    }
    return out;
  }
}
