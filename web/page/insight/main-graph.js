// @ts-check
/** @file The part of a fused graph that is worth drawing: what runs each time, without views and without the weights' way. */

import { familyOf, nameOf, operatorsOf, typeOf } from './names.js';

/** @typedef {import('../../protocol.js').FusedGraph} FusedGraph */

/**
 * A node of the drawing. `facts` are what is told of it, in order.
 * @typedef {{title: string, subtitle: string, kind: 'input' | 'node' | 'output', family: string, facts: [string, string][]}} DrawnNode
 */

/** @typedef {{from: number, to: number, label: string}} DrawnEdge */

/**
 * Inputs, nodes with kernels, and outputs, with the values that go between them.
 * @param {FusedGraph} graph
 * @returns {{nodes: DrawnNode[], edges: DrawnEdge[]}}
 */
export function mainGraph(graph) {
  /** @type {DrawnNode[]} */
  const nodes = [];
  /** @type {DrawnEdge[]} */
  const edges = [];
  /** @type {Map<string, number>} the drawn node from which each value comes */
  const makers = new Map();
  const type = (/** @type {string} */ value) => typeOf(graph.values[value]);
  for (const name of graph.inputs) {
    makers.set(name, nodes.length);
    nodes.push({ title: name, subtitle: type(name), kind: 'input', family: 'none', facts: [['Kind', 'input of the model'], ['Type', type(name)]] });
  }
  for (const node of graph.nodes) {
    if (node.phase === 'init') continue;
    const values = node.inputs.filter((value) => makers.has(value));
    if (!node.kernels.length) {
      // A view is another name for the same memory.
      const maker = makers.get(values[0]);
      if (maker !== undefined) for (const output of node.outputs) makers.set(output, maker);
      continue;
    }
    const index = nodes.length;
    for (const value of new Set(values)) edges.push({ from: /** @type {number} */ (makers.get(value)), to: index, label: type(value) });
    for (const output of node.outputs) makers.set(output, index);
    nodes.push(drawn(node, graph));
  }
  for (const [name, value] of Object.entries(graph.outputs)) {
    const maker = makers.get(value);
    if (maker !== undefined) edges.push({ from: maker, to: nodes.length, label: type(value) });
    nodes.push({ title: name, subtitle: type(value), kind: 'output', family: 'none', facts: [['Kind', 'output of the model'], ['Type', type(value)]] });
  }
  return { nodes, edges };
}

/**
 * @param {import('../../protocol.js').FusedNode} node
 * @param {FusedGraph} graph
 * @returns {DrawnNode}
 */
function drawn(node, graph) {
  const title = nameOf(node, graph);
  const subtitle = operatorsOf(node, graph);
  const list = (/** @type {string[]} */ names) => names.filter(Boolean).map((name) => `${name}: ${graph.values[name] ? typeOf(graph.values[name]) : '?'}`).join('\n');
  const sources = node.sources.map((index) => graph.sources[index]).map(([name, op]) => (name ? `${op} ${name}` : op));
  /** @type {[string, string][]} */
  const facts = [
    ['Made of', sources.join('\n') || 'added by the compiler'],
    ['Kind of work', familyOf(node.kernels[0]).name],
    ['Kernels', node.kernels.join('\n')],
    ['Takes', list(node.inputs)],
    ['Gives', list(node.outputs)],
    ['Multiply-adds', node.macs.toLocaleString('en')],
    ['As compiled', node.op],
  ];
  return { title, subtitle, kind: 'node', family: familyOf(node.kernels[0]).key, facts };
}
