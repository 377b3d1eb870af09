// @ts-check
/** @file The sample photos and their credits. */

/** @typedef {{file: string, title: string, credit: string}} Sample */

/**
 * All of them free to use; `samples/README.md` says where they come from.
 * @type {readonly Sample[]}
 */
export const SAMPLES = Object.freeze([
  { file: 'cat.jpg', title: 'A cat', credit: '“Chelsea” by Stéfan van der Walt, CC0' },
  { file: 'coffee.jpg', title: 'A cup of coffee', credit: '“Coffee” by Rachel Michetti, courtesy of Pikolo Espresso Bar, CC0' },
  { file: 'camera.jpg', title: 'A photographer', credit: '“Camera” by Lav Varshney, CC0' },
]);
