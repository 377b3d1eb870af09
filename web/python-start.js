// @ts-check
/** @file How a worker starts Python, and gives it our package: a zip file from which modules are imported as it is. */

import { DownloadError } from './errors.js';

/**
 * What we use of Pyodide.
 * @typedef {object} Pyodide
 * @property {string} version
 * @property {{writeFile: (path: string, data: Uint8Array) => void}} FS
 * @property {(code: string) => any} runPython
 * @property {(name: string) => Promise<unknown>} loadPackage
 * @property {Record<string, string>} loadedPackages
 * @property {(output: {batched: (line: string) => void}) => void} setStdout
 * @property {(output: {batched: (line: string) => void}) => void} setStderr
 * @property {(name: string) => any} pyimport
 */

/** Where Python finds its library. */
export const LIBRARY = '/lib/python314.zip';
/** Where it finds our package. */
export const PACKAGE = '/lib/wasmkiln.zip';
// Python's zipimporter loads or compiles a module to learn its file's name, and again to run it. Ours tells the name at once.
const IMPORT_FROM_PACKAGE = `
import sys
from zipimport import zipimporter

class PackageImporter(zipimporter):
    def __init__(self, path):
        if not path.startswith('${PACKAGE}'):
            raise ImportError
        super().__init__(path)

    def get_filename(self, name):
        path = f"{self.archive}/{self.prefix}{name.rpartition('.')[2]}"
        return path + ('/__init__.py' if self.is_package(name) else '.py')

sys.path_hooks.insert(0, PackageImporter)
sys.path.insert(0, '${PACKAGE}')
`;

/**
 * @param {import('./python-files.js').PythonFiles} files
 * @param {(version: string) => Promise<string>} [findPackages] tells where its packages lie; there too if absent
 * @returns {Promise<Pyodide>}
 */
export async function startPython({ module: url, options }, findPackages) {
  let module;
  try {
    module = await import(/* webpackIgnore: true */ /* @vite-ignore */ url);
  } catch (error) {
    throw new DownloadError(`Pyodide, which compiles models, could not be loaded from ${url} (${error}); env.pyodide.indexURL says where it lies`);
  }
  return module.loadPyodide({ packageBaseUrl: await findPackages?.(module.version), ...options });
}

/**
 * Makes our package importable, without reading the modules that are not imported.
 * @param {Pyodide} pyodide
 * @param {Uint8Array} modules the zip file
 */
export function addPackage(pyodide, modules) {
  pyodide.FS.writeFile(PACKAGE, modules);
  pyodide.runPython(IMPORT_FROM_PACKAGE);
}

/** @param {string} url */
export async function fetchBytes(url) {
  const response = await fetch(url).catch((error) => {
    throw new DownloadError(`${url} could not be fetched (${error})`);
  });
  if (!response.ok) throw new DownloadError(`${url} could not be fetched: the server answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
