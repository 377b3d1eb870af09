// @ts-check
/** @file The fused graph as a drawing to move about in, with search and the facts of a node; and as a list. */

import { layOut } from '../insight/layout.js';
import { mainGraph } from '../insight/main-graph.js';
import { make, table } from './dom.js';
import { choosable } from './marks.js';
import { loadStyle } from './style.js';
import { draw } from './svg.js';
import { zoomable } from './zoom.js';

/** @typedef {import('../../protocol.js').Explanation} Explanation */
/** @typedef {import('../insight/layout.js').Layout} Layout */
/** @typedef {import('../insight/layout.js').Point} Point */
/** @typedef {import('../insight/main-graph.js').DrawnEdge} DrawnEdge */
/** @typedef {import('../insight/main-graph.js').DrawnNode} DrawnNode */

const MAX_DRAWN = 3000; // nodes; a list is there for any number
const MAX_ROWS = 3000;
const [WIDTH, HEIGHT, ROW, GAP] = [216, 44, 78, 18];
const [TITLE_LETTERS, SUBTITLE_LETTERS] = [27, 33]; // that fit into a node

loadStyle('graph.css');

/**
 * Draws the graph.
 * @param {Explanation} explanation
 * @returns {HTMLElement}
 */
export function drawGraph({ graph }) {
  const { nodes, edges } = mainGraph(graph);
  const carried = nodes.filter(({ kind }) => kind === 'node').length;
  const all = graph.sources.length;
  return make(
    'div',
    { className: 'picture' },
    make('p', {}, summary(all, carried)),
    ...(nodes.length > MAX_DRAWN ? [make('p', { className: 'note' }, `${nodes.length} nodes are too many to draw; below is the list.`)] : drawing(nodes, edges)),
    make('details', { open: nodes.length > MAX_DRAWN }, make('summary', {}, 'The same as a list'), nodeList(nodes)),
  );
}

/**
 * @param {number} all
 * @param {number} carried
 */
function summary(all, carried) {
  const before = `${all} node${all === 1 ? '' : 's'}`;
  return (
    `The file has ${before}; a run does ${carried} piece${carried === 1 ? '' : 's'} of work. Neighbours were fused where one kernel can do several at once, ` +
    'weights were prepared at load, and what only renames data costs nothing. Data flow from top to bottom.'
  );
}

/**
 * @param {DrawnNode[]} nodes
 * @param {DrawnEdge[]} edges
 */
function drawing(nodes, edges) {
  const layout = layOut(nodes.map(() => WIDTH), edges, { rowHeight: ROW, gap: GAP });
  const marks = nodes.map((node, i) => box(node, layout.nodes[i]));
  const lines = edges.map((_, i) => draw('path', { class: 'edge', d: curve(layout.edges[i]), 'marker-end': 'url(#arrow)' }));
  const [width, height] = [layout.width + 2 * GAP, layout.height];
  const svg = draw('svg', { class: 'graph', viewBox: `${-GAP} 0 ${width} ${height}` }, arrow(), draw('g', { 'aria-hidden': 'true' }, ...lines), draw('g', {}, ...marks));
  const view = zoomable(svg, width, height);
  const facts = make('dl', { className: 'node-facts' });
  const title = make('p', { className: 'facts-title' }, '');
  const panel = make('div', { className: 'facts-panel' }, title, facts);
  let shown = -1;
  const choose = choosable(svg, marks, {
    label: `Fused graph, ${nodes.length} nodes; up and down follow the data`,
    onShow(index) {
      // Pointing at a node tells nothing more than its text; a chosen one is described.
      if (marks[index].getAttribute('aria-selected') !== 'true' || index === shown) return;
      shown = index;
      lines.forEach((line, i) => line.classList.toggle('near', edges[i].from === index || edges[i].to === index));
      view.reveal(layout.nodes[index].x + GAP, layout.nodes[index].y);
      title.textContent = nodes[index].title;
      facts.replaceChildren(...nodes[index].facts.filter(([, value]) => value && value !== '0').map(([term, value]) => make('div', {}, make('dt', {}, term), make('dd', {}, value))));
    },
    next: (index, key) => follow(index, key, edges, layout),
  });
  return [search(nodes, marks, choose), view.element, panel];
}

/** The head of an edge. */
function arrow() {
  const head = draw('path', { class: 'arrow', d: 'M0 0 8 4 0 8z' });
  return draw('defs', {}, draw('marker', { id: 'arrow', viewBox: '0 0 8 8', refX: 8, refY: 4, markerWidth: 8, markerHeight: 8, markerUnits: 'userSpaceOnUse', orient: 'auto' }, head));
}

/**
 * @param {DrawnNode} node
 * @param {Point} point
 */
