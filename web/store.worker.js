// @ts-check
/** @file Writes one file by the means that only workers have. */

/** @typedef {{write: (content: Uint8Array) => number, truncate: (size: number) => void, flush: () => void, close: () => void}} SyncHandle */
/** @typedef {{createSyncAccessHandle: () => Promise<SyncHandle>}} WritableFile */

onmessage = async ({ data: { file, content } }) => {
  let error = null;
  try {
    const bytes = content instanceof Blob ? await content.arrayBuffer() : content;
    const handle = await /** @type {WritableFile} */ (file).createSyncAccessHandle();
    try {
      handle.truncate(0);
      const array = ArrayBuffer.isView(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : new Uint8Array(bytes);
      if (handle.write(array) !== array.length) throw new DOMException('the file was cut short', 'QuotaExceededError');
      handle.flush();
    } finally {
      handle.close();
    }
  } catch (caught) {
    error = caught instanceof Error ? { name: caught.name, message: caught.message } : { name: 'Error', message: String(caught) };
  }
  postMessage(error);
};
