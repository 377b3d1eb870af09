// @ts-check
/** @file Settings for all sessions: where things lie that are fetched. Nothing is fetched by importing this. */

const here = import.meta.url; // by this name, because bundlers would look for the folders below

/**
 * @typedef {object} Env
 * @property {string | URL | null} models the folder of the models' manifest.json, for pipelines without a model or with a model's name
 */

/**
 * Read when something is needed first, so set them before that.
 * @type {Env}
 */
export const env = {
  models: new URL('models/', here),
};
