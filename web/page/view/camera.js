// @ts-check
/** @file The camera's picture, mirrored where it shows the visitor, with its rate and its buttons. */

import { element, make } from './dom.js';

/**
 * What the visitor may want.
 * @typedef {object} Wishes
 * @property {() => void} onStop
 * @property {(deviceId: string) => void} onChoose another camera
 * @property {() => void} onKeep the picture of this moment
 */

const box = element('camera', HTMLElement);

/** Shows one camera at a time. */
export class CameraView {
  #video = make('video', { id: 'camera-picture', muted: true, playsInline: true, autoplay: true });
  #rate = make('span', { id: 'camera-rate', className: 'badge' });
  #select = make('select', { id: 'camera-choice' });
  #choice = make('label', { hidden: true }, make('span', { className: 'unseen' }, 'Camera'), this.#select);

  /** @param {Wishes} wishes */
  constructor({ onStop, onChoose, onKeep }) {
    const keep = make('button', { type: 'button', id: 'camera-keep', className: 'primary' }, 'Keep picture');
    const stop = make('button', { type: 'button', id: 'camera-stop' }, 'Stop');
    this.#video.setAttribute('aria-label', 'What the camera sees');
    keep.addEventListener('click', onKeep);
    stop.addEventListener('click', onStop);
    this.#select.addEventListener('change', () => onChoose(this.#select.value));
    box.replaceChildren(make('figure', { className: 'screen' }, this.#video, this.#rate), make('div', { className: 'row' }, keep, stop, this.#choice));
  }

  /**
   * @param {MediaStream} stream
   * @param {boolean} mirrored
   */
  async show(stream, mirrored) {
    this.#video.classList.toggle('mirrored', mirrored);
    this.#video.srcObject = stream;
    this.#rate.textContent = '';
    box.hidden = false;
    await this.#video.play().catch(() => {}); // a stream that was replaced meanwhile
  }

  /** Takes the picture away. */
  hide() {
    this.#video.srcObject = null;
    box.hidden = true;
  }

  /**
   * Offers the cameras, where there are several.
   * @param {{deviceId: string, label: string}[]} cameras
   * @param {string} current
   */
  listCameras(cameras, current) {
    this.#select.replaceChildren(...cameras.map(({ deviceId, label }) => make('option', { value: deviceId }, label)));
    this.#select.value = current;
    this.#choice.hidden = cameras.length < 2;
  }

  /**
   * Calls back with each frame that is shown, as long as true comes back.
   * @param {() => boolean} callback
   */
  onFrame(callback) {
    const next = 'requestVideoFrameCallback' in this.#video ? (/** @type {() => void} */ then) => this.#video.requestVideoFrameCallback(then) : requestAnimationFrame;
    const arrived = () => callback() && next(arrived);
    next(arrived);
  }

  /** What shows the picture. */
  get video() {
    return this.#video;
  }

  /** @param {number} perSecond */
  showRate(perSecond) {
    this.#rate.textContent = `${perSecond.toFixed(perSecond < 10 ? 1 : 0)} fps`;
  }

  /** The picture of this moment as a file. */
  async snapshot() {
    const { videoWidth: width, videoHeight: height } = this.#video;
    if (!width || !height) return null;
    const canvas = new OffscreenCanvas(width, height);
    canvas.getContext('2d')?.drawImage(this.#video, 0, 0);
    const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.92 });
    const time = new Date().toLocaleTimeString('en-GB');
    return new File([blob], `camera at ${time}`, { type: blob.type });
  }
}
