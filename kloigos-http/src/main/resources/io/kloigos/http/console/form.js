// Forms made of fields: what is typed becomes the body and the query of a request, and each fault finds its field.

import { html, nothing, live } from './lit.js';
import { readTagLine } from './format.js';

const lines = text => text.split('\n').map(line => line.trim()).filter(Boolean);

/** How the text of each type of field becomes a value; undefined if it is left out. */
const READERS = {
  text: text => text.trim() || undefined,
  number: text => (text.trim() === '' ? undefined : Number.isNaN(Number(text)) ? text.trim() : Number(text)),
  select: text => text || undefined,
  checkbox: value => value || undefined,
  lines: text => (lines(text).length ? lines(text) : undefined),
  time: text => (text ? new Date(text).toISOString().replace('.000', '') : undefined),
  tags: text => Object.fromEntries(lines(text).map(readTagLine)),
};

function put(target, path, value) {
  const name = path.at(-1);
  const holder = path.slice(0, -1).reduce((object, part) => (object[part] ??= {}), target);
  holder[name] = value;
}

const pathOf = field => field.path ?? [field.name];

export function createForm(fields, changed, initial = {}) {
  const values = Object.fromEntries(fields.map(field => [field.name, initial[field.name] ?? field.initial ?? '']));

  function read(field) {
    return (field.read ?? READERS[field.type ?? 'text'])(values[field.name]);
  }

  const shown = () => fields.filter(field => !field.when || field.when(values));

  function body() {
    const object = {};
    shown().filter(field => !field.query && !field.local).forEach(field => {
      const value = read(field) ?? (field.orNull ? null : undefined);
      if (value !== undefined) put(object, pathOf(field), value);
    });
    return object;
  }

  function query() {
    return Object.fromEntries(shown().filter(field => field.query && read(field) !== undefined)
      .map(field => [field.name, String(read(field))]));
  }

  /** Tells whether a fault is of the field or of something within it. */
  function faultOf(field, faults) {
    const path = pathOf(field);
    return faults.filter(fault => path.every((part, index) => String(fault.loc[index + 1]) === part)).map(fault => fault.msg).join('; ');
  }

  function set(name, value) {
    values[name] = value;
    changed();
  }

  return {
    values, body, query, set,
    isComplete: () => shown().every(field => !field.required || read(field) !== undefined),
    view: (faults = [], names = null) => shown().filter(field => !names || names.includes(field.name))
      .map(field => view(field, values, set, faultOf(field, faults))),
  };
}

function view(field, values, set, fault) {
  const id = `field-${field.name}`;
  const described = [field.help && `${id}-help`, fault && `${id}-fault`].filter(Boolean).join(' ');
  const control = field.type === 'checkbox' ? checkbox(field, values, set, id) : input(field, values, set, id, described, fault);
  return html`
    <div class="field ${field.type === 'checkbox' ? 'check' : ''} ${fault ? 'faulty' : ''}">
      <label for=${id}>${field.label}${field.required ? html` <span class="needed" aria-hidden="true">*</span>` : nothing}</label>
      ${control}
      ${field.help ? html`<small id="${id}-help">${field.help}</small>` : nothing}
      ${fault ? html`<small class="fault" id="${id}-fault"><span aria-hidden="true">✕</span> ${fault}</small>` : nothing}
    </div>`;
}

function checkbox(field, values, set, id) {
  return html`<input id=${id} type="checkbox" .checked=${live(Boolean(values[field.name]))}
    @change=${event => set(field.name, event.target.checked)}>`;
}

function input(field, values, set, id, described, fault) {
  const typed = event => set(field.name, event.target.value);
  if (field.type === 'select') {
    return html`<select id=${id} aria-describedby=${described || nothing} @change=${typed}>${field.options().map(([value, text]) => html`
      <option value=${value} ?selected=${value === values[field.name]}>${text}</option>`)}</select>`;
  }
  if (field.type === 'lines' || field.type === 'tags') {
    return html`<textarea id=${id} rows=${field.rows ?? 3} spellcheck="false" placeholder=${field.placeholder ?? nothing}
      aria-describedby=${described || nothing} aria-invalid=${fault ? 'true' : nothing} aria-required=${field.required ? 'true' : nothing}
      .value=${live(values[field.name])} @input=${typed}></textarea>`;
  }
  return html`<input id=${id} type=${field.type === 'time' ? 'datetime-local' : 'text'} autocomplete="off" spellcheck="false"
    inputmode=${field.type === 'number' ? 'numeric' : nothing} placeholder=${field.placeholder ?? nothing} list=${field.suggestions ? `${id}-list` : nothing}
    aria-describedby=${described || nothing} aria-invalid=${fault ? 'true' : nothing} aria-required=${field.required ? 'true' : nothing}
    .value=${live(values[field.name])} @input=${typed}>
    ${field.suggestions ? html`<datalist id="${id}-list">${field.suggestions().map(each => html`<option value=${each}></option>`)}</datalist>` : nothing}`;
}
