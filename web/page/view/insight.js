// @ts-check
/** @file A look inside a model: where its time goes, its memory plan and its fused graph. Each part is loaded and drawn when it is opened. */

import { explanationOf } from '../insight/explanation.js';
import * as lazy from '../lazy.js';
import { make } from './dom.js';
import { loadStyle } from './style.js';

/** @typedef {import('../../protocol.js').Explanation} Explanation */
/** @typedef {import('../../session.js').Tensor} Tensor */
/** @typedef {import('../insight/explanation.js').Subject} Subject */

/**
 * A model to look into, and what to run it on.
 * @typedef {Subject & {feeds: () => Record<string, Tensor>}} Inspected
 */

loadStyle('views.css');

/**
 * The parts, closed at first.
 * @param {Inspected} subject
 * @returns {HTMLElement}
 */
export function insightOf(subject) {
  return make(
    'div',
    { className: 'insight' },
    part('profile', 'Where the time goes', subject, (explanation) => profileOf(subject, explanation)),
    part('memory', 'How memory is used', subject, async (explanation) => (await lazy.memory()).drawMemory(explanation)),
    part('graph', 'What the compiler made of the graph', subject, async (explanation) => (await lazy.graph()).drawGraph(explanation)),
  );
}

/**
 * A part that is drawn when it is opened for the first time, and again after an error.
 * @param {string} name
 * @param {string} title
 * @param {Subject} subject
 * @param {(explanation: Explanation) => Promise<HTMLElement>} drawn
 */
function part(name, title, subject, drawn) {
  const status = make('p', { className: 'note' });
  status.setAttribute('role', 'status');
  const place = make('div', {}, status);
  const box = make('details', { className: `insight-${name}` }, make('summary', {}, title), place);
  let busy = false;
  box.addEventListener('toggle', async () => {
    if (!box.open || busy) return;
    busy = true;
    status.textContent = 'One moment …';
    try {
      const explanation = await explanationOf(subject, (step) => (status.textContent = `${step} …`));
      place.replaceChildren(await drawn(explanation));
    } catch (error) {
      busy = false; // opening it again tries again
      status.textContent = `This can't be shown: ${error instanceof Error ? error.message : error}`;
    }
  });
  return box;
}

/**
 * A profile, measured now and whenever the button is pressed.
 * @param {Inspected} subject
 * @param {Explanation} explanation
 */
async function profileOf({ session, feeds }, explanation) {
  const [{ drawProfile }, { measure }] = await lazy.profile();
  const again = make('button', { type: 'button', className: 'small' }, 'Measure again');
  const place = make('div', {}, drawProfile(explanation, await measure(session, feeds())));
  again.addEventListener('click', async () => {
    again.disabled = true;
    try {
      place.replaceChildren(drawProfile(explanation, await measure(session, feeds())));
    } catch (error) {
      place.replaceChildren(make('p', {}, `The model could not be run: ${error instanceof Error ? error.message : error}`));
    }
    again.disabled = false;
  });
  return make('div', {}, place, again);
}
