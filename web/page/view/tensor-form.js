// @ts-check
/** @file A form for inputs of any kind: random numbers, zeros, ones, typed numbers, or a file. */

import { InvalidInputError } from '../../errors.js';
import { parseNumbers, readNumbers } from '../tensors/files.js';
import { filled, generator, tensorOf } from '../tensors/values.js';
import { make } from './dom.js';

/** @typedef {import('../../tensor.js').Tensor} Tensor */
/** @typedef {import('../tensors/files.js').Numbers} Numbers */
/** @typedef {{name: string, type: string, shape: readonly number[]}} Input */

const WAYS = /** @type {const} */ ([
  ['random', 'Random numbers'],
  ['zeros', 'Zeros'],
  ['ones', 'Ones'],
  ['typed', 'Numbers that I type'],
  ['file', 'A file (.npy, .json, .csv)'],
]);

/**
 * A form that gives a tensor for each input.
 * @param {readonly Input[]} inputs
 * @param {(read: () => Promise<Record<string, Tensor>>) => void} onRun
 */
export function tensorForm(inputs, onRun) {
  const fields = inputs.map(inputField);
  const form = make('form', { className: 'tensor-form' }, ...fields.map(({ element }) => element), make('button', { className: 'primary' }, 'Run on these inputs'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const random = generator(1);
    onRun(async () => Object.fromEntries(await Promise.all(fields.map(async ({ name, read }) => [name, await read(random)]))));
  });
  return form;
}

/** @param {Input} input */
function inputField({ name, type, shape }) {
  const way = make('select', {}, ...WAYS.map(([key, text]) => make('option', { value: key }, text)));
  const text = make('textarea', { rows: 3, spellcheck: false, placeholder: '0.1, 0.2, …' });
  const file = make('input', { type: 'file', accept: '.npy,.json,.csv,.txt' });
  const typed = make('label', { className: 'field', hidden: true }, make('span', {}, 'Numbers, in rows, with commas or spaces between them'), text);
  const chosen = make('label', { className: 'field', hidden: true }, make('span', {}, 'File'), file);
  way.addEventListener('change', () => {
    typed.hidden = way.value !== 'typed';
    chosen.hidden = way.value !== 'file';
  });
  const read = async (/** @type {() => number} */ random) => {
    if (way.value === 'typed') return fitted(name, type, shape, parseNumbers(text.value));
    if (way.value !== 'file') return filled(/** @type {'random' | 'zeros' | 'ones'} */ (way.value), type, shape, random);
    const given = file.files?.[0];
    if (!given) throw new InvalidInputError(`input “${name}”: no file is chosen`);
    return fitted(name, type, shape, await readNumbers(given));
  };
  const element = make(
    'fieldset',
    {},
    make('legend', {}, make('strong', {}, name), ` ${type}[${shape.join(', ')}]`),
    make('label', { className: 'field' }, make('span', {}, 'Filled with'), way),
    typed,
    chosen,
  );
  return { name, element, read };
}

/**
 * @param {string} name
 * @param {string} type
 * @param {readonly number[]} shape
 * @param {Numbers} numbers
 */
function fitted(name, type, shape, { values }) {
  try {
    return tensorOf(type, shape, values);
  } catch (error) {
    if (error instanceof InvalidInputError) throw new InvalidInputError(`input “${name}”: ${error.message}`);
    throw error;
  }
}
