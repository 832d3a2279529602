// Who did what, and what became of it, newest first. The page is there only for those to whom the server tells it.

import { html, nothing } from '../lit.js';
import { parseFilter } from '../filter.js';
import { busy, heading, problem } from '../parts.js';
import { filterField, table } from '../table.js';
import { ago, time } from '../format.js';

const MOST = 1000;
const FIELDS = ['at', 'who', 'role', 'action', 'target', 'outcome', 'detail', 'address', 'request_id', 'token_id'];

function difference({ before, after }) {
  if (!before && !after) return nothing;
  return html`<details><summary>before and after</summary><pre class="mono">${JSON.stringify({ before, after }, null, 1)}</pre></details>`;
}

const columns = [
  { name: 'at', label: 'When', value: entry => entry.at, view: entry => html`<time datetime=${entry.at} title=${time(entry.at)}>${ago(entry.at)}</time>` },
  { name: 'who', label: 'Who', value: entry => entry.who, view: entry => html`${entry.who} <small>${entry.role}</small>` },
  { name: 'action', label: 'What', value: entry => entry.action, view: entry => html`<span class="mono">${entry.action}</span>` },
  { name: 'target', label: 'To what', value: entry => entry.target, view: entry => html`${entry.target}${difference(entry)}` },
  { name: 'outcome', label: 'Outcome', value: entry => entry.outcome, view: entry => html`${entry.outcome}${entry.detail ? html`<small class="why">${entry.detail}</small>` : nothing}` },
  { name: 'address', label: 'From', value: entry => entry.address, view: entry => html`<span class="mono">${entry.address}</span>` },
];

export function auditPage({ client, router, changed }) {
  let entries = null;
  let error = null;
  client.get(`/api/audit?limit=${MOST}`).then(answer => { entries = answer; }, found => { error = found; }).finally(changed);

  function view() {
    if (!entries) return html`${heading('Audit')}${error ? problem(error) : busy('Asking for the audit log')}`;
    const filter = router.query.get('filter') ?? '';
    const found = entries.filter(parseFilter(filter));
    return html`
      ${heading('Audit', { actions: html`<a class="button" href="/api/audit?format=csv" download>Export as CSV</a>` })}
      ${filterField({ value: filter, filtered: text => router.keep({ filter: text }), found: found.length, total: entries.length, fields: FIELDS, example: 'action:deallocate -role:admin' })}
      ${table({ label: 'Audit', columns, records: found, key: entry => entry.number, sort: router.query.get('sort') ?? '-at', sorted: sort => router.keep({ sort }) })}`;
  }

  return { title: 'Audit', view };
}
