// Units as rows, on every page that lists them.

import { html, nothing } from './lit.js';
import { ago, tags, time } from './format.js';
import { KINDS, kindOf } from './status.js';
import { serverLink, unitLink, unitStatus } from './parts.js';

export const UNIT_FIELDS = ['compute_id', 'hostname', 'region', 'zone', 'cpu_range', 'cpu_count', 'ports_range', 'status', 'kind', 'user', 'tags', 'reason', 'started_at', 'expires_at', 'ip', 'owner',
  'place', 'memory', 'tasks'];

const records = new WeakMap();

/** Returns what a filter looks at. A unit or server that changes is another object, so it is made once for each, not at each key. */
export function unitRecord(unit, server) {
  const known = records.get(unit);
  // A tenant is told of no server.
  if (known && known.server === server) return known.record;
  const record = recordOf(unit, server);
  records.set(unit, { server, record });
  return record;
}

function recordOf(unit, server) {
  return {
    ...Object.fromEntries(UNIT_FIELDS.map(name => [name, unit[name]])),
    kind: KINDS[kindOf(unit, server)].label, place: `${unit.region}/${unit.zone}`, memory: unit.limits.memory_max, tasks: unit.limits.tasks_max,
  };
}

/** @param without names of columns that say nothing there */
export function unitColumns({ servers, may, without = [] }) {
  const columns = [
    { name: 'compute_id', label: 'Unit', value: unit => unit.compute_id, view: unit => unitLink(unit.compute_id) },
    { name: 'status', label: 'Status', value: unit => unit.status, view: unit => html`${unitStatus(unit, servers.get(unit.hostname))}${unit.reason ? html`<small class="why">${unit.reason}</small>` : nothing}` },
    { name: 'hostname', label: 'Server', value: unit => unit.hostname, view: unit => serverLink(unit.hostname, may) },
    { name: 'place', label: 'Place', value: unit => `${unit.region}/${unit.zone}`, view: unit => `${unit.region}/${unit.zone}` },
    { name: 'cpu_count', label: 'CPUs', value: unit => unit.cpu_count, view: unit => unit.cpu_count, isNumber: true },
    { name: 'cpu_range', label: 'CPU set', value: unit => unit.cpu_range, view: unit => html`<span class="mono">${unit.cpu_range}</span>` },
    { name: 'ports_range', label: 'Ports', value: unit => unit.ports_range, view: unit => html`<span class="mono">${unit.ports_range}</span>` },
    { name: 'user', label: 'User', value: unit => unit.user, view: unit => html`<span class="mono">${unit.user}</span>` },
    { name: 'owner', label: 'Tenant', value: unit => unit.owner, view: unit => unit.owner ?? '' },
    { name: 'tags', label: 'Tags', value: unit => tags(unit.tags), view: unit => tags(unit.tags) },
    { name: 'started_at', label: 'Since', value: unit => unit.started_at, view: unit => (unit.started_at ? html`<time datetime=${unit.started_at} title=${time(unit.started_at)}>${ago(unit.started_at)}</time>` : '') },
    { name: 'expires_at', label: 'Expires', value: unit => unit.expires_at, view: unit => (unit.expires_at ? html`<time datetime=${unit.expires_at} title=${time(unit.expires_at)}>${ago(unit.expires_at)}</time>` : '') },
  ];
  return columns.filter(column => !without.includes(column.name));
}
