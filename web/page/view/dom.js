// @ts-check
/** @file Finding and making elements. */

/**
 * The element with an id, which has to be there and of the class.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} Class
 * @returns {T}
 */
export function element(id, Class) {
  const found = document.getElementById(id);
  if (!(found instanceof Class)) throw new TypeError(`#${id} is not a ${Class.name}`);
  return found;
}

/**
 * A new element with properties and children.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Partial<HTMLElementTagNameMap[K]>} [properties]
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/**
 * A table with one heading row; cells that are numbers are set right.
 * @param {string} caption
 * @param {string[]} headings
 * @param {(string | Node)[][]} rows
 */
export function table(caption, headings, rows) {
  const head = make('tr', {}, ...headings.map((text) => make('th', { scope: 'col' }, text)));
  const body = rows.map((cells) => make('tr', {}, ...cells.map((cell) => make('td', {}, cell))));
  const whole = make('table', {}, make('caption', {}, caption), make('thead', {}, head), make('tbody', {}, ...body));
  // A wide table scrolls in its own box, which therefore has to be reachable by keyboard.
  const box = make('div', { className: 'scroll', tabIndex: 0 }, whole);
  box.setAttribute('role', 'region');
  box.setAttribute('aria-label', caption);
  return box;
}
