// API tokens: who has which, until when. The secret of a new one is shown once, and is gone with the page.

import { html, nothing } from '../lit.js';
import { newTokenActions, tokenActions } from '../actions.js';
import { parseFilter } from '../filter.js';
import { badge, busy, copyable, heading, panel, problem } from '../parts.js';
import { filterField, table } from '../table.js';
import { ago, time } from '../format.js';

const FIELDS = ['name', 'token_id', 'role', 'tenant', 'state', 'created_by'];
const STATES = { valid: ['good', '✓'], expired: ['idle', '–'], revoked: ['bad', '✕'] };

function stateOf(token) {
  if (token.revoked_at) return 'revoked';
  return token.expires_at && new Date(token.expires_at) <= Date.now() ? 'expired' : 'valid';
}

const when = instant => (instant ? html`<time datetime=${instant} title=${time(instant)}>${ago(instant)}</time>` : 'never');

function state(token) {
  const [tone, symbol] = STATES[token.state];
  return html`${badge({ tone, symbol, text: token.state })}${token.revoked_at ? html`<small class="why">${ago(token.revoked_at)}</small>` : nothing}`;
}

export function tokensPage({ client, session, router, dialog, changed }) {
  let tokens = null;
  let error = null;
  let fresh = null;

  async function ask() {
    try {
      tokens = await client.get('GET /api/tokens');
    } catch (found) {
      error = found;
    }
    changed();
  }

  async function created({ data }) {
    fresh = data;
    changed();
    // The first token closes the server to whoever has none, and here is somebody who has it.
    if (!session.isOn) await session.logIn(data.token);
    await ask();
  }

  const first = () => (session.isOn ? {} : { role: 'admin' });
  const button = (action, ended) => html`<button type="button" class=${action.names ? 'danger' : ''} @click=${() => dialog.show({ ...action, ended })}>${action.label}</button>`;

  const columns = [
    { name: 'name', label: 'Name', value: token => token.name, view: token => token.name },
    { name: 'state', label: 'State', value: token => token.state, view: state },
    { name: 'role', label: 'Role', value: token => token.role, view: token => token.role },
    { name: 'tenant', label: 'Tenant', value: token => token.tenant, view: token => token.tenant ?? '' },
    { name: 'expires_at', label: 'Expires', value: token => token.expires_at, view: token => when(token.expires_at) },
    { name: 'last_used_at', label: 'Last used', value: token => token.last_used_at, view: token => when(token.last_used_at) },
    { name: 'created_at', label: 'Created', value: token => token.created_at, view: token => html`${when(token.created_at)} <small>by ${token.created_by}</small>` },
    { name: 'token_id', label: 'Id', value: token => token.token_id, view: token => html`<span class="mono">${token.token_id}</span>` },
  ];
  const ending = { name: 'revoke', label: 'What can be done', view: token => tokenActions(token, session.may).map(action => button(action, ask)) };
  const mayRevoke = session.may('DELETE /api/tokens/{token_id}');

  function secret() {
    return panel(`The new token of ${fresh.details.name}`, html`
      <p><strong>Copy it now.</strong> The server keeps only its hash, so nobody can show it again.</p>
      ${copyable(fresh.token, 'the token')}`, {
      wide: true,
      actions: html`<button type="button" @click=${() => { fresh = null; changed(); }}>I have it</button>`,
    });
  }

  function view() {
    const actions = newTokenActions(session.may).map(action => button({ ...action, initial: first }, created));
    if (!tokens) return html`${heading('API tokens')}${fresh ? secret() : nothing}${error ? problem(error) : busy('Asking for the tokens')}`;
    const filter = router.query.get('filter') ?? '';
    const all = tokens.map(token => ({ ...token, state: stateOf(token) }));
    const passes = parseFilter(filter);
    const found = all.filter(token => passes(Object.fromEntries(FIELDS.map(name => [name, token[name]]))));
    return html`
      ${heading('API tokens', { actions })}
      ${session.isOn ? nothing : html`<p class="reason">There is no token yet, so everybody on this machine may do everything. The first one is an administrator's; from then on everybody has to log in.</p>`}
      ${problem(error)}
      ${fresh ? secret() : nothing}
      ${filterField({ value: filter, filtered: text => router.keep({ filter: text }), found: found.length, total: all.length, fields: FIELDS, example: 'role:tenant -state:revoked' })}
      ${table({ label: 'API tokens', columns: mayRevoke ? [...columns, ending] : columns, records: found, key: token => token.token_id,
        sort: router.query.get('sort') ?? '-created_at', sorted: sort => router.keep({ sort }), empty: 'No token is like this.' })}`;
  }

  ask();
  return { title: 'API tokens', view };
}
