// One server: what it is, what is enforced on it and what is not, its units, and what is being done to it.

import { html, nothing } from '../lit.js';
import { serverActions } from '../actions.js';
import { createDriftPanel } from '../drift-panel.js';
import { createMap } from '../map.js';
import { bytes, plural, time } from '../format.js';
import { busy, facts, heading, panel, problem, reason, serverStatus, operationLink } from '../parts.js';
import { historyLinks, newestFirst, operationColumns } from '../operation-table.js';
import { operationLog } from '../operation-log.js';
import { isUnderWay } from '../status.js';
import { table } from '../table.js';
import { unitColumns } from '../unit-table.js';

/** What a unit is kept to, how, and the warnings that say that this host cannot. */
const ENFORCED = [
  ['CPUs and NUMA nodes', 'cpuset.cpus, cpuset.mems', []],
  ['Memory, swap, tasks', 'memory.max, memory.high, memory.swap.max, pids.max', []],
  ['Disk space and files', 'disk quotas', ['disk_unlimited']],
  ['I/O, where limited', 'io.max', []],
  ['Who serves a port', 'nftables', []],
  ['Who binds a port', 'SocketBindDeny= of systemd', ['port_squatting', 'host_port_squatting', 'udp_receipt', 'udp_theft']],
];

function enforcement(server) {
  const warnings = new Map(server.warnings.map(warning => [warning.type, warning.message]));
  return html`<div class="table enforcement" role="region" aria-label="What is enforced" tabindex="0"><table>
    <thead><tr><th scope="col">What</th><th scope="col">On this host</th><th scope="col">By, or why not</th></tr></thead>
    <tbody>${ENFORCED.map(([what, means, types]) => {
      const found = types.filter(type => warnings.has(type));
      return html`<tr><th scope="row">${what}</th>
        <td>${found.length ? html`<span class="badge busy"><span aria-hidden="true">!</span> not enforced</span>` : html`<span class="badge good"><span aria-hidden="true">✓</span> enforced</span>`}</td>
        <td>${found.length ? found.map(type => html`<p>${warnings.get(type)}</p>`) : means}</td></tr>`;
    })}</tbody></table></div>`;
}

export function serverPage({ store, client, session: { may }, dialog, router, changed }, { hostname }) {
  const map = createMap({ unitsOf: store.unitsOf, opened: id => router.go(`/units/${encodeURIComponent(id)}`), changed });
  const drift = createDriftPanel({ client, changed, route: 'GET /api/servers/{hostname}/drift', of: { hostname } });
  let asked = null;
  let historyError = null;
  drift.begin();
  store.loadHistory({ hostname }).then(changed, refusal => { historyError = refusal; changed(); });

  /** Lists tell no steps, so those of what is under way are asked for once; events tell the rest. */
  function fetchSteps(operation) {
    if (asked !== operation.id && !operation.steps) {
      asked = operation.id;
      client.get('GET /api/operations/{id}', { of: operation, quiet: true }).then(answer => {
        store.keepOperation(answer);
        changed();
      }, () => {});
    }
  }

  function log(operations) {
    const operation = operations.find(isUnderWay) ?? operations[0];
    if (!operation) return nothing;
    fetchSteps(operation);
    return panel(`${isUnderWay(operation) ? 'Under way' : 'Newest operation'}: ${operation.kind} ${operation.compute_id ?? ''}`,
      operation.steps ? operationLog(operation) : busy('Asking for its steps'), { wide: true, actions: operationLink(operation.id, 'Open') });
  }

  function view() {
    const server = store.servers.get(hostname);
    if (!server) return html`${heading(hostname)}${store.connection.state === 'live' ? nothing : busy('Looking for the server')}<p class="empty">${store.connection.state === 'live' ? 'Now' : 'If this stays,'} there is no such server: it may have been decommissioned. <a href="/">Fleet</a></p>`;
    const units = store.unitsOf(hostname);
    const known = new Set(ENFORCED.flatMap(each => each[2]));
    const others = server.warnings.filter(warning => !known.has(warning.type));
    const operations = newestFirst([...store.operations.values()].filter(operation => operation.hostname === hostname));
    const isBusy = operations.some(isUnderWay);
    map.drawSoon();
    return html`
      ${heading(server.hostname, {
        trail: html`<a href="/">Fleet</a> / <a href=${`/?filter=${encodeURIComponent(`region:${server.region} zone:${server.zone}`)}`}>${server.region} / ${server.zone}</a>`,
        badges: serverStatus(server),
        actions: serverActions(server, may).map(action => html`<button type="button" class=${action.names ? 'danger' : ''} @click=${() => dialog.show(action)}>${action.label}</button>`),
      })}
      ${reason(server.reason)}${server.cordoned ? html`<p class="reason"><strong>Cordoned:</strong> ${server.cordon_reason}</p>` : nothing}
      <div class="panels">
        ${panel('CPUs', html`${map.legend()}${map.cpus(server)}`, { wide: true })}
        ${isBusy ? log(operations) : nothing}
        ${panel('Facts', facts([
          ['Address', html`<span class="mono">${server.ssh_user}@${server.ip}:${server.ssh_port}</span>`], ['Host key', server.host_key ? html`<span class="mono">${server.host_key}</span>` : 'not pinned'],
          ['System', `${server.facts.os}, Linux ${server.facts.kernel}, systemd ${server.facts.systemd_version}`], ['CPUs', `${server.facts.cpu_count}: ${server.facts.online_cpus}`],
          ['Housekeeping', html`<span class="mono">${server.housekeeping_cpus || 'none'}</span>`], ['Sockets, nodes, cores', `${server.facts.packages.length}, ${server.facts.nodes.length}, ${server.facts.cores.length}`],
          ['Memory', `${bytes(server.facts.memory)}, swap ${bytes(server.facts.swap)}, ${bytes(server.memory_reserve)} kept from units`], ['Data disks', server.volumes.map(volume => `${volume.device} (${volume.filesystem}) on ${volume.mount_point}`).join(', ') || 'none'],
          ['Managed since', time(server.created_at)], ['Can', server.facts.capabilities.join(', ')]]), { wide: true })}
        ${panel('What is enforced', enforcement(server), { wide: true })}
        ${others.length ? panel('Known limits of this host', html`<ul class="warnings">${others.map(warning => html`<li><code>${warning.type}</code> ${warning.message}</li>`)}</ul>`, { wide: others.length > 3 }) : nothing}
        ${isBusy ? nothing : log(operations)}
        ${drift.view({ told: store.drift.get(hostname) })}
        ${panel(plural(units.length, 'unit'), table({ label: 'Units of this server', columns: unitColumns({ servers: store.servers, may, without: ['hostname', 'place'] }), records: units, key: unit => unit.compute_id,
          sort: router.query.get('sort') ?? '', sorted: sort => router.keep({ sort }), others: '' }), { wide: true, actions: html`<a href="/?view=units&filter=${encodeURIComponent(`hostname=${hostname}`)}">Filter</a>` })}
        ${problem(historyError)}
        ${panel('History', table({ label: 'Operations of this server', columns: operationColumns(may, ['hostname']), records: operations, key: operation => operation.id,
          sort: router.query.get('history') ?? '-created_at', sorted: history => router.keep({ history }), most: 50, others: '' }), { wide: true, actions: historyLinks(may, 'hostname', hostname) })}
      </div>${map.tooltip()}`;
  }

  return { title: hostname, view, close: map.close, restyle: map.restyle };
}
