// @ts-check
/** @file A drawing larger than its box: scrolled by the browser, dragged by a mouse, zoomed by buttons, keys and the wheel. */

import { make } from './dom.js';

const STEP = 1.3;
const [LEAST, MOST] = [0.05, 2.5];

/**
 * @typedef {object} View
 * @property {HTMLElement} element
 * @property {(x: number, y: number) => void} reveal scrolls so that a point of the drawing is in sight
 */

/**
 * Puts a drawing into a box in which it can be moved and zoomed.
 * @param {SVGSVGElement} svg
 * @param {number} width natural size
 * @param {number} height
 * @returns {View}
 */
export function zoomable(svg, width, height) {
  const box = make('div', { className: 'zoom-box' }, svg);
  let scale = 0;
  const zoomTo = (/** @type {number} */ wanted, x = box.clientWidth / 2, y = box.clientHeight / 2) => {
    const next = Math.min(MOST, Math.max(LEAST, wanted));
    const [atX, atY] = [(box.scrollLeft + x) / (scale || 1), (box.scrollTop + y) / (scale || 1)];
    svg.style.width = `${width * next}px`;
    svg.style.height = `${height * next}px`;
    if (scale) box.scrollTo({ left: atX * next - x, top: atY * next - y, behavior: 'instant' });
    scale = next;
  };
  /** The width fits, if it then can still be read. */
  const fit = () => zoomTo(Math.min(1, Math.max(0.8, box.clientWidth / width)));
  const whole = () => zoomTo(Math.min(1, box.clientWidth / width, box.clientHeight / height));
  const buttons = make(
    'div',
    { className: 'row zoom-buttons' },
    button('−', 'Smaller', () => zoomTo(scale / STEP)),
    button('+', 'Larger', () => zoomTo(scale * STEP)),
    button('All', 'All of it', whole),
  );
  box.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === '+' || event.key === '=') zoomTo(scale * STEP);
    else if (event.key === '-') zoomTo(scale / STEP);
    else if (event.key === '0') whole();
    else return;
    event.preventDefault();
  });
  box.addEventListener(
    'wheel',
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // the wheel alone scrolls; a pinch on a touchpad comes with ctrlKey
      event.preventDefault();
      const { left, top } = box.getBoundingClientRect();
      zoomTo(scale * Math.exp(-event.deltaY / 300), event.clientX - left, event.clientY - top);
    },
    { passive: false },
  );
  drag(box);
  new ResizeObserver((_, observer) => {
    if (!box.clientWidth) return;
    observer.disconnect();
    fit();
    box.scrollLeft = (box.scrollWidth - box.clientWidth) / 2;
  }).observe(box);
  const reveal = (/** @type {number} */ x, /** @type {number} */ y) => {
    const [left, top] = [x * scale, y * scale];
    const margin = Math.min(box.clientWidth, box.clientHeight) / 4;
    const inside = left > box.scrollLeft + margin && left < box.scrollLeft + box.clientWidth - margin && top > box.scrollTop + margin && top < box.scrollTop + box.clientHeight - margin;
    if (!inside) box.scrollTo({ left: left - box.clientWidth / 2, top: top - box.clientHeight / 2 });
  };
  return { element: make('div', { className: 'zoom' }, buttons, box), reveal };
}

/**
 * Moves what is in the box with a mouse; fingers scroll it as they do anything else.
 * @param {HTMLElement} box
 */
function drag(box) {
  box.addEventListener('pointerdown', (event) => {
    if (event.pointerType !== 'mouse' || event.button !== 0) return;
    const [x, y, left, top] = [event.clientX, event.clientY, box.scrollLeft, box.scrollTop];
    const move = (/** @type {PointerEvent} */ { clientX, clientY }) => {
      box.classList.add('dragged');
      box.scrollTo({ left: left - (clientX - x), top: top - (clientY - y), behavior: 'instant' });
    };
    const stop = () => {
      box.classList.remove('dragged');
      window.removeEventListener('pointermove', move);
    };
    window.addEventListener('pointermove', move);
    window.addEventListener('pointerup', stop, { once: true });
  });
}

/**
 * @param {string} text
 * @param {string} label
 * @param {() => void} act
 */
function button(text, label, act) {
  const made = make('button', { type: 'button', className: 'small' }, text);
  made.setAttribute('aria-label', label);
  made.addEventListener('click', act);
  return made;
}
