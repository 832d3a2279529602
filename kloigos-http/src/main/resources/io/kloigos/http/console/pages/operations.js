// What is and was done to hosts, newest first.

import { html } from '../lit.js';
import { parseFilter } from '../filter.js';
import { heading } from '../parts.js';
import { filterField, table } from '../table.js';
import { OPERATION_FIELDS, operationColumns } from '../operation-table.js';

export function operationsPage({ store, session, router }) {
  function view() {
    const filter = router.query.get('filter') ?? '';
    const all = [...store.operations.values()];
    const found = all.filter(parseFilter(filter));
    return html`
      ${heading('Operations')}
      ${filterField({ value: filter, filtered: text => router.keep({ filter: text }), found: found.length, total: all.length, fields: OPERATION_FIELDS, example: 'state:failed kind:allocate' })}
      ${table({ label: 'Operations', columns: operationColumns(session.may), records: found, key: operation => operation.id, sort: router.query.get('sort') ?? '-created_at',
        sorted: sort => router.keep({ sort }), empty: 'No operation is like this.' })}`;
  }
  return { title: 'Operations', view };
}
