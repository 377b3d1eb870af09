/** Uses of the package that compile under strict TypeScript. */

import {
  env,
  InferenceSession,
  InvalidInputError,
  pipeline,
  Tensor,
  type Classification,
  type ProgressEvent,
  type SessionOptions,
} from 'wasmkiln';

export async function right(bytes: Uint8Array, image: Blob): Promise<number[]> {
  env.wasm.numThreads = 2;
  env.pyodide.indexURL = '/pyodide/';
  const options: SessionOptions = {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
    freeDimensionOverrides: { batch: 1 },
    externalData: [{ path: 'weights.bin', data: bytes }, 'more.bin'],
    signal: new AbortController().signal,
    progress: (event: ProgressEvent) => event.status === 'progress' && event.loaded,
    threads: 1,
  };
  await using session = await InferenceSession.create('model.onnx', options);
  const part: InferenceSession = await InferenceSession.create(bytes.buffer as ArrayBuffer, 0, 10, options);
  const feeds = {
    a: new Tensor('float32', new Float32Array(6), [2, 3]),
    b: new Tensor('int64', [1, 2, 3]),
    c: new Tensor('float16', new Uint16Array(2)),
    d: new Tensor('bool', [true]),
    e: new Tensor(new Int32Array(2), [2]),
  };
  const typed: Float32Array = feeds.a.data;
  const integers: BigInt64Array = feeds.b.data;
  const { y } = await session.run(feeds, ['y']);
  await session.run(feeds, { y: new Tensor('float32', typed) }, { tag: 'x' });
  if (y.type === 'float32') console.log((y.data as Float32Array)[0], integers[0], y.dims[0], y.size);
  const dims: readonly (number | string)[] = session.inputMetadata[0].shape;
  session.startProfiling();
  const times: number[] = session.endProfiling().map((row) => row.ms);
  const picture = await Tensor.fromImage(image, { tensorFormat: 'BGR', resizedWidth: 224, resizedHeight: 224 });
  const drawn: ImageData = picture.toImageData();
  const classify = await pipeline('image-classification', null, { progress: () => {} });
  const best: Classification[] = await classify(image, { top_k: 3 });
  console.log(best[0].label, best[0].score, drawn.width, dims.length, picture.reshape([1, 1]).location);
  await classify.dispose();
  try {
    await part.release();
  } catch (error) {
    if (error instanceof InvalidInputError) console.log(error.message);
  }
  return times;
}
