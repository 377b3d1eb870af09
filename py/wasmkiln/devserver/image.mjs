/**
 * @file Makes a snapshot of Pyodide's memory with our package imported: node image.mjs '{"core": folder, "library": zip file,
 * "archive": zip file, "start": JavaScript module, "preload": Python file, "target": file}'
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const { core, library, archive, start, preload, target } = JSON.parse(process.argv[2]);
const [{ loadPyodide }, { addPackage }] = await Promise.all([`${core}/pyodide.mjs`, start].map((path) => import(pathToFileURL(path).href)));
const python = await loadPyodide({ indexURL: core, stdLibURL: library, _makeSnapshot: true });
addPackage(python, new Uint8Array(readFileSync(archive)));
const names = python.toPy({ __name__: 'preload' });
python.runPython(`${readFileSync(preload, 'utf8')}\npreload('wasmkiln')`, { globals: names });
names.destroy();
writeFileSync(target, python.makeMemorySnapshot());
