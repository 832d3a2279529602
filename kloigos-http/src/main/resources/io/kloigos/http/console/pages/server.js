// One server: what it is, what is enforced on it and what is not, its units, and what is being done to it.

import { html, nothing } from '../lit.js';
import { serverActions } from '../actions.js';
import { createDriftPanel } from '../drift-panel.js';
import { EXPLAINED, HELD, enforcement } from '../enforcement.js';
import { createMap } from '../map.js';
import { bytes, plural, time } from '../format.js';
import { badge, busy, facts, heading, panel, problem, reason, serverStatus, operationLink } from '../parts.js';
import { historyLinks, newestFirst, operationColumns } from '../operation-table.js';
import { operationLog } from '../operation-log.js';
import { isUnderWay } from '../status.js';
import { table } from '../table.js';
import { unitColumns } from '../unit-table.js';

/** One unit's share of a core is told as every other's, so that a long list hides nothing else. */
function why([first, ...more]) {
  if (!first) return nothing;
  return html`<p>${first}</p>${more.length ? html`<details><summary>${more.length} more</summary>${more.map(text => html`<p>${text}</p>`)}</details>` : nothing}`;
}

function enforced(server, units, report) {
  if (server.status !== 'ready') return html`<p class="empty">What is in force is known of a server that is ready; this one is ${server.status}.</p>`;
  return html`<div class="table enforcement" role="region" aria-label="What is enforced" tabindex="0"><table>
    <thead><tr><th scope="col">What</th><th scope="col">On this host</th><th scope="col">How much, by what, and what is not</th></tr></thead>
    <tbody>${enforcement(server, units, report).map(({ what, held, says, by, differing, reasons }) => html`<tr><th scope="row">${what}</th>
        <td>${badge({ ...HELD[held], text: held })}</td>
        <td>${says.length ? html`${says.join('; ')} <small>by ${by}</small>` : reasons.length ? nothing : 'No unit has such a limit.'}
          ${differing ? html`<p>${plural(differing, 'fact')} ${differing === 1 ? 'differs' : 'differ'} from that: see Drift.</p>` : nothing}
          ${why(reasons)}</td></tr>`)}</tbody></table></div>`;
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
    const others = server.warnings.filter(warning => server.status !== 'ready' || !EXPLAINED.has(warning.type));
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
        ${panel('What is enforced', enforced(server, units, store.drift.get(hostname)), { wide: true })}
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
