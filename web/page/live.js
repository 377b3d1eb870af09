// @ts-check
/** @file Calm figures from a fast stream: classes averaged over the last moments, and how many come a second. */

/** @typedef {import('../pipeline.js').Classification} Prediction */

const MEMORY_MS = 300; // after which a picture counts for 1/e of the average
const GONE = 0.002; // an average below this is forgotten

/** The likeliest classes, averaged over time with weights that fade. */
export class Average {
  /** @type {Map<number, Prediction>} */
  #classes = new Map();
  #last = -Infinity;

  /**
   * Takes in the likeliest classes of a picture; those that are not among them count as 0.
   * @param {Prediction[]} predictions
   * @param {number} now in ms
   */
  add(predictions, now) {
    const kept = Math.exp((this.#last - now) / MEMORY_MS);
    this.#last = now;
    for (const entry of this.#classes.values()) entry.score *= kept;
    for (const { index, label, score } of predictions) {
      const before = this.#classes.get(index)?.score ?? 0;
      this.#classes.set(index, { index, label, score: before + (1 - kept) * score });
    }
    for (const { index, score } of this.#classes.values()) if (score < GONE) this.#classes.delete(index);
  }

  /**
   * The likeliest classes now.
   * @param {number} count
   */
  best(count) {
    const sorted = [...this.#classes.values()].sort((a, b) => b.score - a.score);
    return sorted.slice(0, count).map((entry) => ({ ...entry }));
  }
}

/** Counts what came within the last second. */
export class Rate {
  /** @type {number[]} */
  #times = [];
  #first = Infinity;

  /** @param {number} now in ms */
  add(now) {
    this.#first = Math.min(this.#first, now);
    this.#times.push(now);
  }

  /**
   * How many a second.
   * @param {number} now in ms
   */
  perSecond(now) {
    const span = Math.min(1000, Math.max(now - this.#first, 1));
    this.#times = this.#times.filter((time) => time > now - 1000);
    return (this.#times.length * 1000) / span;
  }
}

const STABLE_MS = 1500;
const BETWEEN_MS = 4000;

/** Decides when a class is worth telling those who listen: once it has stayed, and not too often. */
export class Herald {
  #label = '';
  #since = 0;
  #told = '';
  #toldAt = -Infinity;

  /**
   * The class to be told now, or null.
   * @param {string} label the likeliest class
   * @param {number} now in ms
   */
  hear(label, now) {
    if (label !== this.#label) [this.#label, this.#since] = [label, now];
    if (label === this.#told || now - this.#since < STABLE_MS || now - this.#toldAt < BETWEEN_MS) return null;
    [this.#told, this.#toldAt] = [label, now];
    return label;
  }
}
