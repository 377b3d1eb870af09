// @ts-check
/** @file Where a run's time goes: a flame chart, in the order of the run or by kind of work, and a table of the slowest steps. */

import { barsByFamily, barsInOrder, timedSteps, total } from '../insight/flame.js';
import { FAMILIES } from '../insight/names.js';
import { make, table } from './dom.js';
import { formatCount, formatPercent, formatTime } from './format.js';
import { choosable } from './marks.js';

/** @typedef {import('../../protocol.js').Explanation} Explanation */
/** @typedef {import('../insight/flame.js').Bar} Bar */
/** @typedef {import('../insight/flame.js').TimedStep} TimedStep */
/** @typedef {import('../insight/profile.js').Profile} Profile */

const ROW = 2.1; // rem
const NARROWEST = 0.0015; // of the run: shorter bars can't be seen
const ORDERS = /** @type {const} */ ([
  ['order', 'In the order of the run', barsInOrder],
  ['family', 'By kind of work', barsByFamily],
]);
let charts = 0;

/**
 * Draws a profile.
 * @param {Explanation} explanation
 * @param {Profile} profile
 * @returns {HTMLElement}
 */
export function drawProfile(explanation, profile) {
  const steps = timedSteps(explanation, profile.times);
  const place = make('div');
  const show = (/** @type {(steps: TimedStep[]) => Bar[]} */ arrange) => place.replaceChildren(...chart(arrange([...steps])));
  show(barsInOrder);
  return make(
    'div',
    { className: 'picture' },
    make('p', {}, summary(steps, profile)),
    choice(show),
    place,
    legend(steps),
    make('details', {}, make('summary', {}, 'The same as a table'), stepTable(steps)),
  );
}

/** @param {(arrange: (steps: TimedStep[]) => Bar[]) => void} show */
function choice(show) {
  const name = `order-${++charts}`;
  const labels = ORDERS.map(([value, text, arrange], index) => {
    const input = make('input', { type: 'radio', name, value, checked: index === 0 });
    input.addEventListener('change', () => show(arrange));
    return make('label', { className: 'choice' }, input, text);
  });
  return make('fieldset', { className: 'choices' }, make('legend', { className: 'unseen' }, 'Order of the chart'), ...labels);
}

/** @param {Bar[]} all */
function chart(all) {
  const [{ ms: whole }] = all;
  const shown = all.filter(({ ms }) => ms >= whole * NARROWEST);
  const depth = Math.max(...shown.map((bar) => bar.depth));
  const marks = shown.map((bar) => mark(bar, whole));
  const flame = make('div', { className: 'flame' }, ...marks);
  flame.style.blockSize = `${(depth + 1) * ROW}rem`;
  const readout = make('p', { className: 'readout' }, 'Point at a bar to read what it is, or use the arrow keys.');
  choosable(flame, marks, {
    label: `Time of one run, ${formatTime(whole)}: ${shown.length} bars`,
    onShow: (index) => readout.replaceChildren(make('strong', {}, shown[index].title), ` ${describe(shown[index], whole)}`),
    next: (index, key) => neighbour(shown, index, key),
  });
  const axis = make('span', { className: 'axis-x' }, make('span', {}, '0'), make('span', {}, 'time →'), make('span', {}, formatTime(whole)));
  return [flame, axis, readout];
}

/**
 * @param {Bar} bar
 * @param {number} whole
 */
function mark(bar, whole) {
  const made = make('div', { className: `bar-mark family-${bar.family ?? 'none'}` }, make('span', {}, bar.label), make('span', { className: 'unseen' }, ` ${bar.title}: ${describe(bar, whole)}`));
  made.style.insetInlineStart = `${(bar.start / whole) * 100}%`;
  made.style.inlineSize = `${(bar.ms / whole) * 100}%`;
  made.style.insetBlockStart = `${bar.depth * ROW}rem`;
  made.style.blockSize = `${ROW}rem`;
  return made;
}

/**
 * @param {Bar} bar
 * @param {number} whole
 */
function describe({ ms, step, count }, whole) {
  const time = `${formatTime(ms)}, ${formatPercent(ms / whole)} of the run`;
  if (!step) return `${time}, ${count} step${count === 1 ? '' : 's'}`;
  const speed = step.macs ? `, ${formatCount(step.macs)} multiply-adds at ${(step.macs / step.ms / 1e6).toFixed(1)} billion a second` : '';
  return `${time}: ${step.operators} by kernel ${step.kernel}${speed}`;
}

/**
 * Left and right stay in a row, up and down change it.
 * @param {Bar[]} bars
 * @param {number} index
 * @param {string} key
 */
function neighbour(bars, index, key) {
  const { depth, start, ms } = bars[index];
  const row = bars.map((bar, i) => ({ ...bar, i })).filter((bar) => bar.depth === depth);
  const place = row.findIndex((bar) => bar.i === index);
  if (key === 'Home') return row[0].i;
  if (key === 'End') return row[row.length - 1].i;
  if (key === 'ArrowLeft') return row[place - 1]?.i;
  if (key === 'ArrowRight') return row[place + 1]?.i;
  const middle = start + ms / 2;
  const wanted = depth + (key === 'ArrowDown' ? 1 : -1);
  const inside = (/** @type {Bar} */ bar) => (key === 'ArrowDown' ? bar.start + bar.ms > start : bar.start + bar.ms >= middle);
  const found = bars.findIndex((bar) => bar.depth === wanted && inside(bar));
  return found < 0 ? undefined : found;
}

/**
 * @param {TimedStep[]} steps
 * @param {Profile} profile
 */
function summary(steps, { runs, wholeMs, threads }) {
  const [slowest] = steps.toSorted((a, b) => b.ms - a.ms);
  const whole = total(steps);
  const many = threads > 1 ? ` A run on ${threads} threads took ${formatTime(wholeMs)}.` : '';
  return (
    `${steps.length} step${steps.length === 1 ? '' : 's'} took ${formatTime(whole)} together, measured one by one on one thread ` +
    `(medians of ${runs} runs).${many} The wider a bar, the more time it took. Longest: ${tail(slowest.name)}, ${formatPercent(slowest.ms / whole)}.`
  );
}

/**
 * The end of a long name.
 * @param {string} name
 */
function tail(name) {
  return name.length > 60 ? `…${name.slice(-59)}` : name;
}

/** @param {TimedStep[]} steps */
function legend(steps) {
  const whole = total(steps);
  const items = FAMILIES.map(({ key, name }) => ({ key, name, ms: total(steps.filter((step) => step.family === key)) }))
    .filter(({ ms }) => ms > 0)
    .toSorted((a, b) => b.ms - a.ms)
    .map(({ key, name, ms }) => make('li', { className: `key family-${key}` }, `${name} ${formatPercent(ms / whole)}`));
  return make('ul', { className: 'legend' }, ...items);
}

/** @param {TimedStep[]} steps */
function stepTable(steps) {
  const whole = total(steps);
  const rows = steps
    .toSorted((a, b) => b.ms - a.ms)
    .map((step) => [
      step.name,
      step.operators,
      formatTime(step.ms),
      formatPercent(step.ms / whole),
      step.macs ? (step.macs / step.ms / 1e6).toFixed(1) : '–',
      make('code', {}, step.kernel),
    ]);
  return table('Steps of a run, the slowest first', ['Layer', 'Operators', 'Time', 'Share', 'Billion multiply-adds a second', 'Kernel'], rows);
}
