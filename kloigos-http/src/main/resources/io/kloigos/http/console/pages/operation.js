// One operation and its steps, live.

import { html } from '../lit.js';
import { operationActions } from '../actions.js';
import { time, took } from '../format.js';
import { busy, facts, heading, panel, problem, serverLink, state, unitLink } from '../parts.js';
import { operationLog } from '../operation-log.js';

export function operationPage({ store, client, session: { may }, dialog, changed }, { id }) {
  let error = null;
  client.get('GET /api/operations/{id}', { of: { id } }).then(store.keepOperation, problemFound => { error = problemFound; }).finally(changed);

  function view() {
    const operation = store.operations.get(id);
    if (!operation) return html`${heading('Operation')}${error ? problem(error, 'Not found') : busy('Asking for the operation')}`;
    return html`
      ${heading(operation.kind, {
        trail: html`<a href="/operations">Operations</a> / <span class="mono">${operation.id}</span>`,
        badges: state(operation.state),
        actions: operationActions(operation, may).map(action => html`<button type="button" @click=${() => dialog.show(action)}>${action.label}</button>`),
      })}
      <div class="panels">
        ${panel('Operation', facts([['Server', serverLink(operation.hostname, may)], ['Unit', operation.compute_id ? unitLink(operation.compute_id) : null], ['Asked for', time(operation.created_at)],
          ['Begun', time(operation.started_at)], ['Ended', operation.ended_at ? time(operation.ended_at) : 'not yet'], ['Took', took(operation)], ['Attempt', operation.attempt]]), { wide: true })}
        ${panel('Steps', operation.steps ? operationLog(operation) : error ? problem(error) : busy('Asking for its steps'), { wide: true })}
      </div>`;
  }

  return { title: 'Operation', view };
}
