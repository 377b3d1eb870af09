/** @file What an app does with the package, in its page and in its worker alike. */

import { env, InferenceSession, pipeline, Tensor } from 'wasmkiln';

/** Runs a model on numbers. */
export async function run(url, input, options) {
  const session = await InferenceSession.create(url, options);
  const [{ name, compiled }] = session.inputMetadata;
  const feeds = { [name]: new Tensor('float32', Float32Array.from(input), compiled) };
  const { [session.outputNames[0]]: y } = await session.run(feeds);
  const { threads } = session.stats;
  await session.release();
  return { dims: [...y.dims], data: Array.from(y.data), threads };
}

/** Classifies grey pixels. */
export async function classify(url) {
  const preprocess = { crop: 'none', crop_fraction: 1, resize: 'bicubic', width: 3, height: 2, mean: [0], std: [1], colour: 'grey' };
  const labels = ['a', 'b', 'c', 'd', 'e', 'f'];
  const model = { url, preprocess, labels, output: { name: 'y', kind: 'softmax' } };
  const made = await pipeline('image-classification', model);
  const data = Uint8ClampedArray.from({ length: 24 }, (_, i) => (i % 4 === 3 ? 255 : i));
  const [best] = await made({ data, width: 3, height: 2 }, { top_k: 1 });
  await made.dispose();
  return best.label;
}

/** What an error says. */
export async function failure(url, options) {
  const error = await run(url, [], options).catch((reason) => reason);
  return [error.name, error.message];
}

export { env };
