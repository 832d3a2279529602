// The API inspector: the requests behind what was done here, newest first, each as curl.

import { html, nothing } from './lit.js';
import { copyable } from './parts.js';
import { requestTo } from './request.js';

export function createInspector({ log, curl, changed }) {
  let isOpen = false;
  let selected = null;

  function toggle() {
    isOpen = !isOpen;
    changed();
  }

  function view() {
    if (!isOpen) return nothing;
    const entry = selected && log.includes(selected) ? selected : log[0];
    return html`
      <aside class="inspector" aria-labelledby="inspector-title">
        <header><h2 id="inspector-title">API requests</h2><a href=${requestTo('GET /api/openapi.json').path} target="_blank" rel="noopener">openapi.json</a><a href="/docs" target="_blank" rel="noopener">Documentation</a><button type="button" @click=${toggle} aria-label="Close the API inspector">✕</button></header>
        ${entry ? copyable(curl(entry), 'the request') : html`<p class="empty">No request yet.</p>`}
        <ol>${log.map(each => html`<li><button type="button" aria-pressed=${each === entry ? 'true' : 'false'} @click=${() => { selected = each; changed(); }}>
          <span class="method">${each.method}</span><span class="path">${each.path}</span><span class=${each.status >= 400 || each.status === 0 ? 'bad' : ''}>${each.status ?? '…'}</span><span class="took">${each.millis === null ? '' : `${each.millis} ms`}</span></button></li>`)}</ol>
      </aside>`;
  }

  return { toggle, view, get isOpen() { return isOpen; } };
}
