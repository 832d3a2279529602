// Small pieces that many pages show the same way.

import { html, nothing } from './lit.js';
import { stateBadge, serverBadge, unitBadge } from './status.js';

export function badge({ tone, symbol, text }) {
  return html`<span class="badge ${tone}"><span aria-hidden="true">${symbol}</span> ${text}</span>`;
}

export const unitStatus = (unit, server) => badge(unitBadge(unit, server));
export const serverStatus = server => badge(serverBadge(server));
export const state = value => badge(stateBadge(value));

export function reason(text) {
  return text ? html`<p class="reason"><strong>Reason:</strong> ${text}</p>` : nothing;
}

export function problem(error, title = 'Refused') {
  return error ? html`
    <div class="problem" role="alert">
      <strong>${title}${error.code && error.code !== 'invalid_request' ? html` <code>${error.code}</code>` : nothing}</strong>
      ${error.faults?.length
        ? html`<ul>${error.faults.map(fault => html`<li><code>${fault.loc.slice(1).join('.') || 'request'}</code> ${fault.msg}</li>`)}</ul>`
        : html`<p>${error.message}</p>`}
    </div>` : nothing;
}

export function busy(text) {
  return html`<p class="busy-line" role="status"><progress aria-label=${text}></progress> ${text}</p>`;
}

export function facts(pairs) {
  return html`<dl class="facts">${pairs.filter(pair => pair[1] !== null && pair[1] !== undefined).map(([name, value]) => html`
    <div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

export function panel(title, content, { actions = nothing, wide = false } = {}) {
  const id = `panel-${title.toLowerCase().replace(/[^a-z]+/g, '-')}`;
  return html`
    <section class="panel ${wide ? 'wide' : ''}" aria-labelledby=${id}>
      <header><h2 id=${id}>${title}</h2><div class="actions">${actions}</div></header>
      ${content}
    </section>`;
}

export function heading(title, { badges = nothing, actions = nothing, trail = nothing } = {}) {
  return html`
    <header class="page-heading">
      ${trail === nothing ? nothing : html`<nav class="trail" aria-label="Where this is">${trail}</nav>`}
      <h1 tabindex="-1">${title}</h1>${badges}
      <div class="actions">${actions}</div>
    </header>`;
}

export const unitLink = id => html`<a href="/units/${encodeURIComponent(id)}">${id}</a>`;
/** Only a name for those who are told of no servers. */
export const serverLink = (hostname, may) => (may('GET /api/servers') ? html`<a href="/servers/${encodeURIComponent(hostname)}">${hostname}</a>` : html`<span>${hostname}</span>`);
export const operationLink = (id, text = id) => html`<a href="/operations/${encodeURIComponent(id)}">${text}</a>`;

async function copy(event, text) {
  const button = event.currentTarget;
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = 'Copied';
  } catch {
    getSelection().selectAllChildren(button.previousElementSibling);
    button.textContent = 'Selected';
  }
  setTimeout(() => { button.textContent = before; }, 1500);
}

/** Text to take along. The clipboard needs a secure context; without one the text is selected. */
export function copyable(text, name) {
  return html`<div class="copyable"><code tabindex="0" role="textbox" aria-readonly="true" aria-label=${name}>${text}</code
    ><button type="button" aria-label="Copy ${name}" @click=${event => copy(event, text)}>Copy</button></div>`;
}

export function steps(list, label) {
  return html`<ol class="plan" aria-label=${label} tabindex="0">${list.map(step => html`<li>${step}</li>`)}</ol>`;
}
