// Allocate: shows while one types which unit it would be, to a tenant of what kind, and what would work where it is refused.

import { html, nothing } from '../lit.js';
import { createForm } from '../form.js';
import { EXPIRY, KEYS, TAGS } from '../fields.js';
import { createPreview } from '../preview.js';
import { createIntent, requestTo } from '../request.js';
import { plan } from '../dialog.js';
import { nearest } from '../nearest.js';
import { bytes, count, plural } from '../format.js';
import { busy, copyable, facts, heading, panel, problem, serverLink, unitLink } from '../parts.js';

const ROUTE = 'POST /api/compute_units/allocate';
const NO_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA preview';

export function allocatePage({ store, client, session, curl, done, changed }) {
  function commonestFree() {
    const counts = new Map();
    for (const unit of store.units.values()) {
      if (unit.status === 'free') counts.set(unit.cpu_count, (counts.get(unit.cpu_count) ?? 0) + 1);
    }
    const [size] = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0] ?? [4];
    return String(size);
  }

  const distinct = name => [...new Set([...store.servers.values(), ...store.units.values()].map(each => each[name]))].sort();
  const fields = [
    // So that the first preview is of a unit, not of a refusal.
    { name: 'cpu_count', label: 'CPUs', type: 'number', initial: session.mayDryRun ? commonestFree() : '', orNull: true, help: 'Exactly so many; empty: any.',
      suggestions: () => [...new Set([...store.units.values()].map(unit => unit.cpu_count))].sort((a, b) => a - b) },
    { name: 'region', label: 'Region', suggestions: () => distinct('region'), help: 'Empty: any.' },
    { name: 'zone', label: 'Zone', suggestions: () => distinct('zone'), help: 'Empty: any.' },
    { name: 'placement', label: 'Placement', type: 'select', initial: 'pack', options: () => [['pack', 'pack: where most tenants are'], ['spread', 'spread: where fewest tenants are']] },
    { ...TAGS, initial: '' },
    { name: 'apart', label: 'Keep apart from the same', path: ['anti_affinity', 'tag'], help: 'The name of a tag of this request. Empty: none.', placeholder: 'deployment_id' },
    { name: 'over', label: 'Over', type: 'select', path: ['anti_affinity', 'over'], initial: 'server', when: values => values.apart.trim() !== '', options: () => [['server', 'different servers'], ['zone', 'different zones']] },
    KEYS,
    EXPIRY,
  ];
  const preview = createPreview(client, changed);
  const intent = createIntent();
  const form = createForm(fields, typed);
  const sending = { isSending: false, error: null, unit: null };

  // Which unit it would be does not depend on the key, so the preview does not wait for one.
  function body(isPreview) {
    const asked = form.body();
    return isPreview && !asked.ssh_public_keys ? { ...asked, ssh_public_keys: [NO_KEY] } : asked;
  }

  function typed() {
    sending.error = null;
    intent.renew();
    preview.of(ROUTE, { body: body(true) });
  }

  async function submit(event) {
    event.preventDefault();
    Object.assign(sending, { isSending: true, error: null, unit: null });
    changed();
    try {
      const answer = await client.send(ROUTE, { body: body(false), intent });
      sending.unit = answer.data;
      done({ label: 'Allocate', name: answer.data.compute_id }, answer);
      typed();
    } catch (error) {
      sending.error = error;
    }
    sending.isSending = false;
    changed();
  }

  function suggestions() {
    const groups = nearest(form.body(), store.units.values(), store.servers);
    return html`<h3>What would work</h3>${groups.length === 0 ? html`<p class="empty">No unit is free on a server that takes tenants.</p>` : html`<ul class="suggestions">${groups.map(group => html`
      <li><button type="button" @click=${() => take(group)}>${plural(group.cpu_count, 'CPU')} in ${group.region} / ${group.zone}</button> ${plural(group.free, 'unit')} free</li>`)}</ul>`}`;
  }

  function take({ cpu_count: cpus, region, zone }) {
    Object.assign(form.values, { cpu_count: String(cpus), region: form.values.region && region, zone: form.values.zone && zone });
    typed();
  }

  function outcome() {
    if (preview.state === 'refused') {
      return html`${problem(preview.error, 'This would be refused')}${preview.error.code === 'no_capacity' && session.mayDryRun ? suggestions() : nothing}`;
    }
    const unit = preview.answer?.units[0];
    if (!unit) return busy('Asking which unit it would be');
    if (!unit.compute_id) return facts([['Place', `${unit.region} / ${unit.zone}`], ['CPUs', unit.cpu_count], ['Memory', bytes(unit.memory_max)], ['Swap', bytes(unit.swap_max)], ['Tasks', count(unit.tasks_max)]]);
    return html`
      ${facts([['Unit', unitLink(unit.compute_id)], ['Server', html`${serverLink(unit.hostname, session.may)}, ${unit.region} / ${unit.zone}`], ['CPUs', html`${unit.cpu_count}: <span class="mono">${unit.cpu_range}</span>`],
        ['NUMA nodes', unit.limits.memory_nodes], ['Memory', bytes(unit.limits.memory_max)], ['Ports', unit.ports_range], ['User', html`<span class="mono">${unit.user}</span>`]])}
      ${plan(preview)}`;
  }

  function view() {
    const faults = [...(sending.error?.faults ?? []), ...(preview.error?.faults ?? [])];
    return html`
      ${heading('Allocate a unit')}
      <form class="split" @submit=${submit}>
        ${panel('Request', html`<div class="fields">${form.view(faults)}</div>
          ${problem(sending.error)}
          ${sending.isSending ? busy('Preparing the unit for its tenant') : nothing}
          <footer><button type="submit" class="primary" ?disabled=${sending.isSending || !form.isComplete()}>Allocate</button></footer>`)}
        <div class="beside">
          ${sending.unit ? panel('Allocated', html`<p><span class="good" aria-hidden="true">✓</span> ${unitLink(sending.unit.compute_id)} is the tenant's.</p>
            ${copyable(`ssh ${sending.unit.ssh_port === 22 ? '' : `-p ${sending.unit.ssh_port} `}${sending.unit.user}@${sending.unit.ip}`, 'the login command')}`) : nothing}
          ${panel('What it would be', html`<div aria-live="polite" class=${preview.state === 'asking' ? 'asking' : ''}>${outcome()}</div>`)}
          ${panel('Request as curl', copyable(curl(requestTo(ROUTE, { body: body(false) })), 'the request'))}
        </div>
      </form>`;
  }

  typed();
  return { title: 'Allocate', view, close: preview.forget };
}
