// Short notes of what has begun or is done. They go away by themselves, those of failures do not.

import { html, nothing, repeat } from './lit.js';
import { operationLink } from './parts.js';
import { isUnderWay, stateBadge } from './status.js';

const SHOWN_MILLIS = 8000;

export function createNotices(operations, changed) {
  let notices = [];
  let last = 0;

  function dismiss(id) {
    notices = notices.filter(notice => notice.id !== id);
    changed();
  }

  function add(text, operationId = null) {
    const notice = { id: ++last, text, operationId, endsAt: null };
    notices = [...notices, notice].slice(-4);
    changed();
  }

  /** What is followed by an operation stays until that ends well. */
  function tone(notice) {
    const operation = operations.get(notice.operationId);
    if (operation && isUnderWay(operation)) return 'running';
    if (!notice.endsAt) {
      notice.endsAt = Date.now() + SHOWN_MILLIS;
      if (operation?.state !== 'failed') setTimeout(() => dismiss(notice.id), SHOWN_MILLIS);
    }
    return operation?.state ?? 'succeeded';
  }

  function view() {
    return html`<div class="notices" role="status">${repeat(notices, notice => notice.id, notice => {
      const state = tone(notice);
      const { tone: colour, symbol } = stateBadge(state);
      return html`<div class="notice ${colour}"><span aria-hidden="true">${symbol}</span> <span>${notice.text}${notice.operationId ? html` (${operationLink(notice.operationId, state)})` : nothing}</span>
        ${state === 'running' ? html`<progress aria-label="Under way"></progress>` : nothing}
        <button type="button" aria-label="Dismiss" @click=${() => dismiss(notice.id)}>✕</button></div>`;
    })}</div>`;
  }

  return { add, view };
}
