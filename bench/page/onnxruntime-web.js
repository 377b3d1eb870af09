// @ts-check
/** @file onnxruntime-web's Wasm provider as the benchmark drives it. */

// @ts-ignore: the package is installed by the benchmark
import * as ort from './onnxruntime-web/ort.wasm.min.mjs';
import { values } from './bench.js';

/** @param {{model: string, threads: number, input: string, shape: number[]}} task */
export async function create({ model, threads, input, shape }) {
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = new URL('./onnxruntime-web/', location.href).href;
  const bytes = new Uint8Array(await (await fetch(model)).arrayBuffer());
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
  const size = shape.reduce((a, b) => a * b, 1);
  const feeds = { [input]: new ort.Tensor('float32', values(size), shape) };
  return {
    details: {},
    async run() {
      const outputs = await session.run(feeds);
      return outputs[session.outputNames[0]].data;
    },
  };
}
