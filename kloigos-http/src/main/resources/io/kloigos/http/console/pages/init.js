// Init: brings a host under management, and shows before how it would be cut into units.

import { html, nothing } from '../lit.js';
import { createForm } from '../form.js';
import { LIMITS, within } from '../fields.js';
import { createPreview } from '../preview.js';
import { createIntent, requestTo } from '../request.js';
import { plan } from '../dialog.js';
import { createMap } from '../map.js';
import { bytes, plural } from '../format.js';
import { busy, copyable, facts, heading, operationLink, panel, problem } from '../parts.js';
import { operationLog } from '../operation-log.js';

const ROUTE = 'POST /api/admin/init_server';
const DELAY_MILLIS = 600;

const readDisks = text => {
  const disks = text.split('\n').map(line => line.trim().split(/\s+/)).filter(words => words[0]);
  return disks.length ? disks.map(([device, filesystem]) => (filesystem ? { device, filesystem } : device)) : undefined;
};
/** The name, and if they follow it, a file system and the size of each volume. */
function readVolumeGroup(text) {
  const [name, ...rest] = text.trim().split(/\s+/);
  if (rest.length === 0) return name || undefined;
  const isSize = word => /^\d/.test(word);
  return { name, filesystem: rest.find(word => !isSize(word)), volume_size: rest.find(isSize) };
}
const readRanges = text => text.split('\n').map(line => line.trim()).filter(Boolean);
const readHousekeeping = text => (text.trim() === '' ? undefined : /^\d+$/.test(text.trim()) ? Number(text) : text.trim());

const HOST = [
  { name: 'hostname', label: 'Host name', required: true },
  { name: 'ip', label: 'Address', required: true, placeholder: '192.0.2.10' },
  { name: 'region', label: 'Region', required: true },
  { name: 'zone', label: 'Zone', required: true },
];
const LOGIN = [
  { name: 'ssh_port', label: 'SSH port', type: 'number' },
  { name: 'ssh_user', label: 'SSH user' },
  { name: 'host_key', label: 'Host key', help: 'Its fingerprint, as ssh-keygen -l prints it. Empty: the first that is seen.', placeholder: 'SHA256:...' },
];
const DIVISION = [
  { name: 'division', label: 'Cut into', type: 'select', local: true, initial: 'units', options: () => [['units', 'so many units'], ['cpus_per_unit', 'units of so many CPUs'], ['cpu_ranges', 'these CPU sets']] },
  { name: 'units', label: 'Units', type: 'number', initial: '4', required: true, when: values => values.division === 'units', help: 'As large as possible, of whole cores.' },
  { name: 'cpus_per_unit', label: 'CPUs of a unit', type: 'number', initial: '4', required: true, when: values => values.division === 'cpus_per_unit', help: 'As many units as possible, of whole cores.' },
  { name: 'cpu_ranges', label: 'CPU sets', type: 'lines', read: readRanges, required: true, when: values => values.division === 'cpu_ranges', placeholder: '4-7\n8-11', help: 'One unit a line, such as 4-7,12-15.' },
  { name: 'housekeeping_cpus', label: 'Housekeeping CPUs', read: readHousekeeping, help: 'How many (8) or which (0-7) the system keeps. Empty: one of 16.' },
  { name: 'data_disks', label: 'Data disks', type: 'lines', read: readDisks, rows: 2, placeholder: '/dev/sdb ext4', help: 'One for all units, or one a unit, one a line. Only a whole, blank disk is formatted.' },
  { name: 'volume_group', label: 'Volume group', read: readVolumeGroup, placeholder: 'vg0 ext4 20G', help: 'Instead of data disks: a logical volume of this LVM group for each unit. File system and size may follow.' },
];
const LIMIT_FIELDS = within('limits', [
  { name: 'memory_reserve', label: 'Memory reserve', placeholder: 'e.g. 4G', help: 'Memory that no unit may have.' }, ...LIMITS,
  { name: 'port_enforcement', label: 'Ports by', type: 'select', initial: '', options: () => [['', 'what the host can (usual)'], ['nftables', 'nftables: nothing foreign is served'], ['socket_bind_ranges', 'socket_bind_ranges: nor are ports of other units bound'], ['socket_bind', 'socket_bind: nor is any foreign port bound']] },
]);

const warningList = warnings => html`<ul class="warnings">${warnings.map(warning => html`<li><code>${warning.type}</code> ${warning.message}</li>`)}</ul>`;

