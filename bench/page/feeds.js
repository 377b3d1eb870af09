// @ts-check
/** @file What the driver asks of a runtime, and the inputs, which are the same bytes for all. */

import { ARRAYS } from '../tensor.js';

/**
 * @typedef {import('../../web/tensor-data.js').TypedArray} TypedArray
 * @typedef {{name: string, dtype: string, shape: number[], url: string}} Input
 * @typedef {{model: string, threads: number, inputs: Input[]}} Task
 * @typedef {{name: string, dtype: string, shape: number[], data: TypedArray}} Feed
 * @typedef {{run(): Promise<ArrayLike<number | bigint>>, details: Record<string, unknown>}} Subject
 */

/**
 * The values of all inputs.
 * @param {Task} task
 * @returns {Promise<Feed[]>}
 */
export async function readFeeds({ inputs }) {
  return Promise.all(
    inputs.map(async ({ name, dtype, shape, url }) => {
      const bytes = await (await fetch(url)).arrayBuffer();
      return { name, dtype, shape, data: new ARRAYS[dtype](bytes) };
    }),
  );
}
