// @ts-check
/** @file Files that other apps give to the installed page: shared with it, or opened by it. */

/** @typedef {{setConsumer: (consumer: (launch: {files?: FileSystemFileHandle[]}) => void) => void}} LaunchQueue */

/**
 * Calls back with files that were shared with the page or that it was opened for.
 * @param {(files: File[]) => void} onFiles
 */
export function takeLaunches(onFiles) {
  const queue = /** @type {{launchQueue?: LaunchQueue}} */ (/** @type {unknown} */ (globalThis)).launchQueue;
  queue?.setConsumer(async ({ files = [] }) => {
    const opened = await Promise.all(files.map((handle) => handle.getFile().catch(() => null)));
    give(opened.filter((file) => file !== null), onFiles);
  });
  if (new URLSearchParams(location.search).has('shared')) {
    history.replaceState(null, '', location.pathname); // a reload must not look for them again
    takeShared().then((files) => give(files, onFiles), () => {});
  }
}

/**
 * @param {File[]} files
 * @param {(files: File[]) => void} onFiles
 */
function give(files, onFiles) {
  if (files.length) onFiles(files);
}

/** What the service worker has put aside; once taken it is gone. */
async function takeShared() {
  const name = `wasmkiln ${new URL('./', location.href).pathname} shared`;
  const cache = await caches.open(name);
  const files = await Promise.all(
    (await cache.keys()).map(async (request) => {
      const blob = await (await cache.match(request))?.blob();
      const name = decodeURIComponent(new URL(request.url).pathname.split('/').pop() ?? '');
      return blob && new File([blob], name, { type: blob.type });
    }),
  );
  await caches.delete(name);
  return files.filter((file) => file !== undefined);
}
