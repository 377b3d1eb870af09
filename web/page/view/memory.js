// @ts-check
/** @file The memory plan as a picture: time goes from start to end, addresses upwards, and each tensor is a rectangle. */

import { nameOf, operatorsOf, typeOf } from '../insight/names.js';
import { make, table } from './dom.js';
import { formatBytes } from './format.js';
import { choosable } from './marks.js';

/** @typedef {import('../../protocol.js').Explanation} Explanation */
/** @typedef {import('../../protocol.js').MemoryBuffer} MemoryBuffer */

/** A buffer as it is shown; steps are those of a run. @typedef {MemoryBuffer & {title: string, what: string, role: string}} Shown */

const MAX_ROWS = 1000;
const ROLES = /** @type {Record<string, string>} */ ({ input: 'input', output: 'output', temporary: 'in between', scratch: 'scratch for one step' });

/**
 * Draws the plan.
 * @param {Explanation} explanation
 * @returns {HTMLElement}
 */
export function drawMemory(explanation) {
  const { memory } = explanation;
  const buffers = buffersOfRun(explanation);
  const base = Math.min(...buffers.map((b) => b.offset));
  const top = Math.max(...buffers.map((b) => b.offset + b.bytes));
  const height = top - base || 1;
  const peak = peakOf(buffers, memory.steps);
  const readout = make('p', { className: 'readout' }, 'Point at a rectangle to read its name and size, or use the arrow keys.');
  const marks = buffers.map((buffer) => rectangle(buffer, base, height, memory.steps));
  const map = make('div', { className: 'memory-map' }, ...marks);
  choosable(map, marks, {
    label: `Memory plan of one run: ${buffers.length} tensors over ${memory.steps} steps`,
    onShow: (index) => readout.replaceChildren(make('strong', {}, buffers[index].title), ` ${buffers[index].what}`),
  });
  return make(
    'div',
    { className: 'picture' },
    make('p', {}, summary(explanation, height, peak)),
    shares(memory.weightBytes, height),
    frame(map, peak, memory.steps, height),
    legend(buffers),
    readout,
    make('p', { className: 'note' }, note(memory.arenaBytes, height)),
    make('details', {}, make('summary', {}, 'The same as a table'), memoryTable(buffers)),
  );
}

/**
 * The buffers that a run uses, without constants; those that loading needs before it are left out.
 * @param {Explanation} explanation
 * @returns {Shown[]}
 */
function buffersOfRun({ graph, memory }) {
  const start = memory.initSteps;
  return memory.buffers
    .filter((buffer) => buffer.kind !== 'constant' && buffer.last >= start)
    .map((buffer) => {
      const node = graph.nodes[buffer.node];
      const user = node ? `${nameOf(node, graph)} (${operatorsOf(node, graph)})` : 'the host';
      const [name] = buffer.names;
      const [first, last] = [Math.max(0, buffer.first - start), buffer.last - start];
      const role = !name && buffer.kind === 'temporary' ? 'scratch' : buffer.kind;
      const type = name && graph.values[name] ? `${typeOf(graph.values[name])}, ` : '';
      const alive = first === last ? `alive in step ${first + 1}` : `alive from step ${first + 1} to ${last + 1}`;
      const maker = role === 'input' ? 'first read by' : role === 'scratch' ? 'used by' : 'made by';
      const what = `${ROLES[role]}: ${type}${formatBytes(buffer.bytes)}, ${alive}, ${maker} ${user}`;
      return { ...buffer, first, last, role, what, title: name ?? 'scratch' };
    });
}

/**
 * @param {Shown} buffer
 * @param {number} base
 * @param {number} height
 * @param {number} steps
 */
function rectangle(buffer, base, height, steps) {
  const mark = make('div', { className: `tensor role-${buffer.role}` });
  mark.setAttribute('aria-label', `${buffer.title}, ${buffer.what}`);
  mark.style.insetInlineStart = `${(buffer.first / steps) * 100}%`;
  mark.style.inlineSize = `${((buffer.last + 1 - buffer.first) / steps) * 100}%`;
  mark.style.insetBlockEnd = `${((buffer.offset - base) / height) * 100}%`;
  mark.style.blockSize = `${(buffer.bytes / height) * 100}%`;
  return mark;
}

