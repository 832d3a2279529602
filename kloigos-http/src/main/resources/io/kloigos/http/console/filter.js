// The filter of every list: words that must all be found, in any field or, as field:word, in one. -word must not. Pure.

import { tagValue } from './format.js';

const TOKEN = /(-?)(?:([a-z_.]+)(:|=|>=|<=|>|<))?("[^"]*"|\S+)/g;
const UNITS = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };
const COMPARISONS = {
  '>': (a, b) => a > b, '<': (a, b) => a < b, '>=': (a, b) => a >= b, '<=': (a, b) => a <= b,
};

function texts(value) {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value.flatMap(texts);
  return typeof value === 'object'
    ? Object.entries(value).flatMap(([name, each]) => [`${name}=${tagValue(each)}`]) : [String(value)];
}

function field(record, path) {
  return path.split('.').reduce((value, name) => value?.[name], record);
}

function contains(value, word) {
  if (typeof value === 'number') return value === number(word);
  return texts(value).some(text => text.toLowerCase().includes(word));
}

function equals(value, word) {
  return typeof value === 'number' ? value === number(word) : texts(value).some(text => text.toLowerCase() === word);
}

/** Numbers may be sizes, such as 16G; everything else, such as a time, is compared as text. */
function compares(value, relation, word) {
  if (value === null || value === undefined) return false;
  return typeof value === 'number' ? COMPARISONS[relation](value, number(word)) : texts(value).some(text => COMPARISONS[relation](text.toLowerCase(), word));
}

function number(word) {
  const [, digits, unit] = /^([\d.]+)([kmgt]?)$/.exec(word) ?? [];
  return digits === undefined ? NaN : Number(digits) * (UNITS[unit] ?? 1);
}

export function parseFilter(text) {
  const tests = [...text.matchAll(TOKEN)].map(([whole, not, name, relation, quoted]) => {
    const word = quoted.replace(/^"|"$/g, '').toLowerCase();
    const anywhere = (name ? whole.slice(not.length) : word).toLowerCase();
    const test = record => {
      // What names no field is a word like others: a tag, for instance.
      if (!name || !(name.split('.')[0] in record)) return Object.values(record).some(value => contains(value, anywhere));
      const value = field(record, name);
      if (relation === ':') return contains(value, word);
      return relation === '=' ? equals(value, word) : compares(value, relation, word);
    };
    return not ? record => !test(record) : test;
  });
  return record => tests.every(test => test(record));
}
