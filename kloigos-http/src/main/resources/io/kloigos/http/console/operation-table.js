// Operations as rows, on every page that lists them.

import { html, nothing } from './lit.js';
import { ago, time, took } from './format.js';
import { operationLink, serverLink, state, unitLink } from './parts.js';

export const OPERATION_FIELDS = ['id', 'kind', 'hostname', 'compute_id', 'state', 'attempt', 'error', 'error_code', 'created_at', 'owner'];

const columns = may => [
  { name: 'kind', label: 'What', value: operation => operation.kind, view: operation => operationLink(operation.id, operation.kind) },
  { name: 'state', label: 'State', value: operation => operation.state, view: operation => html`${state(operation.state)}${operation.error ? html`<small class="why">${operation.error}</small>` : nothing}` },
  { name: 'compute_id', label: 'Unit', value: operation => operation.compute_id, view: operation => (operation.compute_id ? unitLink(operation.compute_id) : '') },
  { name: 'hostname', label: 'Server', value: operation => operation.hostname, view: operation => serverLink(operation.hostname, may) },
  { name: 'created_at', label: 'Asked for', value: operation => operation.created_at, view: operation => html`<time datetime=${operation.created_at} title=${time(operation.created_at)}>${ago(operation.created_at)}</time>` },
  { name: 'took', label: 'Took', value: operation => (operation.ended_at ? new Date(operation.ended_at) - new Date(operation.started_at ?? operation.ended_at) : null), view: operation => took(operation), isNumber: true },
  { name: 'attempt', label: 'Attempt', value: operation => operation.attempt, view: operation => operation.attempt, isNumber: true },
];

/** @param without names of columns that say nothing there */
export const operationColumns = (may, without = []) => columns(may).filter(column => !without.includes(column.name));

/** Where the whole history of a server or unit is: all operations, and who did what, changes that need no host among it. */
export function historyLinks(may, field, name) {
  return html`<a href="/operations?filter=${encodeURIComponent(`${field}=${name}`)}">All operations, filtered</a>
    ${may('GET /api/audit') ? html`<a href="/audit?target=${encodeURIComponent(name)}">Who did what</a>` : nothing}`;
}

export const newestFirst = operations => [...operations].sort((a, b) => b.created_at.localeCompare(a.created_at));
