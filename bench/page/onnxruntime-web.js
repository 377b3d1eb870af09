// @ts-check
/** @file onnxruntime-web's Wasm provider as the benchmark drives it. */

// @ts-ignore: the package is installed by the benchmark
import * as ort from './onnxruntime-web/ort.wasm.min.mjs';
import { readFeeds } from './feeds.js';

/** @param {import('./feeds.js').Task} task */
export async function create(task) {
  ort.env.logLevel = 'fatal';
  ort.env.wasm.numThreads = task.threads;
  ort.env.wasm.wasmPaths = new URL('./onnxruntime-web/', location.href).href;
  const bytes = new Uint8Array(await (await fetch(task.model)).arrayBuffer());
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
  const feeds = Object.fromEntries((await readFeeds(task)).map(({ name, dtype, shape, data }) => [name, new ort.Tensor(dtype, data, shape)]));
  return {
    details: {},
    async run() {
      const outputs = await session.run(feeds);
      return outputs[session.outputNames[0]].data;
    },
  };
}
