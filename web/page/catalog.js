// @ts-check
/** @file Which model the page is to show: the manifest's default, or what `?model=` asks for. */

import { downloadJson } from '../download.js';
import { InvalidInputError } from '../errors.js';

/** @typedef {import('./classifier.js').ModelEntry} ModelEntry */

/**
 * What the page's address asks for: a model of the manifest by name, or a file of this site.
 * @typedef {{name: string | null} | {url: URL}} Wanted
 */

/** @type {Promise<{default: string, models: ModelEntry[]}> | null} */
let manifest = null;

/**
 * What `?model=` asks for; a name of null is the default model.
 * @param {URL} address
 * @returns {Wanted}
 */
export function wantedModel(address) {
  const value = address.searchParams.get('model');
  if (!value) return { name: null };
  if (/^[\w.-]+$/.test(value) && !/\.(onnx|json)$/i.test(value)) return { name: value };
  const url = sameOrigin(value, address);
  if (!url) throw new InvalidInputError(`the link asks for a model of another site (${value}); this page fetches nothing from other sites`);
  return { url };
}

/**
 * A URL of the page's own site; null for any other.
 * @param {string} value
 * @param {URL | string} base
 */
export function sameOrigin(value, base) {
  if (!URL.canParse(value, String(base))) return null;
  const url = new URL(value, base);
  return url.origin === new URL(base).origin ? url : null;
}

/**
 * A model of the manifest.
 * @param {string | null} name the default one if null
 * @param {AbortSignal} [signal]
 */
export async function findModel(name, signal) {
  manifest ??= downloadJson(new URL('models/manifest.json', document.baseURI), signal);
  manifest.catch(() => (manifest = null)); // to be tried again
  const { models, default: usual } = await manifest;
  const found = models.find((model) => model.name === (name ?? usual));
  if (!found) throw new InvalidInputError(`there is no model “${name}” here; there is ${models.map((model) => model.name).join(', ')}`);
  return found;
}
