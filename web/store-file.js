// @ts-check
/** @file Writes a file of the origin private file system, also where only workers can (Safari before 26). */

/**
 * Writes a whole file. It has either the old content or the new one, or it is missing or of another size.
 * @param {FileSystemDirectoryHandle} folder
 * @param {string} name
 * @param {Uint8Array | ArrayBuffer | Blob} content
 */
export async function writeFile(folder, name, content) {
  const file = await folder.getFileHandle(name, { create: true });
  if (!file.createWritable) return writeInWorker(file, content);
  const stream = await file.createWritable();
  try {
    await stream.write(/** @type {FileSystemWriteChunkType} */ (content));
    await stream.close();
  } catch (error) {
    await stream.abort().catch(() => {});
    throw error;
  }
}

/**
 * @param {FileSystemFileHandle} file
 * @param {Uint8Array | ArrayBuffer | Blob} content
 * @returns {Promise<void>}
 */
function writeInWorker(file, content) {
  const worker = new Worker(new URL('./store.worker.js', import.meta.url), { type: 'module', name: 'store.worker.js' });
  /** @type {Promise<void>} */
  const written = new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => (data ? reject(new DOMException(data.message, data.name)) : resolve());
    worker.onerror = (event) => reject(new Error(event.message || 'store.worker.js could not be loaded'));
    worker.postMessage({ file, content });
  });
  return written.finally(() => worker.terminate());
}
