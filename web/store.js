// @ts-check
/**
 * @file Compiled models kept in the browser, so that the next visit need not compile them.
 *
 * They lie in the origin private file system, a folder for each entry. Cache Storage would do as well, but takes half as long
 * again to read 18 MB, and says nothing of sizes. Both share the origin's quota, go with its other data when the browser
 * needs room, and exist in windows, workers and Safari; in private windows they are empty, last as long as the window, or
 * are missing. A missing or failing store is an empty one: nothing here throws.
 *
 * An entry counts once its record (`entry.json`) is there, which is written last and removed first. Writers of all tabs take
 * turns by a lock, so that a folder without a record is a leftover to whoever holds it. Readers need no lock.
 */

import { writeFile } from './store-file.js';

/**
 * @typedef {{name: string, bytes: number}} StoredFile
 * @typedef {{format: number, compiler: string, files: StoredFile[]}} EntryRecord
 * @typedef {{names: string[], read: (name: string) => File | undefined}} StoredBundle a file is read by whoever needs it
 * @typedef {Record<string, Uint8Array | ArrayBuffer | Blob>} Files
 * @typedef {{key: string, record: EntryRecord, bytes: number, used: number}} Listed
 */

const FORMAT = 1;
const RECORD = 'entry.json';
const USED = 'used'; // its time of writing is when the entry was last of use
const BUDGET = 1 << 30;
const SPARE = 32 << 20; // left free for what else the page keeps
const PATIENCE_MS = 3000; // a record that isn't there by then is taken for missing: compiling would be quicker
const PLAIN = /^[\w-][\w.-]*$/;

/** The compiled models of one compiler. */
export class BundleStore {
  #name;
  /** @readonly */ compiler;
  #budget;

  /**
   * @param {object} options
   * @param {string} options.compiler its version; entries of others are removed
   * @param {number} [options.budget] bytes that all entries may take together
   * @param {string} [options.name] the folder
   */
  constructor({ compiler, budget = BUDGET, name = 'wasmkiln' }) {
    this.compiler = compiler;
    this.#budget = budget;
    this.#name = name;
  }

  /**
   * The entry of this key, or null where there is none to be used.
   * @param {string} key
   * @returns {Promise<StoredBundle | null>}
   */
  async get(key) {
    if (!PLAIN.test(key)) return null;
    try {
      return await withPatience(this.#read(key));
    } catch (error) {
      // Without a record the entry is missing, or just being written.
      if (!isMissing(error)) await this.remove(key);
      return null;
    }
  }

  /**
   * Keeps the files of a bundle, making room for them. Whether they are kept now.
   * @param {string} key
   * @param {Files} files
   * @returns {Promise<boolean>}
   */
  async put(key, files) {
    const parts = Object.entries(files).map(([name, content]) => ({ name, content, bytes: sizeOf(content) }));
    if (![key, ...parts.map(({ name }) => name)].every((name) => PLAIN.test(name))) return false;
    const needed = parts.reduce((sum, { bytes }) => sum + bytes, 0);
    return this.#alone(async (folder) => {
      const entries = await this.#tidy(folder);
      if (entries.some((entry) => entry.key === key)) return true;
      if (!(await makeRoom(folder, entries, needed, this.#budget))) return false;
      const record = { format: FORMAT, compiler: this.compiler, files: parts.map(({ name, bytes }) => ({ name, bytes })) };
      try {
        const place = await folder.getDirectoryHandle(key, { create: true });
        for (const { name, content } of parts) await writeFile(place, name, content);
        await writeFile(place, USED, new Uint8Array(1));
        await writeFile(place, RECORD, new TextEncoder().encode(JSON.stringify(record)));
        return true;
      } catch (error) {
        await discard(folder, key);
        throw error;
      }
    }, false);
  }

  /**
   * Removes an entry.
   * @param {string} key
   */
  async remove(key) {
    await this.#alone((folder) => discard(folder, key), undefined);
  }

  /**
   * Removes all entries, whatever compiler they are of.
   * @returns {Promise<number>} the bytes that this freed
   */
  async clear() {
    const { bytes } = await this.usage();
    await this.#alone(async (folder) => {
      for await (const name of folder.keys()) await discard(folder, name);
    }, undefined);
    return Math.max(0, bytes - (await this.usage()).bytes);
  }

  /**
   * What the entries take, leftovers not counted.
   * @returns {Promise<{models: number, bytes: number}>}
   */
  async usage() {
    try {
      const entries = await list(await this.#folder());
      return { models: entries.length, bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0) };
    } catch {
      return { models: 0, bytes: 0 };
    }
  }

  async #folder() {
    const root = await navigator.storage.getDirectory();
    return root.getDirectoryHandle(this.#name, { create: true });
  }

