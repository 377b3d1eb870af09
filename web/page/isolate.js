// @ts-check
/**
 * @file Isolation on hosts that send no COOP and COEP headers: the service worker adds them, for which the page has to be
 * loaded once more. Pages that `wasmkiln site` made ask for it by a meta element.
 */

const RELOADED = 'wasmkiln:reloaded'; // in this tab's storage, so that a reload that didn't help is not done again
const PATIENCE_MS = 5000;

/**
 * Reloads the page by way of the service worker, where that is what isolation takes; else null.
 * @returns {Promise<void> | null} resolves if it didn't come to the reload
 */
export function isolate() {
  if (crossOriginIsolated) return note('helped');
  if (!document.querySelector('meta[name=isolation][content=service-worker]')) return null; // the host sends headers, or is not to
  if (!navigator.serviceWorker || window.top !== window) return null; // a frame is as isolated as what it is in
  try {
    if (sessionStorage.getItem(RELOADED) === 'tried') return null;
    sessionStorage.setItem(RELOADED, 'tried');
  } catch {
    return null; // without a mark it might go on for ever
  }
  return reload();
}

/** Whether the page was loaded twice, to be isolated. */
export function wasReloaded() {
  try {
    return sessionStorage.getItem(RELOADED) === 'helped';
  } catch {
    return false;
  }
}

/** @param {string} outcome */
function note(outcome) {
  try {
    if (sessionStorage.getItem(RELOADED)) sessionStorage.setItem(RELOADED, outcome);
  } catch {
    // nothing was noted before either
  }
  return null;
}

async function reload() {
  const status = document.getElementById('status');
  if (status) status.textContent = 'Loading the page once more, so that it may use all processor cores';
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, null));
  try {
    await navigator.serviceWorker.register('sw.js', { updateViaCache: 'none' });
    if (!(await Promise.race([navigator.serviceWorker.ready, late]))) return;
  } catch {
    return; // The page works without, on one thread.
  }
  location.reload();
  await new Promise(() => {});
}
