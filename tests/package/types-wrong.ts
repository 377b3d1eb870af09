/** Each line is wrong, and has to fail. */

import { env, InferenceSession, pipeline, Tensor } from 'wasmkiln';

declare const session: InferenceSession;

export const wrong = [
  // @ts-expect-error no such type
  new Tensor('float31', new Float32Array(1)),
  // @ts-expect-error another type's array
  new Tensor('float32', new Float64Array(1)),
  // @ts-expect-error numbers are no half-precision bits
  new Tensor('float16', [1]),
  // @ts-expect-error no such option
  InferenceSession.create('model.onnx', { executionProvider: 'wasm' }),
  // @ts-expect-error sizes are numbers
  InferenceSession.create('model.onnx', { freeDimensionOverrides: { batch: '1' } }),
  // @ts-expect-error no model
  InferenceSession.create(),
  // @ts-expect-error arrays are no tensors
  session.run({ x: new Float32Array(1) }),
  // @ts-expect-error no such option
  session.run({}, ['y'], { speed: 'fast' }),
  // @ts-expect-error no such task
  pipeline('translation'),
  // @ts-expect-error a misspelt setting
  (env.wasm.numThread = 1),
  // @ts-expect-error there is no such property
  session.outputs,
];
