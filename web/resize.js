// @ts-check
/**
 * @file Antialiased bicubic resizing as Pillow does it (a = -0.5), so that a picture gives the tensor that models were trained on.
 *
 * Separable: the cubic is stretched by the scale when shrinking, weights are normalised per output sample, and the
 * horizontal pass is rounded to 8 bits before the vertical one, as in Pillow's Resample.c.
 */

const SUPPORT = 2; // of the cubic, in source samples at scale 1
const A = -0.5;

/**
 * Weights of one output sample: source samples [first, first + weights.length).
 * @typedef {{first: number, weights: Float32Array}} Window
 */

/**
 * Gives a rectangle of the source as RGBA pixels.
 * @callback ReadPixels
 * @param {number} x
 * @param {number} y
 * @param {number} width
 * @param {number} height
 * @returns {Uint8ClampedArray}
 */

/**
 * Where to take the picture from; the edges may lie inside pixels.
 * @typedef {{left: number, top: number, width: number, height: number}} Box
 */

const STRIP = 1 << 20; // pixels read at a time, about 4 MB

/**
 * Resizes a part of a picture that is read strip by strip, so that it never lies in memory twice.
 * @param {ReadPixels} readPixels
 * @param {{width: number, height: number}} source
 * @param {Box} box
 * @param {{width: number, height: number}} target
 * @returns {Uint8ClampedArray} RGB, target.height × target.width × 3
 */
export function resizeBicubic(readPixels, source, box, target) {
  const columns = windows(source.width, box.left, box.width, target.width);
  const lines = windows(source.height, box.top, box.height, target.height);
  const [left, right] = span(columns);
  const [top, bottom] = span(lines);
  const pitch = target.width * 3;
  const narrow = new Uint8ClampedArray((bottom - top) * pitch);
  const step = Math.max(1, Math.floor(STRIP / (right - left)));
  for (let y = top; y < bottom; y += step) {
    const rows = Math.min(step, bottom - y);
    const pixels = readPixels(left, y, right - left, rows);
    resizeRows(pixels, rows, right - left, shifted(columns, left), narrow.subarray((y - top) * pitch));
  }
  return resizeColumns(narrow, pitch, shifted(lines, top));
}

/**
 * The windows of `target` samples over [start, start + length) of `size` source samples.
 * @param {number} size
 * @param {number} start
 * @param {number} length
 * @param {number} target
 * @returns {Window[]}
 */
export function windows(size, start, length, target) {
  const scale = length / target;
  const stretch = Math.max(scale, 1);
  const support = SUPPORT * stretch;
  return Array.from({ length: target }, (_, i) => {
    const centre = start + (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(size, Math.trunc(centre + support + 0.5));
    const raw = Array.from({ length: end - first }, (_, j) => cubic((first + j - centre + 0.5) / stretch));
    const sum = raw.reduce((a, b) => a + b, 0);
    return { first, weights: Float32Array.from(raw, (w) => w / sum) };
  });
}

/**
 * The source samples that the windows cover: [from, to).
 * @param {Window[]} all
 */
function span(all) {
  return [Math.min(...all.map((w) => w.first)), Math.max(...all.map((w) => w.first + w.weights.length))];
}

/**
 * @param {Window[]} all
 * @param {number} by
 */
function shifted(all, by) {
  return all.map(({ first, weights }) => ({ first: first - by, weights }));
}

/** @param {number} x */
function cubic(x) {
  const t = Math.abs(x);
  if (t < 1) return ((A + 2) * t - (A + 3)) * t * t + 1;
  if (t < 2) return (((t - 5) * t + 8) * t - 4) * A;
  return 0;
}

/**
 * RGBA rows to RGB rows of as many samples as there are columns.
 * @param {Uint8ClampedArray} pixels
 * @param {number} rows
 * @param {number} width
 * @param {Window[]} columns
 * @param {Uint8ClampedArray} out
 */
function resizeRows(pixels, rows, width, columns, out) {
  let to = 0;
  for (let y = 0; y < rows; y++) {
    for (const { first, weights } of columns) {
      let [r, g, b] = [0, 0, 0];
      let at = (y * width + first) * 4;
      for (let i = 0; i < weights.length; i++, at += 4) {
        const w = weights[i];
        r += w * pixels[at];
        g += w * pixels[at + 1];
        b += w * pixels[at + 2];
      }
      out[to++] = r; // a clamped array rounds
      out[to++] = g;
      out[to++] = b;
    }
  }
}

/**
 * @param {Uint8ClampedArray} rows
 * @param {number} pitch samples a row
 * @param {Window[]} lines
 */
function resizeColumns(rows, pitch, lines) {
  const out = new Uint8ClampedArray(lines.length * pitch);
  const sums = new Float32Array(pitch);
  lines.forEach(({ first, weights }, y) => {
    sums.fill(0);
    for (let i = 0; i < weights.length; i++) {
      const at = (first + i) * pitch;
      const w = weights[i];
      for (let x = 0; x < pitch; x++) sums[x] += w * rows[at + x];
    }
    out.set(sums, y * pitch);
  });
  return out;
}