const names = fields => fields.map(field => field.name);

export function initPage({ store, client, curl, done, changed }) {
  const preview = createPreview(client, changed, DELAY_MILLIS);
  const intent = createIntent();
  const form = createForm([...HOST, ...DIVISION, ...LOGIN, ...LIMIT_FIELDS], typed);
  const cut = { of: null, units: [] };
  const map = createMap({ unitsOf: cutUnits, opened: () => {}, changed });
  const sending = { isSending: false, error: null, operationId: null, warnings: [] };

  /** The units of the preview, as they will be: free. */
  function cutUnits() {
    if (cut.of !== preview.answer) Object.assign(cut, { of: preview.answer, units: preview.answer.units.map(unit => ({ ...unit, status: 'free' })) });
    return cut.units;
  }

  function typed() {
    sending.error = null;
    intent.renew();
    if (form.isComplete()) {
      preview.of(ROUTE, { body: form.body() });
    } else {
      preview.forget();
      changed();
    }
  }

  async function submit(event) {
    event.preventDefault();
    Object.assign(sending, { isSending: true, error: null, operationId: null, warnings: [] });
    changed();
    try {
      const answer = await client.send(ROUTE, { body: form.body(), intent });
      Object.assign(sending, { operationId: answer.operationId, warnings: answer.warnings });
      done({ label: 'Init', name: form.values.hostname }, answer);
      preview.forget();
    } catch (error) {
      sending.error = error;
    }
    sending.isSending = false;
    changed();
  }

  function outcome() {
    if (preview.state === 'refused') return problem(preview.error, 'This would be refused');
    if (preview.state === 'none') return html`<p class="empty">${sending.operationId ? 'The host is being prepared.' : 'Fill in what is marked, and the host is asked.'}</p>`;
    if (!preview.answer) return busy('Looking at the host');
    const { server, units } = preview.answer;
    map.drawSoon();
    const sizes = [...new Set(units.map(unit => unit.cpu_count))];
    return html`
      ${facts([['System', `${server.facts.os}, Linux ${server.facts.kernel}`], ['CPUs', server.facts.cpu_count], ['Housekeeping', html`<span class="mono">${server.housekeeping_cpus || 'none'}</span>`],
        ['Units', `${units.length} of ${sizes.join(' or ')} CPUs`], ['Memory of each', bytes(units[0].limits.memory_max)]])}
      ${map.cpus(server)}
      <ul class="cut" aria-label="Units">${units.map(unit => html`<li class="mono">${unit.compute_id} <span>ports ${unit.ports_range}</span></li>`)}</ul>
      ${server.warnings.length ? html`<details><summary>${plural(server.warnings.length, 'warning')}</summary>${warningList(server.warnings)}</details>` : nothing}
      ${plan(preview)}`;
  }

  function view() {
    const faults = [...(sending.error?.faults ?? []), ...(preview.error?.faults ?? [])];
    const operation = store.operations.get(sending.operationId);
    return html`
      ${heading('Bring a host under management')}
      <form class="split" @submit=${submit}>
        ${panel('Request', html`
          <div class="fields">${form.view(faults, names(HOST))}</div>
          <h3>Units</h3><div class="fields">${form.view(faults, names(DIVISION))}</div>
          <details><summary>Login</summary><div class="fields">${form.view(faults, names(LOGIN))}</div></details>
          <details><summary>Limits of each unit</summary><div class="fields">${form.view(faults, names(LIMIT_FIELDS))}</div></details>
          ${problem(sending.error)}
          ${sending.isSending ? busy('Looking at the host') : nothing}
          <footer><button type="submit" class="primary" ?disabled=${sending.isSending || !form.isComplete()}>Init</button></footer>`)}
        <div class="beside">
          ${operation ? panel(`Init of ${operation.hostname}`, operationLog(operation), { actions: operationLink(operation.id, 'Open') }) : nothing}
          ${sending.warnings.length ? panel('Warnings', warningList(sending.warnings)) : nothing}
          ${panel('How it would be cut', html`<div aria-live="polite" class=${preview.state === 'asking' ? 'asking' : ''}>${outcome()}</div>`)}
          ${panel('Request as curl', copyable(curl(requestTo(ROUTE, { body: form.body() })), 'the request'))}
        </div>
      </form>${map.tooltip()}`;
  }

  typed();
  return {
    title: 'Init', view, restyle: map.restyle,
    close() {
      preview.forget();
      map.close();
    },
  };
}
