// @ts-check
/** @file Names of classes: from what a model says about itself, or from text that a person gives. */

const KEYS = ['names', 'labels', 'classes', 'class_names', 'categories', 'id2label', 'label_map'];

/**
 * The names in a model's metadata; null without any.
 * @param {Record<string, string>} metadata
 * @returns {string[] | null}
 */
export function labelsIn(metadata) {
  for (const key of Object.keys(metadata)) {
    if (!KEYS.includes(key.toLowerCase())) continue;
    const labels = parseLabels(metadata[key]);
    if (labels.length > 1) return labels;
  }
  return null;
}

/**
 * The names in a text: JSON (a list, or an object by index), Python's way of writing that, or a name a line.
 * @param {string} text
 * @returns {string[]}
 */
export function parseLabels(text) {
  const trimmed = text.trim();
  if (/^[[{]/.test(trimmed)) {
    const parsed = parsedJson(trimmed) ?? parsedJson(asJson(trimmed));
    if (Array.isArray(parsed)) return parsed.map(String);
    if (parsed && typeof parsed === 'object') return byIndex(parsed);
  }
  const lines = trimmed.split(/\r?\n/).map((line) => line.trim()).filter(Boolean);
  return lines.length === 1 ? lines[0].split(/\s*,\s*/).filter(Boolean) : lines;
}

/** @param {string} text */
function parsedJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * Python's {0: 'a', 1: 'b'} as JSON.
 * @param {string} text
 */
function asJson(text) {
  return text.replace(/([{,]\s*)(\d+)\s*:/g, '$1"$2":').replace(/'((?:[^'\\]|\\.)*)'/g, (_, inner) => JSON.stringify(inner.replace(/\\'/g, "'")));
}

/**
 * Names by index, or indices by name.
 * @param {Record<string, unknown>} object
 */
function byIndex(object) {
  /** @type {string[]} */
  const labels = [];
  for (const [key, value] of Object.entries(object)) {
    if (/^\d{1,6}$/.test(key)) labels[Number(key)] = String(value);
    else if (Number.isInteger(value) && Number(value) >= 0 && Number(value) < 1e6) labels[Number(value)] = key;
  }
  return Array.from(labels, (label, index) => label ?? `class ${index}`);
}

/** @type {Map<number, readonly string[]>} */
const remembered = new Map();

/**
 * Keeps the names of a model's classes for other models with as many.
 * @param {readonly string[]} labels
 */
export function rememberLabels(labels) {
  remembered.set(labels.length, labels);
}

/**
 * @param {number} count
 * @returns {string[] | null}
 */
export function rememberedLabels(count) {
  const labels = remembered.get(count) ?? remembered.get(count - 1);
  // Some nets have a class for "none of these" before the others.
  return labels ? (labels.length === count ? [...labels] : ['background', ...labels]) : null;
}
