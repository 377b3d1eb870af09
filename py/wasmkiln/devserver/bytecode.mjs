/**
 * @file Compiles zip files of Python modules in Pyodide: node bytecode.mjs '{"core": folder, "library": zip file,
 * "compiler": Python file, "jobs": [{"source": zip file, "target": zip file, "path": …, "importedOnly": …, "comment": …}]}'
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const { core, library, compiler, jobs } = JSON.parse(process.argv[2]);
const { loadPyodide } = await import(pathToFileURL(`${core}/pyodide.mjs`).href);
const python = await loadPyodide({ indexURL: core, stdLibURL: library });
python.runPython(readFileSync(compiler, 'utf8'));
const compileZip = python.globals.get('compile_zip');
for (const { source, target, path, importedOnly, comment } of jobs) {
  python.FS.writeFile('/source.zip', new Uint8Array(readFileSync(source)));
  compileZip('/source.zip', '/target.zip', path, importedOnly, comment);
  writeFileSync(target, python.FS.readFile('/target.zip'));
}
