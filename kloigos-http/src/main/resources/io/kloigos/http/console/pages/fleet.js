// The fleet: as a map, or as a table of units or servers; filter, order and view are kept in the address.

import { html, nothing, repeat } from '../lit.js';
import { createMap } from '../map.js';
import { parseFilter } from '../filter.js';
import { filterField, table } from '../table.js';
import { UNIT_FIELDS, unitColumns, unitRecord } from '../unit-table.js';
import { heading, serverLink, serverStatus } from '../parts.js';
import { KINDS, kindOf, serverBadge } from '../status.js';
import { bytes, plural } from '../format.js';

const VIEWS = [['map', 'Map'], ['units', 'Units'], ['servers', 'Servers']];
const SERVER_FIELDS = ['hostname', 'ip', 'region', 'zone', 'place', 'status', 'reason', 'cordoned', 'cordon_reason', 'housekeeping_cpus', 'cpu_count', 'nodes', 'memory',
  'allocated', 'warnings', 'drift', 'kernel', 'os'];
const byName = new Intl.Collator('en', { numeric: true });

export function fleetPage({ store, session: { may }, router, changed }) {
  // A tenant is told of its own units only: there is no fleet to draw.
  const seesServers = may('GET /api/servers');
  const title = seesServers ? 'Fleet' : 'Your units';
  const map = createMap({ unitsOf: store.unitsOf, opened: id => router.go(`/units/${encodeURIComponent(id)}`), changed });
  const query = name => router.query.get(name) ?? '';

  const serverColumns = [
    { name: 'hostname', label: 'Server', value: server => server.hostname, view: server => serverLink(server.hostname, may) },
    { name: 'status', label: 'Status', value: server => server.status, view: server => html`${serverStatus(server)}${server.reason ?? server.cordon_reason ? html`<small class="why">${server.reason ?? server.cordon_reason}</small>` : nothing}` },
    { name: 'place', label: 'Place', value: server => `${server.region}/${server.zone}`, view: server => `${server.region}/${server.zone}` },
    { name: 'ip', label: 'Address', value: server => server.ip, view: server => html`<span class="mono">${server.ip}</span>` },
    { name: 'cpu_count', label: 'CPUs', value: server => server.facts.cpu_count, view: server => server.facts.cpu_count, isNumber: true },
    { name: 'nodes', label: 'NUMA nodes', value: server => server.facts.nodes.length, view: server => server.facts.nodes.length, isNumber: true },
    { name: 'memory', label: 'Memory', value: server => server.facts.memory, view: server => bytes(server.facts.memory), isNumber: true },
    { name: 'allocated', label: 'Allocated', value: allocated, view: server => `${allocated(server)} of ${store.unitsOf(server.hostname).length}`, isNumber: true },
    { name: 'warnings', label: 'Warnings', value: server => server.warnings.length, view: server => server.warnings.length, isNumber: true },
    { name: 'drift', label: 'Drift', value: server => store.drift.get(server.hostname)?.deviations.length ?? null, view: server => store.drift.get(server.hostname)?.deviations.length ?? '', isNumber: true },
    { name: 'kernel', label: 'Kernel', value: server => server.facts.kernel, view: server => server.facts.kernel },
  ];

  function allocated(server) {
    return store.unitsOf(server.hostname).filter(unit => unit.status === 'allocated').length;
  }

  /** What a filter looks at. */
  function serverRecord(server) {
    const { cpu_count: cpus, nodes, memory, kernel, os } = server.facts;
    return {
      ...Object.fromEntries(SERVER_FIELDS.map(name => [name, server[name]])), place: `${server.region}/${server.zone}`, status: serverBadge(server).text,
      cpu_count: cpus, nodes: nodes.length, memory, allocated: allocated(server), warnings: server.warnings.length,
      drift: store.drift.get(server.hostname)?.deviations.length ?? null, kernel, os,
    };
  }

  function sorted(name) {
    router.keep({ sort: name });
  }

  const filterOf = label => `kind=${label.includes(' ') ? `"${label}"` : label}`;

  /** A kind is one of units, so the table of servers gives way to that of units. */
  function choose(filter) {
    router.keep({ filter: query('filter') === filter ? null : filter, ...(query('view') === 'servers' ? { view: 'units', sort: null } : {}) });
  }

  function summary() {
    const counts = new Map();
    for (const unit of store.units.values()) {
      const kind = kindOf(unit, store.servers.get(unit.hostname));
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    const cpus = [...store.servers.values()].reduce((sum, server) => sum + server.facts.cpu_count, 0);
    return html`<p class="summary">${seesServers ? `${plural(store.servers.size, 'server')}, ${plural(cpus, 'CPU')}, ` : ''}${plural(store.units.size, 'unit')}${Object.entries(KINDS).filter(([kind]) => counts.get(kind)).map(([kind, { label, tone, symbol }]) => html`
      <button type="button" class="chip ${tone}" aria-pressed=${query('filter') === filterOf(label) ? 'true' : 'false'}
        @click=${() => choose(filterOf(label))}><span aria-hidden="true">${symbol}</span> ${counts.get(kind).toLocaleString('en')} ${label}</button>`)}</p>`;
  }

  function mapView(found, text) {
    const isFiltered = text.trim() !== '';
    const passing = new Set(found);
    const isShown = server => !isFiltered || store.unitsOf(server.hostname).some(unit => passing.has(unit));
    const places = new Map();
    for (const server of [...store.servers.values()].sort((a, b) => byName.compare(a.hostname, b.hostname))) {
      const place = `${server.region} / ${server.zone}`;
      places.set(place, [...(places.get(place) ?? []), server]);
    }
    map.drawSoon({ text, passes: unit => !isFiltered || passing.has(unit) });
    return html`
      ${map.legend()}
      <p class="unseen">Arrow keys left and right go from unit to unit, up and down from server to server; Enter opens the unit. The units view has the same as a table.</p>
      ${[...places].sort(([a], [b]) => byName.compare(a, b)).map(([place, servers]) => html`
        <section class="place" aria-label=${place} ?hidden=${!servers.some(isShown)}><h2>${place} <span>${plural(servers.filter(isShown).length, 'server')}</span></h2>
          <div class="hosts">${repeat(servers, server => server.hostname, server => map.serverCard(server, isShown(server)))}</div></section>`)}
      ${map.tooltip()}`;
  }

  function content(view) {
    const text = query('filter');
    const passes = parseFilter(text);
    if (view === 'servers') {
      const servers = [...store.servers.values()];
      const found = servers.filter(server => passes(serverRecord(server)));
      return [found.length, servers.length, SERVER_FIELDS, table({ label: 'Servers', columns: serverColumns, records: found, key: server => server.hostname, sort: query('sort') || 'hostname', sorted })];
    }
    const units = [...store.units.values()];
    const found = units.filter(unit => passes(unitRecord(unit, store.servers.get(unit.hostname))));
    return [found.length, units.length, UNIT_FIELDS, view === 'map' ? mapView(found, text)
      : table({ label: 'Units', columns: unitColumns({ servers: store.servers, may, without: seesServers ? [] : ['owner'] }), records: found, key: unit => unit.compute_id, sort: query('sort') || 'compute_id', sorted, most: 1000 })];
  }

  /** What filters units says nothing of servers. */
  function show(name, active) {
    const isOfOthers = (name === 'servers') !== (active === 'servers');
    router.keep({ view: name === 'map' ? null : name, sort: null, ...(isOfOthers ? { filter: null } : {}) });
  }

  function nobody() {
    if (!seesServers) return html`<p class="empty">You have no unit yet. <a href="/allocate">Allocate one</a>.</p>`;
    return html`<p class="empty">No server is managed yet. ${may('POST /api/admin/init_server') ? html`<a href="/init">Bring one under management</a>.` : nothing}</p>`;
  }

  function view() {
    const chosen = VIEWS.some(([name]) => name === query('view')) ? query('view') : 'map';
    const active = seesServers ? chosen : 'units';
    const [found, total, fields, shown] = content(active);
    return html`
      ${heading(title, { actions: seesServers ? html`<div class="tabs" role="group" aria-label="View">${VIEWS.map(([name, label]) => html`
        <button type="button" aria-pressed=${name === active ? 'true' : 'false'} @click=${() => show(name, active)}>${label}</button>`)}</div>` : nothing })}
      ${summary()}
      ${filterField({ value: query('filter'), filtered: text => router.keep({ filter: text }), found, total, fields, example: active === 'servers' ? 'zone:a status:cordoned cpu_count>64' : seesServers ? 'status:free zone:a -tags:web' : 'deployment_id=web -status:stopped' })}
      ${store.servers.size === 0 && store.units.size === 0 ? nobody() : shown}`;
  }

  return { title, view, close: map.close, restyle: map.restyle };
}
