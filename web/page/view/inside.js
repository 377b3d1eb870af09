// @ts-check
/** @file A look inside the page's own model. */

import { download } from '../../download.js';
import { ownChoice, onOwnModel, ownModel } from '../own-model.js';
import { rememberLabels } from '../tensors/labels.js';
import { randomFeeds } from '../trial.js';
import { comparison } from './compare.js';
import { element } from './dom.js';
import { insightOf } from './insight.js';

/** @typedef {import('../own-model.js').OwnModel} OwnModel */

const section = element('inside', HTMLElement);

/** Offers it as soon as the model is there. */
export function offerInside() {
  onOwnModel(show);
  const own = ownModel();
  if (own) show(own);
}

/** @param {OwnModel} own */
function show({ model, session, labels }) {
  rememberLabels(labels);
  const read = () => download(/** @type {string | URL} */ (model.url), { size: model.bytes });
  const feeds = () => randomFeeds(session);
  const { threads } = ownChoice();
  const parts = insightOf({ name: model.title, session, read, feeds, options: { threads } });
  section.replaceChildren(section.children[0], parts, comparison({ session, read }, feeds));
  section.hidden = false;
}
