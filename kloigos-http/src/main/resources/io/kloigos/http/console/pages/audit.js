// Who did what. The page is there only where the server's session says so.

import { html } from '../lit.js';
import { parseFilter } from '../filter.js';
import { busy, heading, problem } from '../parts.js';
import { filterField, table } from '../table.js';
import { time } from '../format.js';

const text = value => (value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value));

export function auditPage({ client, router, changed }) {
  let entries = null;
  let error = null;
  client.get('/api/audit').then(answer => { entries = Array.isArray(answer) ? answer : answer.entries; }, found => { error = found; }).finally(changed);

  function columns() {
    return Object.keys(entries[0] ?? {}).map(name => ({
      name, label: name.replaceAll('_', ' '), value: entry => text(entry[name]), view: entry => (/_at$|^at$|^time$/.test(name) ? time(text(entry[name])) : text(entry[name])),
    }));
  }

  function view() {
    if (!entries) return html`${heading('Audit')}${error ? problem(error) : busy('Asking for the audit log')}`;
    const filter = router.query.get('filter') ?? '';
    const found = entries.filter(parseFilter(filter));
    return html`
      ${heading('Audit', { actions: html`<a class="button" href="/api/audit" download="audit.json">Export</a>` })}
      ${filterField({ value: filter, filtered: changedText => router.keep({ filter: changedText }), found: found.length, total: entries.length, fields: columns().map(column => column.name), example: 'deallocate -dry_run' })}
      ${table({ label: 'Audit', columns: columns(), records: found, key: entry => JSON.stringify(entry), sort: router.query.get('sort') ?? '', sorted: sort => router.keep({ sort }) })}`;
  }

  return { title: 'Audit', view };
}
