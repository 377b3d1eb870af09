// @ts-check
/** @file The times of a model's steps over some runs. */

/**
 * A step: the kernel that it runs, the nodes of the model that it carries out, the median of its times, and its multiply-accumulates.
 * @typedef {{node: string, kernel: string, ms: number, macs: number, runs: number}} ProfileRow
 */

/** @typedef {import('./protocol.js').NamedStep} NamedStep */

/** Collects the times of runs. */
export class Profile {
  /** @type {Float64Array[]} */
  #runs = [];
  #steps;

  /** @param {readonly NamedStep[]} steps may be unknown, and then is empty */
  constructor(steps) {
    this.#steps = steps;
  }

  /** @param {Float64Array} times in ms, by step */
  add(times) {
    this.#runs.push(times);
  }

  /**
   * In the order of the steps.
   * @returns {ProfileRow[]}
   */
  rows() {
    const runs = this.#runs.length;
    const count = this.#steps.length || this.#runs[0]?.length || 0;
    return Array.from({ length: runs ? count : 0 }, (_, i) => {
      const { node, kernel, macs } = this.#steps[i] ?? { node: '', kernel: `step ${i + 1}`, macs: 0 };
      return { node, kernel, ms: median(this.#runs.map((times) => times[i])), macs, runs };
    });
  }
}

/** @param {number[]} values */
function median(values) {
  const sorted = values.sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
