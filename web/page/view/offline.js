// @ts-check
/** @file What the page says of its use offline, and of a new version. */

import { wasReloaded } from '../isolate.js';
import { make } from './dom.js';
import { formatBytes } from './format.js';

/** @typedef {import('../offline.js').OfflineEvent} OfflineEvent */

const line = make('p', { id: 'offline' });
const notice = make('p', { id: 'update', role: 'status' });

/** Puts the places for it into the page. */
export function showOfflinePlaces() {
  document.querySelector('footer')?.append(line);
  document.querySelector('main')?.before(notice);
}

/** @param {OfflineEvent} event */
export function showOffline(event) {
  if (event.state === 'update') return showUpdate(event.install);
  document.documentElement.dataset.offline = event.state;
  const again = wasReloaded() ? ' It was loaded twice, so that it may use all processor cores.' : '';
  if (event.state === 'keeping') line.textContent = `Keeping the page on this machine for use offline: ${formatBytes(event.bytes)} of ${formatBytes(event.total)}.`;
  if (event.state === 'kept') line.textContent = `This page works offline now.${again}`;
  if (event.state === 'failed') line.textContent = `This page could not be kept for use offline (${event.reason}).${again}`;
}

/** @param {() => void} install */
function showUpdate(install) {
  const button = make('button', { type: 'button', className: 'small' }, 'Load it');
  button.addEventListener('click', () => {
    button.disabled = true;
    install();
  });
  notice.replaceChildren('A new version of this page is ready. ', button);
}
