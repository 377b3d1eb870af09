// @ts-check
/** @file Other threads and instructions for the page's model: compiled anew, and measured beside what was chosen before. */

import { chooseSimd, chooseThreads, probe } from '../../features.js';
import { loadOwnModel, onOwnModel, ownModel } from '../own-model.js';
import { element, make, table } from './dom.js';
import { formatBytes, formatTime } from './format.js';
import { announce, showError, whileAtWork } from './page.js';
import { showTile } from './readouts.js';

/** @typedef {import('../own-model.js').OwnModel} OwnModel */

const RUNS = 15;

const details = element('switches', HTMLDetailsElement);
const features = probe();
const usual = { threads: chooseThreads(features).value, simd: chooseSimd(features).value };
const threads = selection('threads-choice', 'Threads', threadChoices());
const simd = selection('simd-choice', 'Instructions', simdChoices());
const measured = make('div', { id: 'measured' });

/** @type {Map<string, string[]>} rows of what was measured, by threads and SIMD */
const rows = new Map();

/** Shows the switches as soon as the model is there. */
export function offerSwitches() {
  const form = make('form', { className: 'choices' }, threads.label, simd.label, make('button', { className: 'small' }, 'Compile and measure'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void whileAtWork('running', change);
  });
  details.append(form, measured);
  const show = () => void (details.hidden = false);
  onOwnModel(show);
  if (ownModel()) show();
}

/** Measures what is in use, if that is yet to be done; then compiles for what was chosen, and measures that. */
async function change() {
  const chosen = { threads: Number(threads.select.value), simd: /** @type {'relaxed' | 'baseline'} */ (simd.select.value) };
  try {
    await measure(ownModel());
    await loadOwnModel({
      threads: chosen.threads === usual.threads ? undefined : chosen.threads,
      simd: chosen.simd === usual.simd ? undefined : chosen.simd,
    });
    const made = ownModel();
    if (made?.session.stats.threads !== chosen.threads || made.session.stats.simd !== chosen.simd) return; // failed, and that was told
    const fastest = await measure(made);
    showTile('inference', fastest, `the fastest of ${RUNS} runs`);
    announce(`With ${described(made)} a run takes ${fastest}.`);
  } catch (error) {
    showError(error, 'Measuring');
  }
}

/**
 * The fastest of some runs on an empty picture.
 * @param {OwnModel | null} classifier
 */
async function measure(classifier) {
  if (!classifier) return '';
  const key = described(classifier);
  const known = rows.get(key);
  if (known) return known[1];
  const { width, height } = classifier.model.preprocess;
  const empty = new Float32Array(3 * width * height);
  const times = [];
  for (let run = 0; run < RUNS; run++) times.push((await classifier.predict(empty)).ms);
  const { compileMs, codeBytes } = classifier.session.stats;
  rows.set(key, [key, formatTime(Math.min(...times)), formatTime(compileMs), formatBytes(codeBytes)]);
  measured.replaceChildren(table(`Fastest of ${RUNS} runs`, ['With', 'Inference', 'Compile', 'Code'], [...rows.values()]));
  return rows.get(key)?.[1] ?? '';
}

/** @param {OwnModel} classifier */
function described({ session: { stats } }) {
  return `${stats.threads} thread${stats.threads > 1 ? 's' : ''}, ${stats.simd} SIMD`;
}

/** @returns {[string, string][]} */
function threadChoices() {
  const most = features.threads && features.isolated ? Math.max(usual.threads, Math.min(8, features.cores)) : 1;
  return Array.from({ length: most }, (_, i) => [String(i + 1), `${i + 1}${i + 1 === usual.threads ? ' (usual)' : ''}`]);
}

/** @returns {[string, string][]} */
function simdChoices() {
  const both = /** @type {[string, string][]} */ ([
    ['relaxed', 'Relaxed SIMD: fused multiply-add'],
    ['baseline', 'Baseline SIMD: the same bits on every machine'],
  ]);
  return both.slice(features.relaxedSimd ? 0 : 1);
}

/**
 * @param {string} id
 * @param {string} name
 * @param {[string, string][]} options
 */
function selection(id, name, options) {
  const select = make('select', { id }, ...options.map(([value, text]) => make('option', { value }, text)));
  select.value = id === 'threads-choice' ? String(usual.threads) : usual.simd;
  return { select, label: make('label', {}, make('span', {}, name), select) };
}
