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
 * Gives rows [y, y + count) of RGBA pixels; only the columns asked for.
 * @callback ReadRows
 * @param {number} y
 * @param {number} count
 * @returns {Uint8ClampedArray}
 */

/**
 * Resizes a picture that is read strip by strip, so that it never lies in memory twice.
 * @param {ReadRows} readRows
 * @param {{width: number, height: number}} source
 * @param {{width: number, height: number}} target
 * @returns {Uint8ClampedArray} RGB, target.height × target.width × 3
 */
export function resizeBicubic(readRows, source, target) {
  const columns = windows(source.width, target.width);
  const narrow = new Uint8ClampedArray(source.height * target.width * 3);
  const strip = Math.max(1, Math.floor((1 << 20) / source.width)); // rows that make about 4 MB
  for (let y = 0; y < source.height; y += strip) {
    const rows = Math.min(strip, source.height - y);
    shrinkRows(readRows(y, rows), rows, source.width, columns, narrow.subarray(y * target.width * 3));
  }
  return shrinkColumns(narrow, target.width * 3, windows(source.height, target.height));
}

/**
 * @param {number} source
 * @param {number} target
 * @returns {Window[]}
 */
export function windows(source, target) {
  const scale = source / target;
  const stretch = Math.max(scale, 1);
  const support = SUPPORT * stretch;
  return Array.from({ length: target }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(source, Math.trunc(centre + support + 0.5));
    const raw = Array.from({ length: end - first }, (_, j) => cubic((first + j - centre + 0.5) / stretch));
    const sum = raw.reduce((a, b) => a + b, 0);
    return { first, weights: Float32Array.from(raw, (w) => w / sum) };
  });
}

/** @param {number} x */
function cubic(x) {
  const t = Math.abs(x);
  if (t < 1) return ((A + 2) * t - (A + 3)) * t * t + 1;
  if (t < 2) return (((t - 5) * t + 8) * t - 4) * A;
  return 0;
}

/**
 * RGBA rows to narrower RGB rows.
 * @param {Uint8ClampedArray} pixels
 * @param {number} rows
 * @param {number} width
 * @param {Window[]} columns
 * @param {Uint8ClampedArray} out
 */
function shrinkRows(pixels, rows, width, columns, out) {
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
function shrinkColumns(rows, pitch, lines) {
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
