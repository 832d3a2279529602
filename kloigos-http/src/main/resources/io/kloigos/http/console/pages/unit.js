// One unit: what it uses of its limits, how to log in, what was done to it, and what can be done.

import { html, nothing } from '../lit.js';
import { unitActions } from '../actions.js';
import { createDriftPanel } from '../drift-panel.js';
import { createSeries, spark } from '../spark.js';
import { bytes, count, plural, tags, time, ago } from '../format.js';
import { copyable, facts, heading, panel, problem, reason, serverLink, unitStatus, busy } from '../parts.js';
import { historyLinks, newestFirst, operationColumns } from '../operation-table.js';
import { operationLog } from '../operation-log.js';
import { isUnderWay } from '../status.js';
import { table } from '../table.js';

const EVERY_MILLIS = 2000;
const CERTIFICATE = 'GET /api/compute_units/{compute_id}/certificate';
const DISCARD = { discarded: 'Its disk has forgotten what was stored.', unsupported: 'Its disk cannot discard: root reads there what was stored, until it is overwritten.' };

export function unitPage({ store, client, session: { may }, dialog, changed, router }, { id }) {
  const of = { compute_id: id };
  const seesServers = may('GET /api/servers');
  const drift = createDriftPanel({ client, changed, route: 'GET /api/compute_units/{compute_id}/drift', of });
  const usage = { answer: null, before: null, error: null, series: new Map() };
  let certificate = null;
  let certificateAskedIn = null;
  let stepsAskedOf = null;
  let timer = null;
  let isOpen = true;

  let historyError = null;
  store.loadHistory(of).then(changed, refusal => { historyError = refusal; changed(); });

  const series = name => {
    if (!usage.series.has(name)) usage.series.set(name, createSeries());
    return usage.series.get(name);
  };

  /** Returns by how much a counter has grown in a second. */
  function rate(read) {
    const seconds = usage.before ? (new Date(usage.answer.read_at) - new Date(usage.before.read_at)) / 1000 : 0;
    const [now, before] = [read(usage.answer), usage.before ? read(usage.before) : null];
    return seconds > 0 && now !== null && before !== null ? Math.max(0, (now - before) / seconds) : null;
  }

  const sum = name => answer => answer.io?.reduce((total, each) => total + each[name], 0) ?? null;

  function keep(answer) {
    usage.before = usage.answer;
    usage.answer = answer;
    if (usage.before) {
      const micros = rate(each => each.cpu_micros);
      series('cpu').add(micros === null ? null : micros / 1e6);
      series('read').add(rate(sum('read_bytes')));
      series('write').add(rate(sum('write_bytes')));
    }
    ['memory', 'swap', 'tasks'].forEach(name => series(name).add(answer[name]));
    answer.disks.forEach(disk => {
      series(`disk ${disk.mount_point}`).add(disk.size);
      series(`files ${disk.mount_point}`).add(disk.inodes);
    });
    series('sockets').add(answer.sockets.length);
  }

  const isGone = () => store.connection.state === 'live' && !store.units.has(id);

  async function ask() {
    if (!document.hidden && !isGone()) {
      try {
        keep(await client.get('GET /api/compute_units/{compute_id}/usage', { of, quiet: usage.answer !== null }));
        usage.error = null;
      } catch (error) {
        usage.error = error;
      }
      changed();
    }
    if (isOpen) timer = setTimeout(ask, EVERY_MILLIS);
  }

  /** Each release makes another certificate; a unit that was never released has none. */
  async function askForCertificate(unit) {
    if (certificateAskedIn === unit.status || !may(CERTIFICATE)) return;
    certificateAskedIn = unit.status;
    certificate = await client.get(CERTIFICATE, { of, quiet: true }).catch(() => null);
    changed();
  }

  ask();
  // What the newest look found is known to those who watch over hosts.
  if (seesServers) drift.begin();

  function charts(unit) {
    const { limits } = unit;
    const { answer } = usage;
    if (!answer) return usage.error ? problem(usage.error, 'Cannot ask the host') : busy('Asking the host');
    const pressure = name => (answer[`${name}_pressure`] ? `waited ${answer[`${name}_pressure`].avg10} % of the last 10 s` : null);
    return html`
      ${problem(usage.error, 'Cannot ask the host')}
      <div class="sparks">
        ${spark({ title: 'CPU', series: series('cpu'), limit: unit.cpu_count, format: value => `${value.toFixed(2)} CPUs`, note: pressure('cpu') })}
        ${spark({ title: 'Memory', series: series('memory'), limit: limits.memory_max, format: bytes, note: [pressure('memory'), answer.oom_kills ? `${plural(answer.oom_kills, 'process', 'processes')} ended for lack of memory` : null].filter(Boolean).join('; ') })}
        ${spark({ title: 'Tasks', series: series('tasks'), limit: limits.tasks_max, format: count })}
        ${limits.swap_max ? spark({ title: 'Swap', series: series('swap'), limit: limits.swap_max, format: bytes }) : nothing}
        ${limits.disks.map(disk => spark({ title: `Disk ${disk.mount_point}`, series: series(`disk ${disk.mount_point}`), limit: disk.size, format: bytes,
          note: `${count(answer.disks.find(each => each.mount_point === disk.mount_point)?.inodes)} of ${count(disk.inodes)} files` }))}
        ${answer.io === null ? html`<figure class="spark"><figcaption><strong>I/O</strong> <span class="now">not counted</span></figcaption></figure>` : html`
          ${spark({ title: 'Read', series: series('read'), format: value => `${bytes(Math.round(value))}/s`, note: pressure('io') })}
          ${spark({ title: 'Written', series: series('write'), format: value => `${bytes(Math.round(value))}/s` })}`}
        ${spark({ title: 'Listening sockets', series: series('sockets'), format: count })}
      </div>`;
  }

  function ports(unit) {
    const [first, end] = unit.ports_range.split('-').map(Number);
    const isOwn = socket => socket.port >= first && socket.port < end;
    const sockets = usage.answer?.sockets ?? [];
    return html`
      ${facts([['Range', html`<span class="mono">${first} to ${end - 1}</span>`], ['Enforced by', unit.limits.port_enforcement]])}
      ${sockets.length === 0 ? html`<p class="empty">Nothing listens.</p>` : html`<ul class="ports" aria-label="Listening sockets">${sockets.map(socket => html`
        <li class=${isOwn(socket) ? '' : 'bad'}>${socket.protocol} ${socket.port}${isOwn(socket) ? '' : ' (a foreign port)'}</li>`)}</ul>`}`;
  }

  function login(unit) {
    if (unit.status !== 'allocated') return html`<p class="empty">Nobody can log in: the unit is ${unit.status}.</p>`;
    if (unit.stopped) return html`<p class="empty">Nobody can log in while the unit is stopped.</p>`;
    const command = `ssh ${unit.ssh_port === 22 ? '' : `-p ${unit.ssh_port} `}${unit.user}@${unit.ip}`;
    return html`${copyable(command, 'the login command')}
      ${copyable(`Host ${unit.compute_id}\n  HostName ${unit.ip}\n  Port ${unit.ssh_port}\n  User ${unit.user}`, 'the entry for ~/.ssh/config')}
      <h3>Keys</h3><ul class="keys">${unit.ssh_public_keys.map(key => html`<li class="mono">${key.split(' ').filter((_, index) => index !== 1).join(' ')} <span>…${key.split(' ')[1].slice(-12)}</span></li>`)}</ul>`;
  }

  /** Lists tell no steps, so those of what was under way before are asked for once; events tell the rest. */
  function underWay(operation) {
    if (!operation.steps && stepsAskedOf !== operation.id) {
      stepsAskedOf = operation.id;
      client.get('GET /api/operations/{id}', { of: operation, quiet: true }).then(store.keepOperation, () => {}).finally(changed);
    }
    return panel(`Under way: ${operation.kind}`, operation.steps ? operationLog(operation) : busy('Asking for its steps'), { wide: true });
  }

  function certificatePanel() {
    return certificate ? panel('Certificate of the last release', html`
      <p>${certificate.clean ? html`<span class="good" aria-hidden="true">✓</span> Nothing of the last tenant was left` : html`<strong>Not everything was proven clean</strong>`}, <time datetime=${certificate.at}>${ago(certificate.at)}</time>.
        ${certificate.discard ? DISCARD[certificate.discard] : ''}
        ${certificate.forced_reason ? `Forced: ${certificate.forced_reason}` : ''}</p>
      <details><summary>${plural(certificate.findings.length, 'kind')} of traces looked for</summary>
        <dl class="facts">${certificate.findings.map(finding => html`<div><dt>${finding.trace}</dt><dd>${finding.state}${finding.detail ? `: ${finding.detail}` : ''}</dd></div>`)}</dl></details>`) : nothing;
  }

  function view() {
    const unit = store.units.get(id);
    if (!unit) return html`${heading(id)}${isGone() ? nothing : busy('Looking for the unit')}<p class="empty">${isGone() ? 'Now' : 'If this stays,'} there is no such unit${seesServers
      ? ': it may have been decommissioned with its server' : ' of yours: it was given back, or is another\'s'}. <a href="/">${seesServers ? 'Fleet' : 'Your units'}</a></p>`;
    const server = store.servers.get(unit.hostname);
    const history = newestFirst([...store.operations.values()].filter(operation => operation.compute_id === id));
    const current = store.operations.get(unit.operation_id);
    askForCertificate(unit);
    return html`
      ${heading(unit.compute_id, {
        trail: html`<a href="/">${seesServers ? 'Fleet' : 'Your units'}</a> / ${serverLink(unit.hostname, may)}`,
        badges: unitStatus(unit, server),
        actions: unitActions(unit, may).map(action => html`<button type="button" class=${action.names ? 'danger' : ''} @click=${() => dialog.show(action)}>${action.label}</button>`),
      })}
      ${reason(unit.reason)}
      ${unit.status === 'deallocation_fail' ? html`<p class="reason">Quarantined: it could not be proven clean, so nobody gets it until it is deallocated again.</p>` : nothing}
      <div class="panels">
        ${panel('Usage', charts(unit), { wide: true })}
        ${panel('How to log in', login(unit))}
        ${panel('Unit', facts([
          ['Place', `${unit.region} / ${unit.zone}`], ['CPUs', html`${unit.cpu_count}: <span class="mono">${unit.cpu_range}</span>`], ['NUMA nodes', unit.limits.memory_nodes],
          ['User', html`<span class="mono">${unit.user}</span>`], ['Directories', html`<span class="mono">${Object.values(unit.directories).join(' ')}</span>`],
          ['Tenant', seesServers ? unit.owner : null], ['Tags', tags(unit.tags) || 'none'], ['Since', time(unit.started_at)], ['Expires', unit.expires_at ? `${time(unit.expires_at)} (${ago(unit.expires_at)})` : 'only on request'],
          ['Stopped', unit.stopped_at ? time(unit.stopped_at) : null]]))}
        ${panel('Limits', facts([
          ['Memory', bytes(unit.limits.memory_max)], ['Memory, soft', bytes(unit.limits.memory_high)], ['Swap', bytes(unit.limits.swap_max)], ['Tasks', count(unit.limits.tasks_max)],
          ...unit.limits.disks.map(disk => [`Disk ${disk.mount_point}`, `${bytes(disk.size)}, ${plural(disk.inodes, 'file')}`]),
          ...unit.limits.io.map(io => [`I/O ${io.device}`, [['read', io.read_bytes], ['write', io.write_bytes]].filter(each => each[1]).map(([what, value]) => `${what} ${bytes(value)}/s`)
            .concat([['reads', io.read_iops], ['writes', io.write_iops]].filter(each => each[1]).map(([what, value]) => `${count(value)} ${what}/s`)).join(', ')]),
          ['I/O', unit.limits.io.length ? null : 'unlimited'], ['Disk', unit.limits.disks.length ? null : 'unlimited: no quotas there']]))}
        ${panel('Ports in use', ports(unit))}
        ${certificatePanel()}
        ${current && isUnderWay(current) ? underWay(current) : nothing}
        ${drift.view({ server: store.drift.get(unit.hostname) })}
        ${problem(historyError)}
        ${panel('History', table({ label: 'Operations of this unit', columns: operationColumns(may, ['compute_id', 'hostname']),
          records: history, key: operation => operation.id, sort: router.query.get('sort') ?? '-created_at', sorted: sort => router.keep({ sort }), most: 50, others: '', empty: 'Of what was done to it, nothing is kept.' }), { wide: true, actions: historyLinks(may, 'compute_id', id) })}
      </div>`;
  }

  return {
    title: id, view,
    close() {
      isOpen = false;
      clearTimeout(timer);
    },
  };
}
