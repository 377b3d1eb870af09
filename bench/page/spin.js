// @ts-check
/** @file How fast the machine is now, and at most: work of a known amount. */

/** A fixed amount of integer work, to tell a disturbed machine from slow code. Gives milliseconds. */
export function spin() {
  const start = performance.now();
  let x = 1;
  for (let i = 0; i < 400_000; i++) x = Math.imul(x, 1664525) + 1013904223;
  spun = x;
  return performance.now() - start;
}

/** Keeps the result of `spin`, so that no engine leaves out the work. */
export let spun = 0;

/**
 * The most that one thread reaches: fused multiply-adds on registers only.
 * @param {number} bursts
 */
export async function measurePeak(bursts) {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const bytes = await (await fetch('peak.wasm')).arrayBuffer();
  const { instance } = await WebAssembly.instantiate(bytes, { env: { memory } });
  const { flops } = await (await fetch('peak.json')).json();
  const work = /** @type {(turns: number) => number} */ (instance.exports.spin);
  const turns = 50_000;
  let best = Infinity;
  for (let i = 0; i < bursts; i++) {
    const start = performance.now();
    work(turns);
    best = Math.min(best, performance.now() - start);
  }
  return { gflops: (flops * turns) / best / 1e6, samples: bursts };
}
