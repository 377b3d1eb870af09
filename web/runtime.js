// @ts-check
/**
 * @file Runs a model that lies in memory: the Wasm logic, without workers, messages or DOM.
 *
 * The memory holds the constants, and behind them what the current plan needs: its activations and its tables. Running is
 * SPMD: every thread calls the same exported `run`, in which threads claim shares of each step and wait where a step
 * needs what others do. The leader is through when all is done, whether a follower was there in time or not.
 *
 *     run(table, first, count, thread, threads, epoch)
 */

import { ARRAYS } from './dtypes.js';
import { InternalError, InvalidInputError, LimitError } from './errors.js';
import { checkFeeds } from './feeds.js';

/** @typedef {import('./plans.js').Plan} Plan */
/** @typedef {import('./plans.js').Plans} Plans */
/** @typedef {import('./protocol.js').Enlistment} Enlistment */
/** @typedef {import('./protocol.js').Feeds} Feeds */
/** @typedef {(table: number, first: number, count: number, thread: number, threads: number, epoch: number) => void} Run */

const PAGE = 65536;

const STATUS = 16 / 4; // where a kernel writes that it met invalid data
const AWAKE = 76 / 4; // 1 where thread 0 must not sleep while it waits for others

// Words of the memory's reserved first kilobyte that belong to the host; the module itself uses bytes 64 to 191.
// Each has a cache line of its own.
const GENERATION = 512 / 4; // changes twice a run: odd while the orders are written, then even, which wakes the followers
const UNDERWAY = 576 / 4; // followers that have read orders and may be in `run`
const DISMISSED = 640 / 4; // 1 once the followers are free to go
const ORDERS = 704 / 4; // threads, table, steps and epoch of this run

const MOST_SPIN_MS = 5000; // where sleeping is not allowed: the others must have broken down
const SPIN_MS = 0.05; // in which other threads mostly come round; runs far apart should neither heat a machine nor take a core from the page

const now = () => performance.now();
/** A hint to the processor inside spin loops, where the engine has it. */
const pause = /** @type {{pause?: () => void}} */ (/** @type {unknown} */ (Atomics)).pause ?? (() => {});

/**
 * What stays in memory whichever plan runs, and the code, as they are saved.
 * @typedef {{code: Uint8Array<ArrayBuffer>, simd: 'relaxed' | 'baseline', constants: [address: number, nbytes: number][]}} Held
 */

/** A loaded model on the thread that leads. */
export class Runtime {
  #memory;
  #run;
  #control;
  /** @type {Plan} whose tables lie in memory */
  #plan;
  #current = 0;
  /** How many steps have run on several threads, which numbers those of the next run. */
  #epoch = 0;
  /** How many threads run it, this one included. */
  threads = 1;
  /** Runs of fewer multiply-accumulates stay on this thread. */
  leastMacs = 0;
  #mayWait = true;

  /**
   * The constants must be in memory already; the first plan becomes the current one.
   * @param {WebAssembly.Module} module
   * @param {WebAssembly.Memory} memory
   * @param {Run} run
   * @param {Plans} plans
   * @param {Held} held
   */
  constructor(module, memory, run, plans, held) {
    /** @readonly */ this.module = module;
    /** @readonly */ this.plans = plans;
    /** @readonly */ this.held = held;
    this.#memory = memory;
    this.#run = run;
    this.#control = new Int32Array(memory.buffer, 0, 256);
    this.#plan = plans.at(0);
    this.#enter();
  }

  /** The plan that runs next, unless other shapes come. */
  get plan() {
    return this.#plan;
  }

  /** The bytes of memory that the model holds. */
  get memoryBytes() {
    return this.#memory.buffer.byteLength;
  }

  /** What a page may know of it. */
  get facts() {
    const { inputs, outputs, macs, arenaBytes } = this.#plan;
    const sizes = { memoryBytes: this.memoryBytes, codeBytes: this.held.code.length, macs, arenaBytes };
    return { threads: this.threads, plans: this.plans.count, inputs, outputs, ...sizes };
  }

