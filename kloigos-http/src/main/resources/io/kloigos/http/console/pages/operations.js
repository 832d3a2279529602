// What is and was done to hosts, newest first.

import { html, nothing } from '../lit.js';
import { parseFilter } from '../filter.js';
import { heading, problem } from '../parts.js';
import { filterField, table } from '../table.js';
import { OPERATION_FIELDS, operationColumns } from '../operation-table.js';

const AT_A_TIME = 500;

export function operationsPage({ store, session, router, changed }) {
  let most = AT_A_TIME;
  let error = null;
  let asked = null;

  /** Shows more of what was found, and reads more when all of that is shown. */
  async function older(found) {
    error = null;
    if (found <= most) await store.loadOlderOperations().catch(refusal => { error = refusal; });
    if (!error) most += AT_A_TIME;
    changed();
  }

  /** Those of one server or unit are read by themselves, since they may be older than all that were read. */
  function readNamed(filter) {
    const [, field, name] = /(?:^|\s)(hostname|compute_id)[:=](\S+)/.exec(filter) ?? [];
    const isKnown = field === 'hostname' ? store.servers.has(name) : store.units.has(name);
    if (isKnown && asked !== name) {
      asked = name;
      store.loadHistory({ [field]: name }).then(changed, refusal => { error = refusal; changed(); });
    }
  }

  function view() {
    const filter = router.query.get('filter') ?? '';
    readNamed(filter);
    const all = [...store.operations.values()];
    const found = all.filter(parseFilter(filter));
    return html`
      ${heading('Operations')}
      ${filterField({ value: filter, filtered: text => router.keep({ filter: text }), found: found.length, total: all.length, fields: OPERATION_FIELDS, example: 'state:failed kind:allocate',
        of: store.hasOlderOperations() ? 'the newest ' : '' })}
      ${table({ label: 'Operations', columns: operationColumns(session.may), records: found, key: operation => operation.id, sort: router.query.get('sort') ?? '-created_at',
        sorted: sort => router.keep({ sort }), most, empty: store.hasOlderOperations() ? 'None of those that were read so far is like this.' : 'No operation is like this.', others: 'The others are below, by the button.' })}
      ${problem(error)}
      ${found.length > most || store.hasOlderOperations() ? html`<p><button type="button" @click=${() => older(found.length)}>Older operations</button></p>` : nothing}`;
  }
  return { title: 'Operations', view };
}
