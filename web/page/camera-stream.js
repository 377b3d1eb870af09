// @ts-check
/** @file Getting a camera's stream, and saying in plain words why there is none. */

import { WasmkilnError } from '../errors.js';

/** The camera can't be had, or was lost. */
export class CameraError extends WasmkilnError {}

// More pixels than the models take (224 to 320) with room for the crop; larger pictures only cost time.
const SIZE = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30, max: 60 } };

const REASONS = /** @type {Record<string, string>} */ ({
  NotAllowedError: 'the browser did not allow it. Allow the camera for this page, by the icon beside the address or in the settings, then try again',
  SecurityError: 'this browser or the page that shows this one does not allow the camera here',
  NotFoundError: 'no camera was found. Plug one in, then try again',
  OverconstrainedError: 'this camera is gone. Choose another',
  NotReadableError: 'it does not answer; maybe another program uses it. Close that program, then try again',
  AbortError: 'it did not start. Try again',
});

/**
 * A camera's stream: a certain one, or the one that looks away from the visitor, or any.
 * @param {string} [deviceId]
 */
export async function openStream(deviceId) {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new CameraError('browsers give a camera only to pages that come over HTTPS or from this machine');
  }
  const which = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: 'environment' };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: false, video: { ...SIZE, ...which } });
  } catch (error) {
    throw explained(error);
  }
}

/** @param {unknown} error */
function explained(error) {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return new CameraError(REASONS[name] ?? `${name}: ${message}`, { cause: error });
}

/** The cameras by name; browsers tell the names once one was allowed. */
export async function listCameras() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  const cameras = devices.filter(({ kind, deviceId }) => kind === 'videoinput' && deviceId);
  return cameras.map(({ deviceId, label }, i) => ({ deviceId, label: label || `Camera ${i + 1}` }));
}

/**
 * Whether the picture is to be mirrored, as people expect of a camera that looks at them.
 * @param {MediaStreamTrack} track
 */
export function looksAtVisitor(track) {
  return track.getSettings().facingMode !== 'environment' && !/back|rear|environment/i.test(track.label);
}

/** @param {MediaStream} stream */
export function closeStream(stream) {
  for (const track of stream.getTracks()) track.stop();
}
