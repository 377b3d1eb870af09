// @ts-check
/** @file Has the service worker keep the page for use without a network, and tells of new versions. */

/**
 * What there is to tell. `kept`: the page works without a network from now on.
 * @typedef {{state: 'keeping', bytes: number, total: number}
 *   | {state: 'kept'}
 *   | {state: 'failed', reason: string}
 *   | {state: 'update', install: () => void}} OfflineEvent
 */

/**
 * Call it once the page needs nothing more, for it fetches all that the page may ever need.
 * @param {(event: OfflineEvent) => void} tell
 */
export async function keepOffline(tell) {
  const container = navigator.serviceWorker;
  if (!container) return;
  container.addEventListener('message', ({ data }) => {
    if (data?.type === 'filling') tell({ state: 'keeping', bytes: data.bytes, total: data.total });
    if (data?.type === 'filled') tell({ state: 'kept' });
    if (data?.type === 'unfilled') tell({ state: 'failed', reason: data.reason });
  });
  try {
    const registration = await container.register('sw.js', { updateViaCache: 'none' });
    if (!registration) return; // as tests see to it that want none
    watchUpdates(registration, tell);
    const { active } = await container.ready;
    active?.postMessage({ type: 'fill' });
  } catch (error) {
    tell({ state: 'failed', reason: error instanceof Error ? error.message : String(error) });
  }
}

/**
 * @param {ServiceWorkerRegistration} registration
 * @param {(event: OfflineEvent) => void} tell
 */
function watchUpdates(registration, tell) {
  const offer = (/** @type {ServiceWorker} */ worker) => {
    // A new version replaces this one when the visitor says so, for the page has to be loaded anew.
    const install = () => {
      navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true });
      worker.postMessage({ type: 'activate' });
    };
    tell({ state: 'update', install });
  };
  const follow = (/** @type {ServiceWorker | null} */ worker) => {
    if (!worker || !registration.active) return;
    worker.addEventListener('statechange', () => {
      if (worker.state === 'installed' && registration.waiting === worker) offer(worker);
      // One that asked nobody, as a developer's server has it, has yet to be filled.
      if (worker.state === 'activated') worker.postMessage({ type: 'fill' });
    });
  };
  if (registration.waiting && registration.active) offer(registration.waiting);
  follow(registration.installing);
  registration.addEventListener('updatefound', () => follow(registration.installing));
}
