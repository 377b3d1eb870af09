// @ts-check
/**
 * @file Goes on from an image of Python's memory in which the compiler is imported already, in place of starting Python and
 * importing it. The image is made for the page by `wasmkiln.devserver.image`, whose words say what it holds.
 *
 * Pyodide has snapshots, though not in its documented interface. Its version is pinned, and whoever calls this starts Python as
 * usual where anything is wrong.
 */

import { DownloadError, InternalError } from './errors.js';
import { LIBRARY, PACKAGE } from './python-start.js';
import { sha256 } from './sha256.js';

/** @typedef {import('./python-start.js').Pyodide} Pyodide */
/** @typedef {{head: string, memory: number, runs: [number, number][], sha256: string}} Description */

/**
 * What Emscripten gives when the interpreter's module has been instantiated.
 * @typedef {{HEAPU8: Uint8Array, FS: FileSystem}} Interpreter
 *
 * @typedef {object} FileSystem
 * @property {(path: string, data: Uint8Array) => void} writeFile
 * @property {(path: string) => {node: object}} lookupPath
 */

const HEAD_BYTES = 1 << 16; // before the memory in what Pyodide takes for a snapshot; more than its header
// As much as Pyodide wants to know of its packages, of which the compiler needs none.
const NO_PACKAGES = { info: { abi_version: '2026_0', arch: 'wasm32', platform: 'emscripten_5_0_3', python: '3.14.2' }, packages: {} };

/**
 * @param {import('./python-files.js').PythonFiles} files Pyodide's, which have their own names
 * @param {string} archive our package, which is fetched only if a module is missing
 * @returns {Promise<Pyodide>}
 */
export async function startFromImage({ module, options: { indexURL }, image: place }, archive) {
  const url = String(place);
  const [response, { loadPyodide }] = await Promise.all([fetch(url), import(/* webpackIgnore: true */ /* @vite-ignore */ module)]);
  if (!response.ok) throw new DownloadError(`${url} could not be fetched: the server answered ${response.status}`);
  const image = new ImageReader(response);
  const head = new Uint8Array(HEAD_BYTES);
  return loadPyodide({
    indexURL,
    lockFileContents: NO_PACKAGES,
    // Any small file there is: Pyodide puts it where the library belongs, which is then replaced.
    stdLibURL: module,
    _loadSnapshot: head,
    createPyodideModule: async (/** @type {{INITIAL_MEMORY: number}} */ settings) => {
      const [{ default: create }, description] = await Promise.all([import(/* webpackIgnore: true */ /* @vite-ignore */ `${indexURL}pyodide.asm.mjs`), image.description]);
      settings.INITIAL_MEMORY = description.memory;
      const made = /** @type {Interpreter} */ (await create(settings));
      fill(made.HEAPU8, description, await image.pieces);
      writeHead(head, description);
      fetchWhenRead(made.FS, LIBRARY, `${indexURL}python_stdlib.zip`);
      fetchWhenRead(made.FS, PACKAGE, archive);
      return made;
    },
  });
}

/** Reads an image as it comes: what it says of itself first, so that memory can be made meanwhile. */
class ImageReader {
  #stream;
  /** @type {Uint8Array<ArrayBuffer>} what has come and is not taken */
  #rest = new Uint8Array();

  /** @param {Response} response */
  constructor(response) {
    this.#stream = /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (response.body).getReader();
    /** @readonly */
    this.description = this.#readDescription();
    /** @readonly */
    this.pieces = this.description.then((description) => this.#readPieces(description));
    this.pieces.catch(() => {}); // met by whoever waits for it, if anybody still does
  }

  /** @returns {Promise<Description>} */
  async #readDescription() {
    const length = new DataView((await this.#take(4)).buffer).getUint32(0, true);
    return JSON.parse(new TextDecoder().decode(await this.#take(length)));
  }

  /** @param {Description} description */
  async #readPieces({ runs, sha256: expected }) {
    const pieces = await this.#take(runs.reduce((sum, [, length]) => sum + length, 0));
    if ((await sha256(pieces)) !== expected) throw new InternalError('the image of Python\'s memory is damaged');
    return pieces;
  }

  /** @param {number} length */
  async #take(length) {
    const taken = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      if (this.#rest.length === 0) await this.#more();
      const part = this.#rest.subarray(0, length - at);
      taken.set(part, at);
      at += part.length;
      this.#rest = this.#rest.subarray(part.length);
    }
    return taken;
  }

  async #more() {
    const { done, value } = await this.#stream.read();
    if (done) throw new InternalError('the image of Python\'s memory ends early');
    this.#rest = value;
  }
}

/**
 * @param {Uint8Array} memory
 * @param {Description} description
 * @param {Uint8Array} pieces
 */
function fill(memory, { memory: size, runs }, pieces) {
  if (memory.length !== size) throw new InternalError(`Python has ${memory.length} bytes of memory, and its image is of ${size}`);
  let taken = 0;
  for (const [offset, length] of runs) {
    memory.set(pieces.subarray(taken, taken + length), offset);
    taken += length;
  }
}

/**
 * Makes of `head` a snapshot without memory, as that is filled already.
 * @param {Uint8Array} head
 * @param {Description} description
 */
function writeHead(head, description) {
  head.set(Uint8Array.from(atob(description.head), (char) => char.charCodeAt(0)));
  new DataView(head.buffer).setUint32(4, head.length, true); // where the memory begins
}

/**
 * A file that is fetched when it is first read. Python can't wait for a promise there, so it is fetched in the way that blocks.
 * @param {FileSystem} fs
 * @param {string} path
 * @param {string} url
 */
function fetchWhenRead(fs, path, url) {
  fs.writeFile(path, new Uint8Array());
  const { node } = fs.lookupPath(path);
  /** @type {Uint8Array | undefined} */
  let content;
  const get = () => (content ??= fetchNow(url));
  Object.defineProperties(node, { contents: { get }, usedBytes: { get: () => get().length } });
}

/** @param {string} url */
function fetchNow(url) {
  const request = new XMLHttpRequest();
  request.open('GET', url, false);
  request.responseType = 'arraybuffer';
  request.send();
  if (request.status !== 200) throw new DownloadError(`${url} could not be fetched: the server answered ${request.status}`);
  return new Uint8Array(request.response);
}
