// @ts-check
/** @file Parts of the page that nothing needs at once: fetched after the first paint, and before the page says that it is complete. */

/** The photos of this visit. */
export const gallery = () => import('./view/gallery.js');
/** The live camera. */
export const camera = () => import('./camera.js');
/** What is known of the page's own model. */
export const card = () => import('./view/card.js');
/** Other threads and instructions. */
export const switches = () => import('./view/switches.js');

/** Fetches them all, so that using one sends no request. */
export async function fetchLazyParts() {
  await Promise.all([gallery(), camera(), card(), switches()]);
}
