// @ts-check
/** @file The page: connects what comes in with the models, and shows what comes out. */

import { calm } from '../cached.js';
import { ImageError } from '../errors.js';
import { prepare } from '../handles.js';
import { prepareImages } from '../image.js';
import { InferenceSession, Tensor } from '../session.js';
import { sameOrigin, wantedModel } from './catalog.js';
import * as lazy from './lazy.js';
import { takeLaunches } from './launch.js';
import { loadOwnModel, onOwnModel } from './own-model.js';
import { classifyPhotos, takeUpWaiting } from './photos.js';
import { receiveFiles, receiveLink, receiveModel } from './receive.js';
import { formatBytes } from './view/format.js';
import { takeAll } from './view/intake.js';
import { element } from './view/dom.js';
import { atRest, onCancel, setComplete, showError, showProgress, whileAtWork } from './view/page.js';
import { showChoices } from './view/readouts.js';
import { loadSamples, sampleCredits } from './view/samples.js';
import { cancelLoading, whileLoading } from './work.js';

start();

async function start() {
  Object.assign(window, { wasmkiln: Object.freeze({ InferenceSession, Tensor }) });
  showChoices();
  const credits = element('credits', HTMLElement);
  credits.textContent = sampleCredits();
  takeAll({
    files: receiveFiles,
    text: receiveLink,
    refused: () => showError(new ImageError('the browser did not let this page read the clipboard; allow it, or press Ctrl+V'), 'Pasting'),
  });
  takeLaunches(receiveFiles);
  onCancel(cancelLoading);
  element('camera-start', HTMLButtonElement).addEventListener('click', async () => (await lazy.camera()).startCamera());
  onOwnModel(({ model }) => {
    credits.textContent = `${sampleCredits()} Model: ${model.title}, ${model.attribution}; ${model.licence}.`;
    void takeUpWaiting();
  });
  // All that is fetched beside the model; once it is there, the page needs nothing more from the server.
  const rest = Promise.all([loadSamples((photo) => void classifyPhotos([photo])), prepareWorkers(), showLazyParts()]);
  await whileAtWork('loading', loadWantedModel);
  await rest;
  setComplete();
}

/** Resolves when the start needs the processor no more, nor what the page's address asked for. */
async function startIsOver() {
  await calm();
  await atRest();
}

/** Starts the workers for photos, and for models that may be opened later. */
async function prepareWorkers() {
  await startIsOver();
  prepareImages();
  await prepare(3);
}

async function showLazyParts() {
  await startIsOver();
  await lazy.fetchLazyParts();
  const [{ watchCamera }, { offerCard }, { offerSwitches }, { offerInside }] = await Promise.all([lazy.camera(), lazy.card(), lazy.switches(), lazy.inside()]);
  watchCamera();
  offerCard();
  offerSwitches();
  offerInside();
  (await lazy.bundling()).offerBundle();
}

/** Loads what the page's address asks for: `?model=` a name or a file of this site, `?image=` a picture of it. */
async function loadWantedModel() {
  const address = new URL(location.href);
  const image = address.searchParams.get('image');
  if (image) {
    prepareImages(); // comes up while the picture is fetched
    void receiveLink(String(sameOrigin(image, address) ?? image), 'linked');
  }
  try {
    const wanted = wantedModel(address);
    if ('url' in wanted) await (wanted.url.pathname.endsWith('.json') ? (await lazy.siteBundle()).openBundle(wanted.url) : openFrom(wanted.url));
    else await loadOwnModel({ name: wanted.name });
  } catch (error) {
    showError(error, 'Opening the link', [{ label: 'Use the default model', act: () => void loadOwnModel() }]);
  }
}

/** @param {URL} url */
async function openFrom(url) {
  /** @type {File | null} */
  let file = null;
  const onProgress = (/** @type {number} */ received, /** @type {number | undefined} */ size) => {
    showProgress(`Downloading ${url.pathname.split('/').pop()}: ${formatBytes(received)}`, size && received / size);
  };
  await whileLoading(
    'Downloading the model',
    async (signal) => {
      const { fetchFile } = await lazy.links();
      file = await fetchFile(url, signal, onProgress);
    },
    () => [
      { label: 'Try again', act: () => void whileAtWork('loading', () => openFrom(url)) },
      { label: 'Use the default model', act: () => void loadOwnModel() },
    ],
  );
  if (file) await receiveModel(file);
}
