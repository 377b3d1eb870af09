// @ts-check
/** @file Widens half-precision floats, by the browser where it has Float16Array, else by a table. */

/** @type {Float32Array | null} the value of each of the 65,536 halves */
let table = null;

/**
 * @param {Uint8Array} halves their bytes, at any place
 * @param {Float32Array} out
 */
export function toFloats(halves, out) {
  const aligned = halves.byteOffset % 2 ? halves.slice() : halves;
  const { Float16Array } = /** @type {any} */ (globalThis);
  if (Float16Array) {
    out.set(new Float16Array(aligned.buffer, aligned.byteOffset, out.length));
    return;
  }
  const bits = new Uint16Array(aligned.buffer, aligned.byteOffset, out.length);
  table ??= Float32Array.from({ length: 65536 }, (_, half) => valueOf(half));
  for (let i = 0; i < bits.length; i++) out[i] = table[bits[i]];
}

/** @param {number} half */
export function valueOf(half) {
  const [sign, exponent, fraction] = [half >> 15 ? -1 : 1, (half >> 10) & 31, half & 1023];
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 25) * (1024 + fraction) : 2 ** -24 * fraction);
}
