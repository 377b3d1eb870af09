// @ts-check
/**
 * @file Where the files lie that Python starts from. Imported by workers only, where bundlers resolve the addresses below.
 *
 * Written as literals, they mean the folder `pyodide` beside this module to a browser, and to a bundler the npm package
 * `pyodide`, whose files it copies under names of its own.
 */

import { DownloadError } from './errors.js';
import { isNode, pathOf, resolvePackage } from './node.js';

const here = import.meta.url; // by this name, because bundlers would look for the image, which packages have not
const NAMES = ['pyodide.mjs', 'pyodide.asm.mjs', 'pyodide.asm.wasm', 'python_stdlib.zip', 'pyodide-lock.json'];

/** Our Python package, as it comes with our modules. */
export function packageArchive() {
  return new URL('./wheel/wasmkiln.zip', import.meta.url).href;
}

/**
 * Pyodide's module, its `loadPyodide` options by which it finds its other files, and where an image of its memory may lie.
 * @typedef {{module: string, options: {indexURL: string, [option: string]: unknown}, image: string | null}} PythonFiles
 */

/**
 * @param {string | null} indexURL the folder of Pyodide; by default as above
 * @returns {Promise<PythonFiles>}
 */
export async function pythonFiles(indexURL) {
  if (indexURL !== null) return ofFolder(indexURL.endsWith('/') ? indexURL : `${indexURL}/`);
  if (isNode()) return ofFolder(installedFolder());
  const urls = besideOrBundled();
  const [folder] = urls[0].split(NAMES[0]);
  if (!urls.every((url, i) => url === folder + NAMES[i])) return renamed(urls);
  return { ...ofFolder(folder), image: new URL('wheel/python.image', here).href };
}

function besideOrBundled() {
  return [
    new URL('pyodide/pyodide.mjs', import.meta.url).href,
    new URL('pyodide/pyodide.asm.mjs', import.meta.url).href,
    new URL('pyodide/pyodide.asm.wasm', import.meta.url).href,
    new URL('pyodide/python_stdlib.zip', import.meta.url).href,
    new URL('pyodide/pyodide-lock.json', import.meta.url).href,
  ];
}

function installedFolder() {
  const module = resolvePackage('pyodide/pyodide.mjs');
  if (!module) throw new DownloadError('models are compiled by Python, which is missing: npm install pyodide, or set env.pyodide.indexURL to its folder');
  return new URL('.', module).href;
}

/**
 * @param {string} folder
 * @returns {PythonFiles}
 */
function ofFolder(folder) {
  return { module: `${folder}pyodide.mjs`, options: { indexURL: folder.startsWith('file:') ? pathOf(folder) : folder }, image: null };
}

/**
 * Files that a bundler gave other names. Pyodide takes the module's name for granted: it appends it to `indexURL`, where the
 * `#` makes it a fragment, which isn't sent.
 * @param {string[]} urls
 * @returns {Promise<PythonFiles>}
 */
async function renamed([module, assembled, wasm, stdLibURL, lockFileURL]) {
  const { default: createPyodideModule } = await import(/* webpackIgnore: true */ /* @vite-ignore */ assembled);
  return { module, options: { indexURL: `${wasm}#/`, createPyodideModule, stdLibURL, lockFileURL }, image: null };
}
