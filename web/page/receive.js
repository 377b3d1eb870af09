// @ts-check
/** @file What becomes of whatever a visitor gives: pictures are classified, models are opened, links are followed within this site. */

import { readLink } from './links.js';
import { openModel } from './opened-model.js';
import { classifyPhotos, dropPhotos, onNoPicture } from './photos.js';
import { showError } from './view/page.js';
import { picking } from './view/problem.js';

const MODEL = /\.(onnx|ort|pb|pt|pth|tflite|h5|safetensors)$/i;

onNoPicture(receiveModel);

/**
 * Takes files from anywhere: dropped, pasted, chosen, shared with the page, or opened with it.
 * @param {File[]} files
 */
export function receiveFiles(files) {
  const model = files.find((file) => MODEL.test(file.name));
  if (model) receiveModel(model);
  else if (files.length) void classifyPhotos(files);
}

/**
 * Takes a file as a model, whatever it is called.
 * @param {File} file
 */
export function receiveModel(file) {
  dropPhotos();
  void openModel(file);
}

/**
 * Takes text that was dropped or pasted: the link to a picture or a model.
 * @param {string} text
 * @param {'dropped' | 'pasted' | 'linked'} how
 */
export async function receiveLink(text, how) {
  const link = await readLink(text, how).catch((error) => ({ error, elsewhere: null }));
  if ('file' in link) return receiveFiles([link.file]);
  const { error, elsewhere } = link;
  const steps = [picking('photo-file', 'Choose a photo instead')];
  if (elsewhere) steps.unshift({ label: 'Open the link in a new tab', act: () => window.open(elsewhere, '_blank', 'noopener,noreferrer') });
  showError(error, 'Taking it', steps);
}
