// @ts-check
/** @file Parts of the page that nothing needs at once: fetched after the first paint, and before the page says that it is complete. */

import { downloadJson } from '../download.js';

/** The photos of this visit. */
export const gallery = () => import('./view/gallery.js');
/** Several photos at once. */
export const batch = () => import('./batch.js');
/** A compiled model that the page's address asks for; only that needs it. */
export const siteBundle = () => import('./site-bundle.js');
/** The live camera. */
export const camera = () => import('./camera.js');
/** What is known of the page's own model. */
export const card = () => import('./view/card.js');
/** Links that were dropped, pasted, or given with the page's address. */
export const links = () => import('./links.js');
/** Other threads and instructions. */
export const switches = () => import('./view/switches.js');
/** A model that was opened, and ways to run it. */
export const modelView = () => Promise.all([import('./view/model.js'), import('./trial.js')]);
export const running = () => import('./view/running.js');
/** The model in use as a bundle. */
export const bundling = () => import('./bundling.js');
/** A look inside a model, and inside the page's own. */
export const insight = () => import('./view/insight.js');
export const inside = () => import('./view/inside.js');
/** What the look inside draws. */
export const profile = () => Promise.all([import('./view/profile.js'), import('./insight/profile.js')]);
export const memory = () => import('./view/memory.js');
export const graph = () => import('./view/graph.js');
/** What loads small models on this thread, and saves them. */
export const loaders = () => Promise.all([import('../load-artifact.js'), import('../load-bundle.js'), import('../save-bundle.js')]);

/** @type {Promise<Record<string, string>> | null} */
let known = null;

/**
 * The versions of other runtimes that the server has, by name: it has them where the benchmark has installed them.
 * @returns {Promise<Record<string, string>>}
 */
export function peers() {
  return (known ??= downloadJson(new URL('peers.json', document.baseURI)).catch(() => ({})));
}

/** Fetches them all, so that using one sends no request. */
export async function fetchLazyParts() {
  await Promise.all([gallery(), batch(), camera(), card(), links(), switches(), modelView(), running()]);
  await Promise.all([bundling(), insight(), inside(), profile(), memory(), graph(), loaders(), peers()]);
}
