// @ts-check
/** @file What becomes of whatever a visitor gives: pictures are classified, models are opened, links are followed within this site. */

import * as lazy from './lazy.js';
import { openModel } from './opened-model.js';
import { classifyPhotos, dropPhotos, onNoPicture } from './photos.js';
import { getView, showError, whileAtWork } from './view/page.js';
import { picking } from './view/problem.js';

const MODEL = /\.(onnx|ort|pb|pt|pth|tflite|h5|safetensors)$/i;

onNoPicture((file) => void receiveModel(file));

/**
 * Takes files from anywhere: dropped, pasted, chosen, shared with the page, or opened with it.
 * @param {File[]} files
 */
export function receiveFiles(files) {
  const model = files.find((file) => MODEL.test(file.name));
  if (model) void receiveModel(model);
  else if (files.length) void classifyPhotos(files);
}

/**
 * Takes a file as a model, whatever it is called.
 * @param {File} file
 */
export async function receiveModel(file) {
  dropPhotos();
  await whileAtWork('loading', async () => {
    if (getView() === 'camera') (await lazy.camera()).stopCamera();
    await openModel(file);
  });
}

/**
 * Takes text that was dropped or pasted: the link to a picture or a model.
 * @param {string} text
 * @param {'dropped' | 'pasted' | 'linked'} how
 */
export async function receiveLink(text, how) {
  await whileAtWork('running', () => follow(text, how));
}

/**
 * @param {string} text
 * @param {'dropped' | 'pasted' | 'linked'} how
 */
async function follow(text, how) {
  const { ElsewhereError, readLink } = await lazy.links();
  try {
    receiveFiles([await readLink(text, how)]);
  } catch (error) {
    const isElsewhere = error instanceof ElsewhereError;
    showError(error, isElsewhere ? 'Opening the link' : 'Taking it', nextSteps(isElsewhere ? error.address : null));
  }
}

/**
 * @param {string | null} address of another site, if there is one to go to
 * @returns {import('./view/problem.js').Step[]}
 */
function nextSteps(address) {
  const open = { label: 'Open the link in a new tab', act: () => void window.open(address ?? '', '_blank', 'noopener,noreferrer') };
  return [...(address ? [open] : []), picking('photo-file', 'Choose a photo instead')];
}
