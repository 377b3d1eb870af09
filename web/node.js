// @ts-check
/** @file What Node lacks of a page: workers with a page's interface, and files by path. Elsewhere all of this says that it isn't Node. */

const here = import.meta.url; // by this name, because bundlers would look for the workers below

/**
 * Node's built-in modules, which no bundler is to look for; null in browsers, and in whatever has a page's workers.
 * @param {string} name
 * @returns {any}
 */
function builtin(name) {
  const { process, Worker } = /** @type {any} */ (globalThis);
  return typeof Worker === 'undefined' ? (process?.getBuiltinModule?.(`node:${name}`) ?? null) : null;
}

/** Whether this is Node. */
export function isNode() {
  return builtin('worker_threads') !== null;
}

/**
 * One of our workers, with as much of a page's interface as `Channel` uses; null where there are a page's workers.
 * @param {string} name
 * @returns {Worker | null}
 */
export function nodeWorker(name) {
  const threads = builtin('worker_threads');
  if (!threads) return null;
  const thread = new threads.Worker(new URL(name, here), { name, argv: [name] });
  const worker = {
    onmessage: (/** @type {{data: unknown}} */ _event) => {},
    onerror: (/** @type {{message: string}} */ _event) => {},
    onmessageerror: () => {},
    postMessage: (/** @type {unknown} */ message, /** @type {Transferable[]} */ transfer) => thread.postMessage(message, transfer),
    terminate: () => void thread.terminate(),
    ref: () => thread.ref(),
    unref: () => thread.unref(),
  };
  thread.on('message', (/** @type {unknown} */ data) => worker.onmessage({ data }));
  thread.on('messageerror', () => worker.onmessageerror());
  thread.on('error', (/** @type {Error} */ error) => worker.onerror({ message: String(error) }));
  thread.on('exit', (/** @type {number} */ code) => worker.onerror({ message: `it ended with code ${code}` }));
  thread.unref(); // only requests under way keep the process
  return /** @type {Worker} */ (/** @type {unknown} */ (worker));
}

/**
 * The end of this worker's mailbox, in the form of a page's worker's global scope; null where the global scope has it.
 * @returns {import('./channel.js').WorkerScope | null}
 */
export function nodeScope() {
  const port = builtin('worker_threads')?.parentPort;
  if (!port) return null;
  return {
    postMessage: (message, transfer) => port.postMessage(message, transfer),
    set onmessage(/** @type {any} */ listener) {
      port.on('message', (/** @type {unknown} */ data) => listener({ data }));
    },
  };
}

/**
 * The content of a file by its path or file: URL; null for what isn't one, or where there are no files.
 * @param {string | URL} url
 * @returns {Promise<Uint8Array<ArrayBuffer>> | null}
 */
export function readFile(url) {
  const fs = builtin('fs');
  if (!fs || /^(https?|data|blob):/i.test(String(url))) return null;
  return fs.promises.readFile(/^file:/i.test(String(url)) ? new URL(url) : url);
}

/** The URL of the folder that paths are relative to; undefined elsewhere. */
export function workingFolder() {
  return builtin('url')?.pathToFileURL(`${/** @type {any} */ (globalThis).process.cwd()}/`).href;
}

/** How many processors Node may use; undefined elsewhere. */
export function processors() {
  return builtin('os')?.availableParallelism();
}

/**
 * The path of a file: URL.
 * @param {string | URL} url
 * @returns {string}
 */
export function pathOf(url) {
  return builtin('url').fileURLToPath(url);
}

/**
 * The file: URL of a module of an npm package that is installed for ours; null where it isn't, or this isn't Node.
 * @param {string} name
 * @returns {string | null}
 */
export function resolvePackage(name) {
  try {
    return String(builtin('url').pathToFileURL(builtin('module').createRequire(here).resolve(name)));
  } catch {
    return null;
  }
}
