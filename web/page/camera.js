// @ts-check
/**
 * @file The live camera: its newest frame goes to the workers whenever they are free, so none ever waits in a queue.
 *
 * The page itself only passes frames on, which costs it well under a millisecond, and shows classes ten times a second.
 */

import { ReleasedError } from '../errors.js';
import { CameraError, closeStream, listCameras, looksAtVisitor, openStream } from './camera-stream.js';
import { Average, Herald, Rate } from './live.js';
import { closeModel, isModelOpen } from './opened-model.js';
import { isOwnModelLoading, loadOwnModel, ownModel } from './own-model.js';
import { dropPhotos, keepPhoto } from './photos.js';
import { CameraView } from './view/camera.js';
import { offerCopies } from './view/copies.js';
import { element } from './view/dom.js';
import { formatTime } from './view/format.js';
import { announce, getView, setView, showError, whileAtWork } from './view/page.js';
import { setSpoken, showPredictions } from './view/prediction.js';
import { picking } from './view/problem.js';
import { showTile } from './view/readouts.js';

const CLASSES = 5;
const SHOW_MS = 100; // between two updates of the classes
const FIGURES_MS = 500; // and of the figures

const startButton = element('camera-start', HTMLButtonElement);

/** @type {Live | null} */
let live = null;
/** @type {CameraView | null} */
let view = null;
/** Counts starts, so that a camera that was given up while the visitor was asked is closed at once. */
let turn = 0;

/** Minds when the visitor leaves the page. */
export function watchCamera() {
  window.addEventListener('pagehide', stopCamera);
  document.addEventListener('visibilitychange', () => live?.pause(document.hidden));
}

/**
 * Starts a camera, or changes to another.
 * @param {string} [deviceId]
 */
export async function startCamera(deviceId) {
  const mine = ++turn;
  dropPhotos();
  if (isModelOpen()) closeModel();
  if (!ownModel() && !isOwnModelLoading()) void loadOwnModel();
  const shown = (view ??= new CameraView({ onStop: leaveCamera, onChoose: (id) => void startCamera(id), onKeep: () => void keepFrame() }));
  live?.stop();
  live = null;
  try {
    const stream = await openStream(deviceId);
    if (mine !== turn) return closeStream(stream);
    await whileAtWork('running', () => show(shown, stream, mine));
  } catch (error) {
    if (mine === turn) fail(error, deviceId);
  }
}

/**
 * Shows what a camera sees, unless another was started meanwhile.
 * @param {CameraView} view
 * @param {MediaStream} stream
 * @param {number} mine the turn that it was started in
 */
async function show(view, stream, mine) {
  const [track] = stream.getVideoTracks();
  setView('camera');
  setSpoken(false);
  offerCopies(null);
  startButton.hidden = true;
  await view.show(stream, looksAtVisitor(track));
  if (mine !== turn) return closeStream(stream);
  live = new Live(stream, view);
  track.addEventListener('ended', () => fail(new CameraError('it was unplugged, or the browser took it away')));
  announce('The camera is on.');
  view.listCameras(await listCameras(), track.getSettings().deviceId ?? '');
}

/** Stops the camera and frees it. */
export function stopCamera() {
  turn++;
  live?.stop();
  live = null;
  view?.hide();
  startButton.hidden = false;
  setSpoken(true);
  if (getView() === 'camera') setView('photo');
}

/** Stops at the visitor's wish. */
function leaveCamera() {
  stopCamera();
  announce('The camera is off.');
  startButton.focus();
}

/**
 * @param {unknown} error
 * @param {string} [deviceId]
 */
function fail(error, deviceId) {
  stopCamera();
  const again = { label: 'Try again', act: () => void startCamera(deviceId) };
  showError(error, 'Using the camera', [again, picking('photo-file', 'Choose a photo instead')]);
}

async function keepFrame() {
  await whileAtWork('running', async () => {
    const file = await view?.snapshot();
    if (file) await keepPhoto(file);
  });
}

/** A running camera. */
class Live {
  #stream;
  #view;
  #stopped = false;
  #busy = false;
  #fresh = false;
  #average = new Average();
  #rate = new Rate();
  #herald = new Herald();
  #ms = 0;
  #shownAt = 0;
  #figuresAt = 0;

  /**
   * @param {MediaStream} stream
   * @param {CameraView} view
   */
  constructor(stream, view) {
    this.#stream = stream;
    this.#view = view;
    this.pause(document.hidden);
    view.onFrame(() => this.#arrived());
  }

  /**
   * Takes no frames while nobody sees the page.
   * @param {boolean} paused
   */
  pause(paused) {
    for (const track of this.#stream.getVideoTracks()) track.enabled = !paused;
  }

  /** Ends it, and frees the camera. */
  stop() {
    this.#stopped = true;
    closeStream(this.#stream);
  }

  /** A frame has come; while another is at work, only the newest counts. */
  #arrived() {
    this.#fresh = true;
    if (!this.#busy) void this.#work();
    return !this.#stopped;
  }

  async #work() {
    this.#busy = true;
    try {
      while (this.#fresh && !this.#stopped && !document.hidden) {
        this.#fresh = false;
        const classifier = ownModel();
        if (!classifier) break;
        const { data } = await classifier.read(this.#view.video, { preview: false, quick: true });
        const { predictions, ms } = await classifier.predict(data, { top_k: 2 * CLASSES });
        if (!this.#stopped) this.#take(predictions, ms, performance.now());
      }
    } catch (error) {
      // The model may have been loaded anew meanwhile, for other threads.
      if (!this.#stopped && !(error instanceof ReleasedError)) fail(error);
    } finally {
      this.#busy = false;
    }
  }

  /**
   * @param {import('../pipeline.js').Classification[]} predictions
   * @param {number} ms
   * @param {number} now
   */
  #take(predictions, ms, now) {
    this.#average.add(predictions, now);
    this.#rate.add(now);
    this.#ms += (ms - this.#ms) / (this.#ms ? 10 : 1); // an average of the last ten or so
    if (now - this.#shownAt < SHOW_MS) return;
    this.#shownAt = now;
    const best = this.#average.best(CLASSES);
    if (best.length === 0) return;
    showPredictions(best);
    const news = this.#herald.hear(best[0].label.split(', ')[0], now);
    if (news) announce(news);
    if (now - this.#figuresAt < FIGURES_MS) return;
    this.#figuresAt = now;
    const rate = this.#rate.perSecond(now);
    this.#view.showRate(rate);
    showTile('inference', formatTime(this.#ms), `${rate.toFixed(0)} pictures a second`);
  }
}
