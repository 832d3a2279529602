// The filter of every list: words that must all be found, in any field or, as field:word, in one. -word must not. Pure.

import { tagValue } from './format.js';

const TOKEN = /(-?)(?:([a-z_.]+):)?("[^"]*"|\S+)/g;

function texts(value) {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value.flatMap(texts);
  return typeof value === 'object'
    ? Object.entries(value).flatMap(([name, each]) => [`${name}=${tagValue(each)}`]) : [String(value)];
}

function field(record, path) {
  return path.split('.').reduce((value, name) => value?.[name], record);
}

function matches(value, word) {
  if (typeof value === 'number') return String(value) === word;
  return texts(value).some(text => text.toLowerCase().includes(word));
}

export function parseFilter(text) {
  const tests = [...text.matchAll(TOKEN)].map(([, not, name, quoted]) => {
    const word = quoted.replace(/^"|"$/g, '').toLowerCase();
    const test = name
      ? record => matches(field(record, name), word)
      : record => Object.values(record).some(value => matches(value, word));
    return not ? record => !test(record) : test;
  });
  return record => tests.every(test => test(record));
}
