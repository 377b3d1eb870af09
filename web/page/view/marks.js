// @ts-check
/** @file The marks of a picture as a list from which one is chosen, by pointer or by keys. */

/**
 * How marks behave.
 * @typedef {object} Marking
 * @property {string} label what the picture shows, for those who can't see it
 * @property {(index: number) => void} onShow the mark under the pointer, or the chosen one
 * @property {(index: number, key: string) => number | undefined} [next] the mark that an arrow key leads to
 */

const ARROWS = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End'];
let pictures = 0;

/**
 * Makes a picture a listbox with its marks as options. Gives a function that chooses one.
 * @param {HTMLElement | SVGElement} picture
 * @param {readonly (HTMLElement | SVGElement)[]} marks each with a name: text inside, or an `aria-label`
 * @param {Marking} marking
 * @returns {(index: number) => void}
 */
export function choosable(picture, marks, { label, onShow, next = inOrder(marks.length) }) {
  const prefix = `marks-${++pictures}`;
  const indices = new Map(marks.map((mark, index) => [/** @type {Element} */ (mark), index]));
  let chosen = -1;
  picture.setAttribute('role', 'listbox');
  picture.setAttribute('aria-label', label);
  picture.tabIndex = 0;
  marks.forEach((mark, index) => {
    mark.setAttribute('role', 'option');
    mark.setAttribute('aria-selected', 'false');
    mark.id = `${prefix}-${index}`;
  });
  const choose = (/** @type {number} */ index) => {
    marks[chosen]?.setAttribute('aria-selected', 'false');
    marks[index].setAttribute('aria-selected', 'true');
    picture.setAttribute('aria-activedescendant', marks[index].id);
    chosen = index;
    onShow(index);
  };
  const indexOf = (/** @type {Event} */ event) => indices.get(/** @type {Element} */ (/** @type {Element} */ (event.target).closest('[role=option]')));
  picture.addEventListener('pointerover', (event) => {
    const index = indexOf(event) ?? chosen;
    if (index >= 0) onShow(index);
  });
  picture.addEventListener('pointerleave', () => chosen >= 0 && onShow(chosen));
  picture.addEventListener('click', (event) => {
    const index = indexOf(event);
    if (index !== undefined) choose(index);
  });
  picture.addEventListener('keydown', (event) => {
    const { key, ctrlKey, metaKey, altKey, shiftKey } = /** @type {KeyboardEvent} */ (event);
    if (!ARROWS.includes(key) || ctrlKey || metaKey || altKey || shiftKey) return;
    event.preventDefault();
    const index = chosen < 0 ? 0 : next(chosen, key);
    if (index !== undefined) choose(index);
  });
  picture.addEventListener('focus', () => {
    if (chosen < 0 && marks.length) choose(0);
  });
  return choose;
}

/**
 * Arrows lead through the marks in their order.
 * @param {number} length
 */
function inOrder(length) {
  return (/** @type {number} */ index, /** @type {string} */ key) => {
    if (key === 'Home') return 0;
    if (key === 'End') return length - 1;
    const step = key === 'ArrowRight' || key === 'ArrowDown' ? 1 : -1;
    return Math.min(length - 1, Math.max(0, index + step));
  };
}