/**
 * The step with the most bytes alive.
 * @param {Shown[]} buffers
 * @param {number} steps
 */
function peakOf(buffers, steps) {
  const alive = new Float64Array(steps + 1);
  for (const { first, last, bytes } of buffers) for (let step = first; step <= last && step < steps; step++) alive[step] += bytes;
  const step = alive.indexOf(Math.max(...alive));
  return { step, bytes: alive[step] };
}

/**
 * The map with its axes, and a mark at the peak.
 * @param {HTMLElement} map
 * @param {{step: number, bytes: number}} peak
 * @param {number} steps
 * @param {number} height
 */
function frame(map, peak, steps, height) {
  const column = make('div', { className: 'peak' });
  column.style.insetInlineStart = `${(peak.step / steps) * 100}%`;
  column.style.inlineSize = `${100 / steps}%`;
  const arrow = make('span', { className: 'peak-arrow' }, '▼');
  arrow.style.insetInlineStart = `${((peak.step + 0.5) / steps) * 100}%`;
  const row = make('div', { className: 'peak-row' }, `Fullest at step ${peak.step + 1}: ${formatBytes(peak.bytes)} in use`, arrow);
  const holder = make('div', { className: 'memory-holder' }, column, map);
  return make(
    'div',
    { className: 'memory-frame' },
    row,
    make('span', { className: 'axis-y' }, `↑ address, up to ${formatBytes(height)}`),
    holder,
    make('span', { className: 'axis-x' }, make('span', {}, 'step 1'), make('span', {}, 'time →'), make('span', {}, `step ${steps}`)),
  );
}

/**
 * @param {Explanation} explanation
 * @param {number} height
 * @param {{step: number, bytes: number}} peak
 */
function summary({ memory }, height, peak) {
  const steps = `${memory.steps} step${memory.steps === 1 ? '' : 's'}`;
  return (
    `A run takes ${steps}. Each rectangle is a tensor: its width is how long it is needed, its height is its size. ` +
    `Tensors that are never needed at the same time share addresses, so all of them fit into ${formatBytes(height)}; ` +
    `at most ${formatBytes(peak.bytes)} are in use at once.`
  );
}

/**
 * @param {number} arena
 * @param {number} height
 */
function note(arena, height) {
  if (arena <= height * 1.01) return 'The place of every tensor was settled before the first run; nothing is allocated while the model runs.';
  return `The place of every tensor was settled before the first run. The same memory served once before, to prepare the weights, which took up to ${formatBytes(arena)}.`;
}

/**
 * Weights beside activations, as parts of one bar.
 * @param {number} weights
 * @param {number} activations
 */
function shares(weights, activations) {
  const parts = [
    ['weights', `Weights, kept all the time: ${formatBytes(weights)}`, weights],
    ['activations', `This picture: ${formatBytes(activations)}`, activations],
  ].map(([kind, label, bytes]) => {
    const part = make('span', { className: `share share-${kind}` });
    part.style.flexGrow = String(bytes);
    return { part, label: make('li', { className: `key key-${kind}` }, String(label)) };
  });
  const bar = make('div', { className: 'shares' }, ...parts.map(({ part }) => part));
  bar.setAttribute('aria-hidden', 'true');
  return make('div', {}, bar, make('ul', { className: 'legend' }, ...parts.map(({ label }) => label)));
}

/** @param {Shown[]} buffers */
function legend(buffers) {
  const roles = Object.keys(ROLES).filter((role) => buffers.some((buffer) => buffer.role === role));
  return make('ul', { className: 'legend' }, ...roles.map((role) => make('li', { className: `key role-${role}` }, ROLES[role])));
}

/** @param {Shown[]} buffers */
function memoryTable(buffers) {
  const rows = buffers
    .toSorted((a, b) => b.bytes - a.bytes)
    .slice(0, MAX_ROWS)
    .map((b) => [b.title, ROLES[b.role], formatBytes(b.bytes), `${b.first + 1}–${b.last + 1}`, b.offset.toLocaleString('en')]);
  return table('Tensors in memory, the largest first', ['Tensor', 'Kind', 'Size', 'Steps', 'Address'], rows);
}
