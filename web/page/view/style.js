// @ts-check
/** @file Style sheets of parts that are loaded late. */

/**
 * Adds a style sheet of the page's, once.
 * @param {string} name
 */
export function loadStyle(name) {
  const { href } = new URL(`../css/${name}`, import.meta.url);
  if ([...document.styleSheets].some((sheet) => sheet.href === href) || document.querySelector(`link[href="${href}"]`)) return;
  const link = document.createElement('link');
  Object.assign(link, { rel: 'stylesheet', href });
  document.head.append(link);
}
