// @ts-check
/** @file Writes zip files whose members are stored as they are: weights don't get smaller. */

import { LimitError } from '../errors.js';

const UTF8 = 0x800; // names are in UTF-8
const EPOCH = 0x21; // the first of January 1980, the earliest date that zip knows
const LIMIT = 2 ** 32 - 1; // without the extensions for larger files

/** @type {Uint32Array | null} */
let table = null;

/**
 * A zip file with these members, in order.
 * @param {Record<string, Uint8Array<ArrayBuffer>>} files
 * @returns {Blob}
 */
export function zip(files) {
  /** @type {BlobPart[]} */
  const members = [];
  /** @type {BlobPart[]} */
  const directory = [];
  let [at, size] = [0, 0];
  for (const [name, data] of Object.entries(files)) {
    const path = new TextEncoder().encode(name);
    // Version 2.0, flags, method, time, date, checksum, stored and real size, length of the name, none of extra fields.
    const common = [[20, 2], [UTF8, 2], [0, 2], [0, 2], [EPOCH, 2], [crc32(data), 4], [data.length, 4], [data.length, 4], [path.length, 2], [0, 2]];
    const header = bytes([[0x04034b50, 4], ...common]);
    // After these: comment, disk, attributes inside and outside, and where the member begins.
    const entry = bytes([[0x02014b50, 4], [20, 2], ...common, [0, 2], [0, 2], [0, 2], [0, 4], [at, 4]]);
    members.push(header, path, data);
    directory.push(entry, path);
    at += header.length + path.length + data.length;
    size += entry.length + path.length;
  }
  if (at + size > LIMIT) throw new LimitError('a zip file holds less than 4 GiB');
  const count = Object.keys(files).length;
  const end = bytes([[0x06054b50, 4], [0, 2], [0, 2], [count, 2], [count, 2], [size, 4], [at, 4], [0, 2]]);
  return new Blob([...members, ...directory, end], { type: 'application/zip' });
}

/**
 * Numbers, the lowest byte first, each with how many bytes it has.
 * @param {number[][]} numbers
 */
function bytes(numbers) {
  const out = new Uint8Array(numbers.reduce((sum, [, length]) => sum + length, 0));
  let at = 0;
  for (const [value, length] of numbers) for (let i = 0; i < length; i++) out[at++] = value >>> (8 * i);
  return out;
}

/**
 * The checksum of a member.
 * @param {Uint8Array} data
 */
function crc32(data) {
  table ??= Uint32Array.from({ length: 256 }, (_, n) => {
    for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
    return n;
  });
  let crc = 0xffffffff;
  for (let i = 0; i < data.length; i++) crc = table[(crc ^ data[i]) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