  /**
   * @param {string} key
   * @returns {Promise<StoredBundle>}
   */
  async #read(key) {
    const root = await navigator.storage.getDirectory();
    const place = await (await root.getDirectoryHandle(this.#name)).getDirectoryHandle(key);
    const { files, compiler } = await readRecord(place);
    if (compiler !== this.compiler) throw new Error(`of compiler ${compiler}`);
    const contents = await Promise.all(files.map(({ name, bytes }) => openFile(place, name, bytes)));
    writeFile(place, USED, new Uint8Array(1)).catch(() => {}); // at worst the entry seems older than it is
    const byName = new Map(files.map(({ name }, i) => [name, contents[i]]));
    return { names: [...byName.keys()], read: (name) => byName.get(name) };
  }

  /**
   * The entries to keep, after removing what is of no use any more.
   * @param {FileSystemDirectoryHandle} folder
   */
  async #tidy(folder) {
    const entries = (await list(folder)).filter(({ record }) => record.compiler === this.compiler);
    const kept = new Set(entries.map(({ key }) => key));
    for await (const name of folder.keys()) if (!kept.has(name)) await discard(folder, name);
    return entries;
  }

  /**
   * Does some work while no other tab writes.
   * @template T
   * @param {(folder: FileSystemDirectoryHandle) => Promise<T>} work
   * @param {T} otherwise what comes of a failure
   * @returns {Promise<T>}
   */
  async #alone(work, otherwise) {
    const inTurn = async () => work(await this.#folder());
    try {
      return await (navigator.locks ? navigator.locks.request(`${this.#name}-store`, inTurn) : inTurn());
    } catch (error) {
      console.info('compiled models are not kept:', error);
      return otherwise;
    }
  }
}

/**
 * Removes the least recently used entries until there is room; false if there can't be.
 * @param {FileSystemDirectoryHandle} folder
 * @param {Listed[]} entries
 * @param {number} needed
 * @param {number} budget
 */
async function makeRoom(folder, entries, needed, budget) {
  const { quota = Infinity, usage = 0 } = (await navigator.storage.estimate?.()) ?? {};
  let held = entries.reduce((sum, { bytes }) => sum + bytes, 0);
  let free = quota - usage - SPARE;
  if (needed > budget || needed > free + held) return false;
  for (const { key, bytes } of entries.sort((a, b) => a.used - b.used)) {
    if (held + needed <= budget && needed <= free) break;
    await discard(folder, key);
    held -= bytes;
    free += bytes;
  }
  return true;
}

/**
 * The entries that are whole, as far as their records tell.
 * @param {FileSystemDirectoryHandle} folder
 * @returns {Promise<Listed[]>}
 */
async function list(folder) {
  const found = [];
  for await (const [key, place] of folder.entries()) {
    try {
      if (place.kind !== 'directory') continue;
      const record = await readRecord(/** @type {FileSystemDirectoryHandle} */ (place));
      const used = await /** @type {FileSystemDirectoryHandle} */ (place).getFileHandle(USED).then((file) => file.getFile());
      found.push({ key, record, bytes: record.files.reduce((sum, { bytes }) => sum + bytes, 0), used: used.lastModified });
    } catch {
      // a leftover
    }
  }
  return found;
}

/**
 * @param {FileSystemDirectoryHandle} place
 * @returns {Promise<EntryRecord>}
 */
async function readRecord(place) {
  const file = await (await place.getFileHandle(RECORD)).getFile();
  const record = JSON.parse(await file.text());
  if (record?.format !== FORMAT || !Array.isArray(record.files)) throw new Error('not a record of ours');
  return record;
}

/**
 * @param {FileSystemDirectoryHandle} place
 * @param {string} name
 * @param {number} bytes that it must have
 */
async function openFile(place, name, bytes) {
  const file = await place.getFileHandle(name).then((handle) => handle.getFile(), () => null);
  if (file?.size !== bytes) throw new Error(`${name} has ${file?.size} bytes instead of ${bytes}`);
  return file;
}

/**
 * Removes an entry, its record first; one that isn't there is no error.
 * @param {FileSystemDirectoryHandle} folder
 * @param {string} name
 */
async function discard(folder, name) {
  try {
    const place = await folder.getDirectoryHandle(name);
    await place.removeEntry(RECORD).catch(ignoreMissing);
  } catch {
    // a file, or nothing at all
  }
  await folder.removeEntry(name, { recursive: true }).catch(ignoreMissing);
}

/** @param {unknown} error */
function ignoreMissing(error) {
  if (!isMissing(error)) throw error;
}

/** @param {unknown} error */
function isMissing(error) {
  return error instanceof DOMException && error.name === 'NotFoundError';
}

/** @param {Uint8Array | ArrayBuffer | Blob} content */
function sizeOf(content) {
  return content instanceof Blob ? content.size : content.byteLength;
}

/**
 * @template T
 * @param {Promise<T>} promise
 * @returns {Promise<T>}
 */
function withPatience(promise) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new DOMException('storage does not answer', 'NotFoundError')), PATIENCE_MS);
    promise.then(resolve, reject).finally(() => clearTimeout(late));
  });
}
