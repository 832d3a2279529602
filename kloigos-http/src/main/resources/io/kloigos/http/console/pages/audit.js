// Who did what, and what became of it, newest first. The server is asked for what is wanted, and exports it whole.

import { html, nothing } from '../lit.js';
import { createForm } from '../form.js';
import { localTime } from '../fields.js';
import { parseFilter } from '../filter.js';
import { busy, heading, problem, serverLink, unitLink } from '../parts.js';
import { requestTo } from '../request.js';
import { filterField, table } from '../table.js';
import { ago, time } from '../format.js';

const ROUTE = 'GET /api/audit';
const PAGE = 500;
const DELAY_MILLIS = 300;
const LOOK_MILLIS = 3000;
const FIELDS = ['at', 'who', 'role', 'action', 'target', 'outcome', 'detail', 'address', 'request_id', 'token_id'];
const OUTCOMES = ['begun', 'succeeded', 'failed', 'refused'];

const ROLES = ['admin', 'operator', 'tenant', 'read-only'];

const choices = names => [['', 'any'], ...names.map(each => [each, each])];

const ASKED = [
  { name: 'who', label: 'Who', help: 'How it begins.' },
  { name: 'role', label: 'Role', type: 'select', options: () => choices(ROLES) },
  { name: 'action', label: 'What', placeholder: 'deallocate' },
  { name: 'target', label: 'To what', placeholder: 'host1', help: 'How it begins; a server finds its units.' },
  { name: 'outcome', label: 'Outcome', type: 'select', options: () => choices(OUTCOMES) },
  { name: 'address', label: 'From', placeholder: '192.0.2.', help: 'How it begins.' },
  { name: 'since', label: 'Since', type: 'time' },
  { name: 'until', label: 'Until', type: 'time' },
].map(field => ({ ...field, query: true }));

function difference({ before, after }) {
  if (!before && !after) return nothing;
  return html`<details><summary>before and after</summary><pre class="mono">${JSON.stringify({ before, after }, null, 1)}</pre></details>`;
}

/** Units have an underscore in their name, and servers have none; operations, tokens and places have no page here. */
function targetLink(target) {
  if (!target || /^[0-9a-f-]{36}$|^[0-9a-f]{16}$|\//.test(target)) return target;
  return target.includes('_') ? unitLink(target) : serverLink(target, () => true);
}

const columns = [
  { name: 'at', label: 'When', value: entry => entry.at, view: entry => html`<time datetime=${entry.at} title=${time(entry.at)}>${ago(entry.at)}</time>` },
  { name: 'who', label: 'Who', value: entry => entry.who, view: entry => html`${entry.who} <small>${entry.role}</small>` },
  { name: 'action', label: 'What', value: entry => entry.action, view: entry => html`<span class="mono">${entry.action}</span>` },
  { name: 'target', label: 'To what', value: entry => entry.target, view: entry => html`${targetLink(entry.target)}${difference(entry)}` },
  { name: 'outcome', label: 'Outcome', value: entry => entry.outcome, view: entry => html`${entry.outcome}${entry.detail ? html`<small class="why">${entry.detail}</small>` : nothing}` },
  { name: 'address', label: 'From', value: entry => entry.address, view: entry => html`<span class="mono">${entry.address}</span>` },
];

export function auditPage({ client, router, changed }) {
  const read = { entries: null, error: null, isWhole: true, newest: 0, hasNewer: false };
  const initial = Object.fromEntries(ASKED.map(({ name, type }) => {
    const text = router.query.get(name) ?? '';
    return [name, type === 'time' ? localTime(text) : text];
  }));
  const form = createForm(ASKED, typed, initial);
  let timer = null;
  let looking = setTimeout(lookForNewer, LOOK_MILLIS);
  let isOpen = true;

  function typed() {
    router.keep(Object.fromEntries(ASKED.map(({ name }) => [name, form.query()[name] ?? null])));
    clearTimeout(timer);
    timer = setTimeout(() => ask(null), DELAY_MILLIS);
  }

  /** Asks for the entries before one, or for the newest. */
  async function ask(before) {
    const mine = ++read.newest;
    const query = { ...form.query(), limit: PAGE, ...(before === null ? {} : { before }) };
    let answer;
    try {
      const found = await client.get(ROUTE, { query });
      answer = { error: null, isWhole: found.length < PAGE, entries: before === null ? found : [...read.entries, ...found] };
      if (before === null) answer.hasNewer = false;
    } catch (error) {
      // What is shown is no answer to another question.
      answer = before === null ? { error, entries: null } : { error };
    }
    if (mine !== read.newest) return;
    Object.assign(read, answer);
    changed();
  }

  /** Whoever reads is not disturbed by what comes meanwhile, but told of it. */
  async function lookForNewer() {
    if (!document.hidden && read.entries && !read.error) {
      const [newest] = await client.get(ROUTE, { query: { ...form.query(), limit: 1 }, quiet: true }).catch(() => []);
      if (newest && newest.number !== read.entries[0]?.number) {
        read.hasNewer = true;
        changed();
      }
    }
    if (isOpen) looking = setTimeout(lookForNewer, LOOK_MILLIS);
  }

  const exported = format => requestTo(ROUTE, { query: { ...form.query(), format } }).path;

  function list() {
    const { entries } = read;
    if (!entries) return read.error ? nothing : busy('Asking for the audit log');
    const filter = router.query.get('filter') ?? '';
    const found = entries.filter(parseFilter(filter));
    return html`
      ${read.hasNewer ? html`<p role="status"><button type="button" @click=${() => ask(null)}>Show newer entries</button></p>` : nothing}
      ${filterField({ value: filter, filtered: text => router.keep({ filter: text }), found: found.length, total: entries.length, fields: FIELDS, example: 'action:deallocate -role:admin' })}
      ${table({ label: 'Audit', columns, records: found, key: entry => entry.number, sort: router.query.get('sort') ?? '-at', sorted: sort => router.keep({ sort }), most: Infinity, empty: 'No entry is like this.' })}
      ${read.isWhole ? nothing : html`<p><button type="button" @click=${() => ask(entries.at(-1).number)}>Older entries</button></p>`}`;
  }

  function view() {
    return html`
      ${heading('Audit', { actions: html`<a class="button" href=${exported('csv')} download="audit.csv">Export as CSV</a><a class="button" href=${exported('ndjson')} download="audit.ndjson">Export as NDJSON</a>` })}
      <div class="fields asked" role="group" aria-label="What the server is asked for">${form.view(read.error?.faults)}</div>
      ${problem(read.error)}
      ${list()}`;
  }

  ask(null);
  return {
    title: 'Audit', view,
    close() {
      isOpen = false;
      clearTimeout(timer);
      clearTimeout(looking);
    },
  };
}
