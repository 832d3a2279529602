// A table that is sorted by its headings. Which column, and which way, is kept in the address.

import { html, nothing, repeat } from './lit.js';

const collator = new Intl.Collator('en', { numeric: true });

function compare(a, b) {
  if (a === b) return 0;
  if (a === null || a === undefined) return 1;
  if (b === null || b === undefined) return -1;
  return typeof a === 'number' && typeof b === 'number' ? a - b : collator.compare(String(a), String(b));
}

/**
 * @param columns each with name, label, value(record) to sort by unless that makes no sense, view(record), and isNumber
 * @param key names a record
 * @param sort the column's name, after a minus for the other way
 * @param others says where those are that are too many to show
 */
export function table({ label, columns, records, key, sort, sorted, most = 500, empty = 'Nothing here.', others = 'Filter for the others.' }) {
  const isReverse = sort?.startsWith('-');
  const name = sort?.replace('-', '');
  const by = columns.find(column => column.name === name && column.value);
  const ordered = by ? [...records].sort((a, b) => compare(by.value(a), by.value(b)) * (isReverse ? -1 : 1)) : records;
  const next = column => (column.name === name && !isReverse ? `-${column.name}` : column.name);
  return html`
    <div class="table" role="region" aria-label=${label} tabindex="0">
      <table>
        <thead><tr>${columns.map(column => html`
          <th scope="col" class=${column.isNumber ? 'number' : ''} aria-sort=${column.name !== name ? nothing : isReverse ? 'descending' : 'ascending'}>
            ${column.value ? html`<button type="button" @click=${() => sorted(next(column))}>${column.label}<span aria-hidden="true">${column.name !== name ? '' : isReverse ? ' ▾' : ' ▴'}</span></button>`
              : html`<span class="unseen">${column.label}</span>`}
          </th>`)}</tr></thead>
        <tbody>${repeat(ordered.slice(0, most), key, record => html`<tr>${columns.map((column, index) => index === 0
          ? html`<th scope="row" data-column=${column.name}>${column.view(record)}</th>`
          : html`<td data-column=${column.name} class=${column.isNumber ? 'number' : ''}>${column.view(record)}</td>`)}</tr>`)}</tbody>
      </table>
    </div>
    ${records.length === 0 ? html`<p class="empty">${empty}</p>` : nothing}
    ${records.length > most ? html`<p class="empty">The first ${most} of ${records.length.toLocaleString('en')}. ${others}</p>` : nothing}`;
}

/** @param of what there are more of than those that were read; empty if these are all */
export function filterField({ value, filtered, total, found, fields, example, of = '' }) {
  return html`
    <div class="filter" role="search">
      <label for="filter">Filter</label>
      <input id="filter" type="search" autocomplete="off" spellcheck="false" .value=${value} aria-describedby="filter-help filter-count"
        placeholder=${example} @input=${event => filtered(event.target.value)}>
      <span id="filter-count" role="status">${found.toLocaleString('en')} of ${of}${total.toLocaleString('en')}</span>
      <details class="hint"><summary aria-label="How to filter">?</summary><p id="filter-help">Words that must all be found. <code>field:word</code> looks in one field, <code>field=word</code> is all
        of it, <code>field&gt;8</code> and <code>field&lt;16G</code> compare, <code>-word</code> leaves out. Fields: ${fields.join(', ')}.</p></details>
    </div>`;
}
