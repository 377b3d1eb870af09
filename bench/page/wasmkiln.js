// @ts-check
/** @file wasmkiln as the benchmark drives it. */

import { InferenceSession, Tensor } from '../session.js';
import { values } from './bench.js';

/** @param {{model: string, threads: number, input: string, shape: number[]}} task */
export async function create({ model, threads, input, shape }) {
  const session = await InferenceSession.create(new URL(model, location.href), { threads, shapes: { [input]: shape } });
  const size = shape.reduce((a, b) => a * b, 1);
  const feeds = { [input]: new Tensor('float32', values(size), shape) };
  return {
    details: { stats: session.stats },
    async run() {
      const outputs = await session.run(feeds);
      return /** @type {Float32Array} */ (outputs[session.outputNames[0]].data);
    },
  };
}
