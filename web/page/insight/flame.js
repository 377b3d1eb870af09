// @ts-check
/** @file From the times of single steps to the bars of a flame chart: the run, groups of steps, steps. */

import { FAMILIES, familyOf, nameOf, operatorsOf, pathOf } from './names.js';

/** @typedef {import('../../protocol.js').Explanation} Explanation */

/**
 * A step with its time.
 * @typedef {{index: number, name: string, operators: string, kernel: string, family: string, ms: number, macs: number}} TimedStep
 */

/**
 * A bar: `label` is what fits inside; `start` and `ms` are on the time axis, `depth` counts from the whole run. `step` is there if it is a single one.
 * @typedef {{title: string, label: string, depth: number, start: number, ms: number, family?: string, step?: TimedStep, count: number}} Bar
 */

const DEEPEST = 5; // rows under that of the whole run

/**
 * The steps of a run with what they are for.
 * @param {Explanation} explanation
 * @param {readonly number[]} times ms of each step
 * @returns {TimedStep[]}
 */
export function timedSteps({ graph, steps }, times) {
  return steps.map(({ kernel, node, macs }, index) => {
    const owner = graph.nodes[node];
    const family = familyOf(kernel).key;
    return { index, name: nameOf(owner, graph), operators: operatorsOf(owner, graph), kernel, family, ms: times[index], macs };
  });
}

/**
 * Bars in the order of the run: neighbours of one part of the model lie under a common bar, as far as their names tell.
 * @param {TimedStep[]} steps
 * @returns {Bar[]}
 */
export function barsInOrder(steps) {
  /** @type {Bar[]} */
  const all = [whole(steps)];
  nest(steps, 0, 1, 0, all);
  return all;
}

/**
 * Bars by kind of work, the longest first.
 * @param {TimedStep[]} steps
 * @returns {Bar[]}
 */
export function barsByFamily(steps) {
  const groups = FAMILIES.map(({ key, name }) => ({ name, key, own: steps.filter((step) => step.family === key) }))
    .filter(({ own }) => own.length)
    .toSorted((a, b) => total(b.own) - total(a.own));
  const all = [whole(steps)];
  let start = 0;
  for (const { name, key, own } of groups) {
    all.push({ title: name, label: name, depth: 1, start, ms: total(own), family: key, count: own.length });
    for (const step of own.toSorted((a, b) => b.ms - a.ms)) {
      all.push(single(step, step.name, 2, start));
      start += step.ms;
    }
  }
  return all;
}

/** @param {readonly TimedStep[]} steps */
export function total(steps) {
  return steps.reduce((sum, step) => sum + step.ms, 0);
}

/**
 * Adds bars for steps whose names agree in their first `level` parts.
 * @param {TimedStep[]} steps
 * @param {number} level
 * @param {number} depth
 * @param {number} start
 * @param {Bar[]} all
 */
function nest(steps, level, depth, start, all) {
  for (const group of runsOf(steps, level)) {
    const paths = group.map((step) => pathOf(step.name));
    let end = level + 1;
    while (end < paths[0].length && paths.every((path) => path[end] === paths[0][end])) end++;
    const ms = total(group);
    const isAlike = paths.every((path) => path.length <= end);
    if (group.length === 1 || isAlike || depth === DEEPEST) {
      for (const [i, step] of group.entries()) all.push(single(step, paths[i].slice(level).join('/') || step.operators, depth, start + total(group.slice(0, i))));
    } else {
      all.push({ title: paths[0].slice(0, end).join('/'), label: paths[0].slice(level, end).join('/'), depth, start, ms, count: group.length });
      nest(group, end, depth + 1, start, all);
    }
    start += ms;
  }
}

/**
 * Neighbours with the same part of the name.
 * @param {TimedStep[]} steps
 * @param {number} level
 */
function runsOf(steps, level) {
  /** @type {TimedStep[][]} */
  const runs = [];
  /** @type {string | undefined} */
  let last;
  for (const step of steps) {
    const part = pathOf(step.name)[level];
    if (!runs.length || part !== last) runs.push([]);
    runs[runs.length - 1].push(step);
    last = part;
  }
  return runs;
}

/**
 * @param {TimedStep[]} steps
 * @returns {Bar}
 */
function whole(steps) {
  return { title: 'The whole run', label: 'The whole run', depth: 0, start: 0, ms: total(steps), count: steps.length };
}

/**
 * @param {TimedStep} step
 * @param {string} label
 * @param {number} depth
 * @param {number} start
 * @returns {Bar}
 */
function single(step, label, depth, start) {
  return { title: step.name, label, depth, start, ms: step.ms, family: step.family, step, count: 1 };
}
