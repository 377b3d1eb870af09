// @ts-check
/**
 * @file Places the nodes of a graph in layers from top to bottom (Sugiyama's method): layers by the longest path, order within
 * them by barycentres of neighbours, and edges over several layers bent around what lies between.
 */

/** @typedef {{from: number, to: number}} Edge */
/** @typedef {{x: number, y: number}} Point */

/**
 * Where everything lies: the middle of each node, and for each edge the points that it goes through.
 * @typedef {{nodes: Point[], edges: Point[][], layers: number[][], width: number, height: number}} Layout
 */

/** A node of the model, or (`real` being false) a bend of an edge. @typedef {{layer: number, width: number, real: boolean, x: number}} Item */

const SWEEPS = 6;
const BEND_WIDTH = 24;

/**
 * @param {readonly number[]} widths of the nodes, in an order in which edges lead forward
 * @param {readonly Edge[]} edges
 * @param {{rowHeight: number, gap: number}} spacing
 * @returns {Layout}
 */
export function layOut(widths, edges, { rowHeight, gap }) {
  const depth = layersOf(widths.length, edges);
  /** @type {Item[]} */
  const items = widths.map((width, i) => ({ layer: depth[i], width, real: true, x: 0 }));
  const paths = edges.map((edge) => bends(edge, items));
  /** @type {number[][]} */
  const layers = [];
  items.forEach(({ layer }, i) => (layers[layer] ??= []).push(i));
  const { above, below } = neighbours(items.length, paths);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    order(sweep % 2 ? layers.toReversed() : layers, sweep % 2 ? below : above);
  }
  place(layers, items, above, below, gap);
  const left = Math.min(...items.map(({ x, width }) => x - width / 2));
  const right = Math.max(...items.map(({ x, width }) => x + width / 2));
  const point = (/** @type {number} */ i) => ({ x: items[i].x - left, y: (items[i].layer + 0.5) * rowHeight });
  return {
    nodes: widths.map((_, i) => point(i)),
    edges: paths.map((path) => path.map(point)),
    layers: layers.map((layer) => layer.filter((i) => items[i].real)),
    width: right - left,
    height: layers.length * rowHeight,
  };
}

/**
 * @param {number} count
 * @param {readonly Edge[]} edges
 */
function layersOf(count, edges) {
  const depth = new Array(count).fill(0);
  for (const { from, to } of edges.toSorted((a, b) => a.from - b.from)) depth[to] = Math.max(depth[to], depth[from] + 1);
  return depth;
}

/**
 * The items of an edge, with a new one in each layer that it crosses.
 * @param {Edge} edge
 * @param {Item[]} items
 */
function bends({ from, to }, items) {
  const path = [from];
  for (let layer = items[from].layer + 1; layer < items[to].layer; layer++) {
    path.push(items.push({ layer, width: BEND_WIDTH, real: false, x: 0 }) - 1);
  }
  path.push(to);
  return path;
}

/**
 * @param {number} count
 * @param {number[][]} paths
 */
function neighbours(count, paths) {
  const above = /** @type {number[][]} */ (Array.from({ length: count }, () => []));
  const below = /** @type {number[][]} */ (Array.from({ length: count }, () => []));
  for (const path of paths) {
    for (let i = 1; i < path.length; i++) {
      above[path[i]].push(path[i - 1]);
      below[path[i - 1]].push(path[i]);
    }
  }
  return { above, below };
}

/**
 * Sorts each layer by the mean place of its items' neighbours in the one before.
 * @param {number[][]} layers
 * @param {number[][]} towards
 */
function order(layers, towards) {
  const place = new Map();
  for (const layer of layers) {
    const mean = new Map(
      layer.map((item, i) => {
        const places = towards[item].map((other) => place.get(other)).filter((p) => p !== undefined);
        return [item, places.length ? places.reduce((a, b) => a + b, 0) / places.length : (place.get(item) ?? i - (layer.length - 1) / 2)];
      }),
    );
    layer.sort((a, b) => /** @type {number} */ (mean.get(a)) - /** @type {number} */ (mean.get(b)));
    layer.forEach((item, i) => place.set(item, i - (layer.length - 1) / 2));
  }
}

/**
 * Gives each item its place across: where its neighbours are, as far as those beside it leave room.
 * @param {number[][]} layers
 * @param {Item[]} items
 * @param {number[][]} above
 * @param {number[][]} below
 * @param {number} gap
 */
function place(layers, items, above, below, gap) {
  for (const layer of layers) spread(layer, items, layer.map(() => 0), gap);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const towards = sweep % 2 ? below : above;
    for (const layer of sweep % 2 ? layers.toReversed() : layers) {
      const wanted = layer.map((i) => (towards[i].length ? towards[i].reduce((sum, other) => sum + items[other].x, 0) / towards[i].length : items[i].x));
      spread(layer, items, wanted, gap);
    }
  }
}

/**
 * Puts the items of a layer as near as may be to where they want to be: those that would overlap form a block around their mean.
 * @param {number[]} layer
 * @param {Item[]} items
 * @param {number[]} wanted
 * @param {number} gap
 */
function spread(layer, items, wanted, gap) {
  /** @type {{members: number[], offsets: number[], sum: number, width: number}[]} */
  const blocks = [];
  layer.forEach((item, i) => {
    const { width } = items[item];
    blocks.push({ members: [item], offsets: [width / 2], sum: wanted[i] - width / 2, width });
    while (blocks.length > 1 && start(blocks[blocks.length - 2]) + blocks[blocks.length - 2].width + gap > start(blocks[blocks.length - 1])) {
      const [one, two] = blocks.splice(-2);
      const shift = one.width + gap;
      blocks.push({
        members: [...one.members, ...two.members],
        offsets: [...one.offsets, ...two.offsets.map((offset) => offset + shift)],
        sum: one.sum + two.sum - shift * two.members.length,
        width: shift + two.width,
      });
    }
  });
  for (const block of blocks) block.members.forEach((item, i) => (items[item].x = start(block) + block.offsets[i]));
}

/** @param {{members: number[], sum: number}} block */
function start({ members, sum }) {
  return sum / members.length;
}
