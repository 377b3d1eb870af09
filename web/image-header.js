// @ts-check
/**
 * @file What a picture's first bytes tell: its format and its size in pixels, before anything is decoded.
 *
 * So that a small file which unfolds into gigabytes is refused before it does.
 */

import { ImageError } from './errors.js';

/**
 * `width` and `height` as stored, before any rotation.
 * @typedef {{format: string, width: number, height: number}} ImageHeader
 */

/** How much of a file `readHeader` wants to see; JPEG may have long metadata before its size. */
export const HEADER_BYTES = 1 << 20;

const FORMATS = 'JPEG, PNG, WebP, GIF, BMP or AVIF';

/**
 * The header of a picture; ImageError for anything else.
 * @param {Uint8Array} bytes the file's first HEADER_BYTES, or all of it
 * @returns {ImageHeader}
 */
export function readHeader(bytes) {
  if (bytes.length === 0) throw new ImageError('the file is empty');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return identify(bytes, view);
  } catch (error) {
    if (error instanceof RangeError) throw new ImageError('the picture ends inside its header: the file is damaged or cut off');
    throw error;
  }
}

/**
 * @param {Uint8Array} bytes
 * @param {DataView} view reads past its end throw RangeError
 * @returns {ImageHeader}
 */
function identify(bytes, view) {
  const text = latin1(bytes.subarray(0, 256));
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return { format: 'PNG', width: view.getUint32(16), height: view.getUint32(20) };
  if (text.startsWith('\xff\xd8\xff')) return jpeg(view);
  if (text.startsWith('GIF8')) return { format: 'GIF', width: view.getUint16(6, true), height: view.getUint16(8, true) };
  if (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP') return webp(view, text.slice(12, 16));
  if (text.startsWith('BM')) return bmp(view);
  if (text.slice(4, 8) === 'ftyp') return isoMedia(bytes, view, text);
  if (/^(\xef\xbb\xbf)?\s*<(\?xml|!--|!doctype svg|svg)/i.test(text)) {
    throw new ImageError('SVG drawings are not read here; save it as PNG or JPEG');
  }
  if (/^(II\*\0|MM\0\*)/.test(text)) throw new ImageError('TIFF pictures are not read by browsers; save it as PNG or JPEG');
  if (text.startsWith('%PDF')) throw new ImageError('this is a PDF document, not a picture');
  throw new ImageError(`this is neither a picture (${FORMATS} can be read) nor a model (a file that ends in .onnx)`);
}

/** @param {Uint8Array} bytes */
function latin1(bytes) {
  return String.fromCharCode(...bytes);
}

/**
 * Walks the segments to the frame header (SOF0 to SOF15, without DHT, JPG and DAC).
 * @param {DataView} view
 * @returns {ImageHeader}
 */
function jpeg(view) {
  let at = 2;
  for (;;) {
    if (view.getUint8(at) !== 0xff) throw new ImageError('the JPEG file is damaged: no marker where one has to be');
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at += 1; // fill bytes
    } else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      return { format: 'JPEG', width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    } else if (marker === 0xd9 || marker === 0xda) {
      throw new ImageError('the JPEG file is damaged: it has no frame header');
    } else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += 2;
    } else {
      at += 2 + view.getUint16(at + 2);
    }
  }
}

/**
 * @param {DataView} view
 * @param {string} chunk
 * @returns {ImageHeader}
 */
function webp(view, chunk) {
  if (chunk === 'VP8X') {
    const read24 = (/** @type {number} */ at) => view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    return { format: 'WebP', width: read24(24) + 1, height: read24(27) + 1 };
  }
  if (chunk === 'VP8L') {
    const bits = view.getUint32(21, true);
    return { format: 'WebP', width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  return { format: 'WebP', width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
}

/**
 * @param {DataView} view
 * @returns {ImageHeader}
 */
function bmp(view) {
  if (view.getUint32(14, true) === 12) return { format: 'BMP', width: view.getUint16(18, true), height: view.getUint16(20, true) };
  return { format: 'BMP', width: Math.abs(view.getInt32(18, true)), height: Math.abs(view.getInt32(22, true)) };
}

/**
 * AVIF and HEIC: the largest `ispe` property (image spatial extents) is the size of the whole picture.
 * @param {Uint8Array} bytes
 * @param {DataView} view
 * @param {string} text
 * @returns {ImageHeader}
 */
function isoMedia(bytes, view, text) {
  const brands = text.slice(8, Math.min(256, view.getUint32(0)));
  const format = /avif|avis/.test(brands) ? 'AVIF' : /heic|heix|heim|hevc|mif1|msf1/.test(brands) ? 'HEIC' : null;
  if (!format) throw new ImageError('this is a film or sound, not a picture');
  let width = 0;
  let height = 0;
  for (let at = bytes.indexOf(0x69); at >= 0 && at + 16 <= bytes.length; at = bytes.indexOf(0x69, at + 1)) {
    if (view.getUint32(at) !== 0x69737065) continue; // 'ispe', 4 bytes of version and flags, width, height
    const [w, h] = [view.getUint32(at + 8), view.getUint32(at + 12)];
    if (w * h > width * height) [width, height] = [w, h];
  }
  return { format, width, height };
}