function box({ title, subtitle, kind, family }, { x, y }) {
  const rectangle = draw('rect', { x: x - WIDTH / 2, y: y - HEIGHT / 2, width: WIDTH, height: HEIGHT, rx: kind === 'node' ? 8 : HEIGHT / 2 });
  const lines = [
    draw('text', { class: 'node-title', x, y: y - 4 }, tail(title)),
    draw('text', { class: 'node-subtitle', x, y: y + 13 }, brief(subtitle)),
  ];
  const group = draw('g', { class: `node kind-${kind} family-${family}` }, rectangle, ...lines);
  group.prepend(draw('title', {}, `${title}: ${kind === 'node' ? '' : `${kind}, `}${subtitle}`));
  return group;
}

/**
 * As much of the end of a path as fits: it says more than the start.
 * @param {string} name
 */
function tail(name) {
  if (name.length <= TITLE_LETTERS) return name;
  const end = name.slice(1 - TITLE_LETTERS);
  return `…${end.slice(Math.max(0, end.indexOf('/')))}`;
}

/** @param {string} operators */
function brief(operators) {
  const text = operators.replaceAll('Normalization', 'Norm').replaceAll('quantizeLinear', 'quantize').replaceAll('QuantizeLinear', 'Quantize');
  return text.length <= SUBTITLE_LETTERS ? text : `${text.slice(0, SUBTITLE_LETTERS - 1)}…`;
}

/**
 * A smooth line from the lower edge of a node to the upper one of another, by way of bends.
 * @param {Point[]} points
 */
function curve(points) {
  const path = points.map(({ x, y }, i) => ({ x, y: i === 0 ? y + HEIGHT / 2 : i === points.length - 1 ? y - HEIGHT / 2 - 1 : y }));
  let d = `M${round(path[0].x)} ${round(path[0].y)}`;
  for (let i = 1; i < path.length; i++) {
    const [{ x: x0, y: y0 }, { x, y }] = [path[i - 1], path[i]];
    const middle = round((y0 + y) / 2);
    d += x0 === x ? `V${round(y)}` : `C${round(x0)} ${middle} ${round(x)} ${middle} ${round(x)} ${round(y)}`;
  }
  return d;
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10) / 10;
}

/**
 * Up and down follow an edge, left and right stay in the layer.
 * @param {number} index
 * @param {string} key
 * @param {DrawnEdge[]} edges
 * @param {Layout} layout
 */
function follow(index, key, edges, { layers, nodes }) {
  if (key === 'Home') return layers[0][0];
  if (key === 'End') return layers[layers.length - 1][0];
  if (key === 'ArrowDown' || key === 'ArrowUp') {
    const linked = edges.flatMap(({ from, to }) => (key === 'ArrowDown' ? (from === index ? [to] : []) : to === index ? [from] : []));
    // The nearest layer first, and in it the straightest way.
    return linked.toSorted((a, b) => Math.abs(nodes[a].y - nodes[index].y) - Math.abs(nodes[b].y - nodes[index].y) || Math.abs(nodes[a].x - nodes[index].x) - Math.abs(nodes[b].x - nodes[index].x))[0];
  }
  const layer = /** @type {number[]} */ (layers.find((row) => row.includes(index)));
  return layer[layer.indexOf(index) + (key === 'ArrowRight' ? 1 : -1)];
}

/**
 * A field that marks the nodes with some words; Enter goes from one to the next.
 * @param {DrawnNode[]} nodes
 * @param {SVGElement[]} marks
 * @param {(index: number) => void} choose
 */
function search(nodes, marks, choose) {
  const field = make('input', { type: 'search', autocomplete: 'off', spellcheck: false });
  const count = make('output', {});
  const texts = nodes.map(({ title, subtitle, facts }) => [title, subtitle, ...facts.map(([, value]) => value)].join('\n').toLowerCase());
  /** @type {number[]} */
  let found = [];
  let at = -1;
  field.addEventListener('input', () => {
    const words = field.value.trim().toLowerCase();
    found = words ? texts.flatMap((text, i) => (text.includes(words) ? [i] : [])) : [];
    at = -1;
    marks.forEach((mark, i) => mark.classList.toggle('found', found.includes(i)));
    count.textContent = words ? `${found.length} found${found.length ? ', Enter goes to the next' : ''}` : '';
  });
  field.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !found.length) return;
    event.preventDefault();
    at = (at + (event.shiftKey ? found.length - 1 : 1)) % found.length;
    choose(found[at]);
    count.textContent = `${at + 1} of ${found.length}`;
  });
  return make('div', { className: 'row' }, make('label', { className: 'search' }, make('span', {}, 'Find a node'), field), count);
}

/** @param {DrawnNode[]} nodes */
function nodeList(nodes) {
  const rows = nodes.slice(0, MAX_ROWS).map(({ title, subtitle, facts }) => {
    const [kernels, takes, gives] = ['Kernels', 'Takes', 'Gives'].map((term) => facts.find(([name]) => name === term)?.[1] ?? '');
    return [title, subtitle, make('code', {}, kernels), takes, gives];
  });
  return table('Nodes in the order of the run', ['Node', 'Made of', 'Kernels', 'Takes', 'Gives'], rows);
}
