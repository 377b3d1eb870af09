// @ts-check
/** @file TensorFlow.js on its Wasm backend, fused by hand: carries out the program that bench/tfjs.py wrote. */

import { readFeeds } from './feeds.js';

/**
 * @typedef {Record<string, any> & {op: string, out: string, in: string[]}} Call
 * @typedef {any} TF the library, as its script leaves it
 * @typedef {any} T one of its tensors
 */

/** @param {string} url */
function loadScript(url) {
  return new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement('script'), { src: url, onload: resolve, onerror: () => reject(new Error(`no ${url}`)) });
    document.head.append(script);
  });
}

/** @param {import('./feeds.js').Task} task */
export async function create(task) {
  const name = task.model.replace(/\.onnx$/, '');
  const answer = await fetch(`${name}.tfjs.json`);
  const program = await answer.json();
  if (program.missing) throw new Error(program.missing);
  await loadScript('tfjs/tf-core.min.js');
  await loadScript('tfjs/tf-backend-wasm.min.js');
  const tf = /** @type {TF} */ (globalThis).tf;
  tf.wasm.setWasmPaths(new URL('./tfjs/', location.href).href);
  tf.wasm.setThreadsCount(task.threads);
  await tf.setBackend('wasm');
  const data = await (await fetch(`${name}.tfjs.bin`)).arrayBuffer();
  /** @type {Map<string, T>} */
  const weights = new Map();
  let at = 0;
  for (const { name: weight, dtype, shape } of program.weights) {
    const size = shape.reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b, 1);
    const values = dtype === 'float32' ? new Float32Array(data, at, size) : new Int32Array(data, at, size);
    weights.set(weight, tf.tensor(values, shape, dtype));
    at += 4 * size;
  }
  const feeds = await readFeeds(task);
  return {
    details: { threads: tf.wasm.getThreadsCount(), version: tf.version_core },
    async run() {
      const result = tf.tidy(() => {
        const values = new Map(weights);
        for (const { name: input, dtype, shape, data: given } of feeds) {
          const kind = dtype === 'float32' ? 'float32' : 'int32';
          values.set(input, tf.tensor(kind === 'float32' ? given : Int32Array.from(/** @type {any} */ (given), Number), shape, kind));
        }
        for (const call of program.calls) carryOut(tf, call, values);
        return values.get(program.output);
      });
      const out = await result.data();
      result.dispose();
      return out;
    },
  };
}

/**
 * @param {TF} tf
 * @param {Call} call
 * @param {Map<string, T>} values
 */
function carryOut(tf, call, values) {
  const inputs = call.in.map((name) => values.get(name));
  if (call.op === 'split') {
    const parts = tf.split(inputs[0], call.sizes, call.axis);
    call.outs.forEach((/** @type {string} */ out, /** @type {number} */ i) => values.set(out, parts[i]));
    return;
  }
  const rule = RULES[call.op];
  values.set(call.out, rule ? rule(tf, inputs, call) : tf[call.op](...inputs));
}