  /** Whether other threads may run it. */
  get isShared() {
    return !(this.#memory.buffer instanceof ArrayBuffer);
  }

  /** Never lets this thread sleep, as a page's own may not. */
  stayAwake() {
    this.#mayWait = false;
    Atomics.store(this.#control, AWAKE, 1);
  }

  /**
   * A copy of bytes of the memory.
   * @param {number} address
   * @param {number} nbytes
   */
  read(address, nbytes) {
    const copy = new Uint8Array(nbytes);
    copy.set(new Uint8Array(this.#memory.buffer, address, nbytes));
    return copy;
  }

  /**
   * What a worker needs to become thread `thread`.
   * @param {number} thread
   * @returns {Enlistment}
   */
  enlistment(thread) {
    return { module: this.module, memory: this.#memory, thread };
  }

  /**
   * Runs once, by the plan for the inputs' shapes: copies the inputs in, computes, and copies the outputs out.
   * @param {Feeds} feeds
   * @returns {Feeds} arrays that own their memory
   */
  run(feeds) {
    this.#copyIn(feeds);
    this.#judge(this.#compute());
    return this.#copyOut();
  }

  /**
   * Runs once, step by step and on this thread alone.
   * @param {Feeds} feeds
   * @returns {{outputs: Feeds, times: Float64Array}} times: of each step, in ms
   */
  profile(feeds) {
    this.#copyIn(feeds);
    const { table, steps } = this.#plan.main;
    const times = new Float64Array(steps).map((_, step) => {
      const start = now();
      this.#run(table, step, 1, 0, 1, 0);
      return now() - start;
    });
    this.#judge(Atomics.exchange(this.#control, STATUS, 0));
    return { outputs: this.#copyOut(), times };
  }

  /**
   * @param {Feeds} feeds
   */
  #copyIn(feeds) {
    checkFeeds(this.plans.inputs, feeds);
    const index = this.plans.find(feeds);
    if (index !== this.#current) {
      this.#plan = this.plans.at(index);
      this.#current = index;
      this.#enter();
    }
    const bytes = new Uint8Array(this.#memory.buffer);
    for (const { name, offset } of this.#plan.inputs) {
      const { buffer, byteOffset, byteLength } = feeds[name].data;
      bytes.set(new Uint8Array(buffer, byteOffset, byteLength), offset);
    }
  }

  /** @param {number} complaint of a kernel, or 0 */
  #judge(complaint) {
    if (complaint !== 0) throw new InvalidInputError('an index in the input lies outside the tensor that it points into');
  }

  #copyOut() {
    /** @type {Feeds} */
    const outputs = {};
    for (const { name, dtype, shape, offset, nbytes } of this.#plan.outputs) {
      outputs[name] = { type: dtype, data: new ARRAYS[dtype](this.read(offset, nbytes).buffer), dims: shape };
    }
    return outputs;
  }

  /** Runs on zeros, so that engines compile the hot functions before the first real input. */
  warmUp() {
    const bytes = new Uint8Array(this.#memory.buffer);
    // Written each time: other values may take the inputs' place in memory once they are used.
    for (const { offset, nbytes } of this.#plan.inputs) bytes.fill(0, offset, offset + nbytes);
    this.#compute();
  }

  /** Lets the followers go. The runtime can't be used after it. */
  dismiss() {
    Atomics.store(this.#control, DISMISSED, 1);
    this.#order(0, 0, 0, 0);
  }

  /** Makes room for the current plan, and writes its tables. */
  #enter() {
    this.#recall();
    const { address, tables, end } = this.#plan;
    const missing = Math.ceil((end - this.memoryBytes) / PAGE);
    if (missing > 0) {
      try {
        this.#memory.grow(missing);
      } catch (error) {
        throw lacksMemory(end, error);
      }
      this.#control = new Int32Array(this.#memory.buffer, 0, 256);
    }
    new Uint8Array(this.#memory.buffer).set(new Uint8Array(tables.buffer, tables.byteOffset, tables.byteLength), address);
  }

  /**
   * Wakes the followers for a run.
   * @param {number[]} orders threads, table, steps and epoch
   */
  #order(...orders) {
    Atomics.add(this.#control, GENERATION, 1);
    orders.forEach((word, i) => Atomics.store(this.#control, ORDERS + i, word));
    Atomics.add(this.#control, GENERATION, 1);
    Atomics.notify(this.#control, GENERATION);
  }

  /** Waits until no follower looks at the tables, nor will before it gets orders. */
  #recall() {
    if (this.threads === 1) return;
    Atomics.store(this.#control, ORDERS, 0); // for those that have not come to read them yet
    for (let left; (left = Atomics.load(this.#control, UNDERWAY)) > 0; ) awaitChange(this.#control, UNDERWAY, left, this.#mayWait);
  }

  /** Runs all steps; gives a kernel's complaint about the data, or 0. */
  #compute() {
    const { table, steps } = this.#plan.main;
    const threads = this.#plan.macs < this.leastMacs ? 1 : Math.min(this.threads, this.#plan.threads);
    if (threads > 1) this.#order(threads, table, steps, this.#epoch);
    this.#run(table, 0, steps, 0, threads, this.#epoch);
    if (threads > 1) this.#epoch = (this.#epoch + steps) | 0;
    return Atomics.exchange(this.#control, STATUS, 0);
  }
}

/**
 * Serves as one of a model's threads until the leader dismisses it; the worker hears no messages meanwhile.
 * @param {Enlistment} enlistment
 * @param {() => void} onReady called just before the first wait
 */
export async function follow({ module, memory, thread }, onReady) {
  const run = await instantiate(module, memory);
  const control = new Int32Array(memory.buffer, 0, 256);
  onReady();
  for (let seen = 0; ; ) {
    seen = awaitChange(control, GENERATION, seen);
    if (seen % 2) continue; // the leader is writing
    if (Atomics.load(control, DISMISSED)) return;
    Atomics.add(control, UNDERWAY, 1);
    const [threads, table, steps, epoch] = [0, 1, 2, 3].map((i) => Atomics.load(control, ORDERS + i));
    // Unless the leader has begun to write other orders meanwhile, of which these may be a part.
    if (thread < threads && Atomics.load(control, GENERATION) === seen) run(table, 0, steps, thread, threads, epoch);
    Atomics.sub(control, UNDERWAY, 1);
    Atomics.notify(control, UNDERWAY);
  }
}

/**
 * Waits until a word differs from `old`: spins for a moment, since waking a sleeping thread takes long, then sleeps.
 * @param {Int32Array} control
 * @param {number} index
 * @param {number} old
 * @param {boolean} [mayWait] whether this thread may sleep
 * @returns {number} the new value
 */
function awaitChange(control, index, old, mayWait = true) {
  const deadline = now() + (mayWait ? SPIN_MS : MOST_SPIN_MS);
  do {
    for (let i = 0; i < 64; i++) {
      const value = Atomics.load(control, index);
      if (value !== old) return value;
      pause();
    }
  } while (now() < deadline);
  if (!mayWait) throw new InternalError('another thread broke down');
  for (;;) {
    Atomics.wait(control, index, old);
    const value = Atomics.load(control, index);
    if (value !== old) return value;
  }
}

/**
 * A memory that may grow to `most` bytes, where the browser has room to keep free for that.
 * @param {number} nbytes
 * @param {number} most
 * @param {boolean} shared
 * @returns {WebAssembly.Memory}
 */
export function makeMemory(nbytes, most, shared) {
  const [initial, maximum] = [Math.ceil(nbytes / PAGE), Math.ceil(most / PAGE)];
  try {
    return new WebAssembly.Memory({ initial, maximum, shared });
  } catch (error) {
    throw lacksMemory(most, error);
  }
}

/**
 * @param {number} nbytes
 * @param {unknown} error
 */
function lacksMemory(nbytes, error) {
  return new LimitError(`the model needs ${Math.ceil(nbytes / 2 ** 20)} MiB of memory, and the browser can't give that much (${error})`);
}

/**
 * The `run` that a module exports, over a memory.
 * @param {WebAssembly.Module} module
 * @param {WebAssembly.Memory} memory
 * @returns {Promise<Run>}
 */
export async function instantiate(module, memory) {
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  if (typeof instance.exports.run !== 'function') throw new InternalError('the code exports no function run');
  return /** @type {Run} */ (instance.exports.run);
}
