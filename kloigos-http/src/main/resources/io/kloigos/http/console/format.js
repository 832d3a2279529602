// How numbers, sizes and times are written. Pure.

const SIZES = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

function digits(value) {
  return value >= 100 || Number.isInteger(value) ? Math.round(value).toLocaleString('en') : value.toPrecision(2);
}

export function bytes(value) {
  if (value === null || value === undefined) return 'not counted';
  let size = value;
  let unit = 0;
  while (size >= 1024 && unit < SIZES.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : Number(size.toFixed(1))} ${SIZES[unit]}`;
}

export function count(value) {
  return value === null || value === undefined ? 'not counted' : digits(value);
}

export function plural(number, one, many = `${one}s`) {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`;
}

export function millis(value) {
  return value < 1000 ? `${value} ms` : `${(value / 1000).toFixed(value < 10000 ? 2 : 1)} s`;
}

export function time(instant) {
  return instant ? instant.replace('T', ' ').replace(/\.\d+/, '').replace('Z', ' UTC') : 'never';
}

const STEPS = [[60, 'second'], [60, 'minute'], [24, 'hour'], [Infinity, 'day']];

export function ago(instant, now = Date.now()) {
  const future = new Date(instant) > now;
  let value = Math.abs(now - new Date(instant)) / 1000;
  for (const [size, unit] of STEPS) {
    if (value < size) {
      const text = plural(Math.floor(value), unit);
      return future ? `in ${text}` : `${text} ago`;
    }
    value /= size;
  }
  return time(instant);
}

/** How long an operation took, or has been running. */
export function took(operation, now = Date.now()) {
  if (!operation.started_at) return 'not begun';
  return millis(Math.max(0, (operation.ended_at ? new Date(operation.ended_at) : now) - new Date(operation.started_at)));
}

const isLine = text => text === text.trim() && !text.includes('\n') && !text.includes('\r');

/** One tag's value as it is typed: what is no plain text of one line is JSON. */
export function tagValue(value) {
  return typeof value === 'string' && isLine(value) && readTagValue(value) === value ? value : JSON.stringify(value);
}

/** A tag as it is typed in a line. A name that would not be read as itself is quoted. */
export function tagLine([name, value]) {
  const isPlain = isLine(name) && !name.includes('=') && !name.startsWith('"');
  return `${isPlain ? name : JSON.stringify(name)}=${tagValue(value)}`;
}

/** Returns the name and the value that a line says. */
export function readTagLine(line) {
  const [, quoted, value] = line.match(/^\s*("(?:[^"\\]|\\.)*")\s*=(.*)$/) ?? [];
  if (quoted !== undefined) {
    try {
      return [JSON.parse(quoted), readTagValue(value.trim())];
    } catch {
      // It is a name that only looks quoted.
    }
  }
  const [name, ...rest] = line.split('=');
  return [name.trim(), readTagValue(rest.join('=').trim())];
}

/** What begins like JSON, and is a number, a list or a quoted text, is that; all else is the text itself. */
export function readTagValue(text) {
  if (!/^\s*["[{\d-]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export function tags(values) {
  return Object.entries(values).map(tagLine).join(', ');
}