/** Operators whose arguments aren't just their inputs. @type {Record<string, (tf: TF, inputs: T[], call: Call) => T>} */
const RULES = {
  conv2d: (tf, [x, filter, bias], { strides, pad, activation }) =>
    tf.fused.conv2d({ x, filter, bias, strides, pad: padding(pad), activation: activation ?? 'linear' }),
  depthwiseConv2d: (tf, [x, filter, bias], { strides, pad, activation }) =>
    tf.fused.depthwiseConv2d({ x, filter, bias, strides, pad: padding(pad), activation: activation ?? 'linear' }),
  conv2dTranspose: (tf, [x, filter, bias], { strides }) => {
    const [n, h, w] = x.shape;
    const y = tf.conv2dTranspose(x, filter, [n, h * strides[0], w * strides[1], filter.shape[2]], strides, 'valid');
    return bias ? tf.add(y, bias) : y;
  },
  maxPool: (tf, [x], { size, strides, pad }) => tf.maxPool(x, size, strides, padding(pad)),
  mean: (tf, [x], { axes }) => tf.mean(x, axes, true),
  resizeBilinear: (tf, [x], { scale, half }) => tf.image.resizeBilinear(x, resized(x, scale), false, half),
  resizeNearest: (tf, [x], { scale, half }) => tf.image.resizeNearestNeighbor(x, resized(x, scale), false, half),
  concat: (tf, inputs, { axis }) => tf.concat(inputs, axis),
  flatten: (tf, [x]) => tf.reshape(x, [x.shape[0], -1]),
  reshape: (tf, [x], { shape }) => tf.reshape(x, shape.map((/** @type {number} */ d, /** @type {number} */ i) => (d === 0 ? x.shape[i] : d))),
  transpose: (tf, [x], { perm }) => tf.transpose(x, perm),
  gather: (tf, [x, indices], { axis }) => tf.gather(x, indices, axis),
  cast: (tf, [x], { dtype }) => tf.cast(x, dtype),
  expandDims: (tf, [x], { axes }) => axes.reduce((/** @type {T} */ t, /** @type {number} */ axis) => tf.expandDims(t, axis), x),
  clip: (tf, [x], { low, high }) => tf.clipByValue(x, low, high),
  hardSigmoid: (tf, [x]) => tf.div(tf.relu6(tf.add(x, 3)), 6),
  hardSwish: (tf, [x]) => tf.mul(x, tf.div(tf.relu6(tf.add(x, 3)), 6)),
  gelu: (tf, [x]) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)),
  layerNorm: (tf, [x, scale, bias], { epsilon }) => {
    const centred = tf.sub(x, tf.mean(x, -1, true));
    const variance = tf.mean(tf.square(centred), -1, true);
    return tf.add(tf.mul(tf.mul(centred, tf.rsqrt(tf.add(variance, epsilon))), scale), bias);
  },
  squeeze: (tf, [x], { axes }) => tf.squeeze(x, axes),
  lstm: (tf, [x, w, r, wb, rb], { hidden }) => {
    const bias = tf.add(wb, rb);
    let cell = tf.zeros([x.shape[1], hidden]);
    return recur(tf, x, w, bias, hidden, (given, before) => {
      const [input, output, forget, fresh] = tf.split(tf.add(given, tf.matMul(before, r)), 4, 1);
      cell = tf.add(tf.mul(tf.sigmoid(forget), cell), tf.mul(tf.sigmoid(input), tf.tanh(fresh)));
      return tf.mul(tf.sigmoid(output), tf.tanh(cell));
    });
  },
  gru: (tf, [x, w, r, wb, rb], { hidden }) =>
    recur(tf, x, w, wb, hidden, (given, before) => {
      const [z, reset, fresh] = tf.split(given, 3, 1);
      const [hz, hr, hn] = tf.split(tf.fused.matMul({ a: before, b: r, bias: rb }), 3, 1);
      const kept = tf.sigmoid(tf.add(z, hz));
      const next = tf.tanh(tf.add(fresh, tf.mul(tf.sigmoid(tf.add(reset, hr)), hn)));
      return tf.add(next, tf.mul(kept, tf.sub(before, next)));
    }),
  fusedMatMul: (tf, [x, weight, bias], { activation }) => {
    const rows = x.rank > 2 ? tf.reshape(x, [-1, x.shape[x.rank - 1]]) : x;
    const y = tf.fused.matMul({ a: rows, b: weight, bias, activation: activation ?? 'linear' });
    return x.rank > 2 ? tf.reshape(y, [...x.shape.slice(0, -1), weight.shape[1]]) : y;
  },
};

/**
 * All steps of a recurrent layer: the products of the inputs at once, then step by step. Gives [steps, 1, batch, hidden].
 * @param {TF} tf
 * @param {T} x
 * @param {T} w
 * @param {T} bias
 * @param {number} hidden
 * @param {(given: T, before: T) => T} step
 */
function recur(tf, x, w, bias, hidden, step) {
  const [steps, batch, size] = x.shape;
  const given = tf.fused.matMul({ a: tf.reshape(x, [steps * batch, size]), b: w, bias });
  let state = tf.zeros([batch, hidden]);
  const states = tf.split(given, steps, 0).map((/** @type {T} */ part) => (state = step(part, state)));
  return tf.reshape(tf.concat(states, 0), [steps, 1, batch, hidden]);
}

/** TensorFlow.js is at its best where padding has a name. @param {number[][]} pad */
function padding(pad) {
  return pad.flat().every((p) => p === 0) ? 'valid' : pad;
}

/**
 * @param {T} x
 * @param {number[]} scale
 */
function resized(x, scale) {
  return [Math.floor(x.shape[1] * scale[0]), Math.floor(x.shape[2] * scale[1])];
}
