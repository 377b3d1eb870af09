// @ts-check
/** @file Which model the page is to show: the manifest's default, or what `?model=` asks for. */

import { InvalidInputError } from '../errors.js';

/**
 * What the manifest says of a model, for people.
 * @typedef {object} ModelCard
 * @property {string} title
 * @property {number} bytes
 * @property {string} licence
 * @property {string} attribution
 * @property {{package: string, version: string}} source where the weights were published
 * @property {number} parameters
 * @property {number} macs multiply-accumulates a picture
 * @property {{photos: number, top1: number, top5: number, note: string}} [accuracy] on labelled photos
 */

/**
 * What the page's address asks for: a model of the manifest by name, or a file of this site.
 * @typedef {{name: string | null} | {url: URL}} Wanted
 */

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
