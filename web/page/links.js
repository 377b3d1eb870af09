// @ts-check
/**
 * @file Links to pictures and models: data links and those of this site are read, others are not.
 *
 * The page's policy lets it connect to its own server only, and that is what keeps its promise that nothing leaves it. Fetching
 * from other sites would need that policy opened for all of them, so the visitor is told how to bring the picture here instead.
 */

import { download } from '../download.js';
import { ImageError } from '../errors.js';
import { sameOrigin } from './catalog.js';

const DATA_LINK = /^data:(?<type>[\w.+/-]*)(?:;[\w.+=-]+)*?(?<base64>;base64)?,(?<data>.*)$/is;
const MAX_DATA_LINK = 64 << 20; // characters

/** A link to another site, which is not followed. */
export class ElsewhereError extends ImageError {
  /** @param {string | null} address for the visitor to open, if that can be done */
  constructor(address) {
    super(
      'this page fetches nothing from other sites; so it makes sure that nothing leaves it. Open the link, copy the picture and paste it ' +
        'here, or save it and drop the file.',
    );
    this.name = 'ImageError';
    this.address = address;
  }
}

/**
 * The file behind a link.
 * @param {string} text
 * @param {'dropped' | 'pasted' | 'linked'} how
 */
export async function readLink(text, how) {
  const link = text.trim().split(/[\r\n]/)[0];
  if (/^data:/i.test(link)) return readDataLink(link);
  if (!/^(https?|blob|file):/i.test(link)) {
    throw new ImageError(`what was ${how} holds no picture; copy the picture itself, or a file`);
  }
  const url = sameOrigin(link, document.baseURI);
  if (!url) throw new ElsewhereError(/^https?:/i.test(link) ? link : null);
  return fetchFile(url);
}

/**
 * A file of this site.
 * @param {URL} url
 * @param {AbortSignal} [signal]
 * @param {(received: number, size: number | undefined) => void} [onProgress]
 */
export async function fetchFile(url, signal, onProgress) {
  return new File([await download(url, { signal, onProgress })], fileName(url));
}

/** @param {URL} url */
function fileName(url) {
  const last = url.pathname.split('/').pop() || url.hostname;
  try {
    return decodeURIComponent(last);
  } catch {
    return last; // not UTF-8
  }
}

/**
 * The bytes inside a data link, which is never fetched.
 * @param {string} link
 */
function readDataLink(link) {
  if (link.length > MAX_DATA_LINK) throw new ImageError('the data link is too long; save the picture and drop the file');
  const { type = '', base64, data = '' } = DATA_LINK.exec(link)?.groups ?? {};
  try {
    const text = decodeURIComponent(data);
    const bytes = base64 ? Uint8Array.from(atob(text), (c) => c.charCodeAt(0)) : new TextEncoder().encode(text);
    return new File([bytes], `link.${/\w+/.exec(type.split('/')[1] ?? '')?.[0] ?? 'bin'}`, { type });
  } catch {
    throw new ImageError('the data link is damaged');
  }
}
