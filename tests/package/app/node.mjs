/** @file The package in Node; prints one line of JSON. */

import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { env, InferenceSession, pipeline, ReleasedError, Tensor } from 'wasmkiln';
import { classify, failure, run } from './work.js';

const [path, grey, external, indexURL] = process.argv.slice(2);
if (indexURL) env.pyodide.indexURL = indexURL;
const input = Array.from({ length: 3 * 33 * 29 }, (_, i) => Math.sin(i));
const bytes = await readFile(path);
const sources = [path, pathToFileURL(path), bytes, bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length), new Blob([bytes])];
const results = [];
for (const source of sources) results.push(await run(source, input, { threads: 2 }));

const events = [];
const session = await InferenceSession.create(path, { progress: ({ status }) => events.push(status), enableProfiling: true });
const x = new Tensor('float32', input, [1, 3, 33, 29]);
const overlapping = await Promise.all([session.run({ x }), session.run({ x })]);
const rows = session.endProfiling();
const pending = session.run({ x }).catch((error) => error);
await session.release();
const released = (await pending) instanceof ReleasedError;

const externalData = ['w.bin', 'sub/b.bin'].map((name) => ({ path: name, data: join(dirname(external), name) }));
const separate = await run(external, [1, 0, 0, 0, 1, 1], { externalData });
const noModel = await pipeline('image-classification').catch(({ name, message }) => [name, message]);
const { files } = await saved();

/** A bundle of the model, opened again from the disk. */
async function saved() {
  const again = await InferenceSession.create(path);
  const bundle = await again.save();
  await again.release();
  return bundle;
}

console.log(
  JSON.stringify({
    results,
    events: [...new Set(events)],
    same: overlapping[0].y.data.every((value, i) => value === overlapping[1].y.data[i]),
    rows: rows.length,
    released,
    separate: separate.data,
    label: await classify(grey),
    missing: await failure('none.onnx'),
    noModel,
    files: Object.keys(files),
  }),
);
