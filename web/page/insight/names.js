// @ts-check
/** @file How people are told of fused nodes and kernels. */

/** @typedef {import('../../protocol.js').FusedGraph} FusedGraph */
/** @typedef {import('../../protocol.js').FusedNode} FusedNode */

/**
 * A kind of work: its key, its name, and what the names of its kernels begin with.
 * @typedef {{key: string, name: string, starts: RegExp}} Family
 */

/** @type {readonly Family[]} */
export const FAMILIES = Object.freeze([
  { key: 'block', name: 'Fused blocks of convolutions', starts: /^bottleneck/ },
  { key: 'conv', name: 'Convolutions', starts: /^(conv|winograd|col2im)/ },
  { key: 'depthwise', name: 'Depthwise convolutions', starts: /^depthwise/ },
  { key: 'product', name: 'Matrix products and 1×1 convolutions', starts: /^(gemm|dot|nbits|blockwise)/ },
  { key: 'attention', name: 'Attention', starts: /^(attention|linear_attention)/ },
  { key: 'recurrent', name: 'Recurrent layers', starts: /^rnn/ },
  { key: 'reduce', name: 'Sums, norms and pooling', starts: /^(reduce|softmax|rmsnorm|norm|layernorm|lrn|pool|arg|cumulative)/ },
  { key: 'element', name: 'Element by element', starts: /^map/ },
  { key: 'move', name: 'Moving and resizing', starts: /^(copy|transpose|pack|pick|gather|scatter|bilinear|resample|nearest|resize)/ },
  { key: 'other', name: 'Everything else', starts: /^/ },
]);

/** Operators with bodies: what was made of one says little by its name. */
const BODIES = new Set(['If', 'Loop', 'Scan', 'SequenceMap']);

/**
 * The kind of work that a kernel does.
 * @param {string} kernel
 * @returns {Family}
 */
export function familyOf(kernel) {
  return /** @type {Family} */ (FAMILIES.find(({ starts }) => starts.test(kernel)));
}

/**
 * What a node is called: what the names of its sources begin with, else that of its first output.
 * @param {FusedNode} node
 * @param {FusedGraph} graph
 */
export function nameOf({ sources, outputs }, graph) {
  // Converters from TensorFlow Lite join all names that a node once had.
  const names = sources.map((index) => graph.sources[index][0].split(';')[0]).filter(Boolean);
  return commonStart(names) || names[0] || outputs[0] || 'unnamed';
}

/**
 * The operators that a node carries out, in order: "Conv + Clip", "MatMul + Add (and 3 more)".
 * @param {FusedNode} node
 * @param {FusedGraph} graph
 */
export function operatorsOf({ sources, op }, graph) {
  const all = sources.map((index) => graph.sources[index][1]);
  const compiled = op.split('(')[0];
  if (!all.length) return compiled;
  if (all.every((name) => BODIES.has(name))) return `${compiled} in ${all[0]}`;
  const distinct = [...new Set(all)];
  const shown = distinct.slice(0, 4).map((name) => {
    const times = all.filter((other) => other === name).length;
    return times > 1 ? `${times} ${name}` : name;
  });
  return shown.join(' + ') + (distinct.length > 4 ? ` + ${distinct.length - 4} more` : '');
}

/**
 * The parts of a name, from the whole model to the single layer.
 * @param {string} name
 */
export function pathOf(name) {
  return name.split('/').filter(Boolean);
}

/**
 * What all names have in common, in whole parts.
 * @param {string[]} names
 */
function commonStart(names) {
  const paths = names.map(pathOf);
  const [first = []] = paths;
  let length = 0;
  while (length < first.length && paths.every((path) => path[length] === first[length])) length++;
  return first.slice(0, length).join('/');
}

/**
 * A tensor's type: "float32[1, 3, 224, 224]".
 * @param {{dtype: string, shape: readonly number[]}} type
 */
export function typeOf({ dtype, shape }) {
  return `${dtype}[${shape.join(', ')}]`;
}
