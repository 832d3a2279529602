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

  function show(notice) {
    notices = [...notices, { id: ++last, operationIds: [], ends: false, ...notice }].slice(-4);
    changed();
  }

  /** Tells what is done. */
  const done = (text, operationId) => show({ text, operationIds: operationId ? [operationId] : [], isDone: true });

  /** Tells what goes on; it stays until that ends well. */
  const begun = (text, operationIds) => show({ text, operationIds });

  /** Tells what was refused. */
  const failed = text => show({ text, isFailed: true });

  /** What has begun and is not told of yet is under way. */
  function stateOf(notice) {
    if (notice.isFailed) return 'failed';
    if (notice.isDone) return 'succeeded';
    const followed = notice.operationIds.map(id => operations.get(id));
    if (followed.some(operation => !operation || isUnderWay(operation))) return 'running';
    return followed.find(operation => operation.state !== 'succeeded')?.state ?? 'succeeded';
  }

  function tone(notice) {
    const state = stateOf(notice);
    if (state === 'succeeded' && !notice.ends) {
      notice.ends = true;
      setTimeout(() => dismiss(notice.id), SHOWN_MILLIS);
    }
    return state;
  }

  function view() {
    return html`<div class="notices" role="status">${repeat(notices, notice => notice.id, notice => {
      const state = tone(notice);
      const { tone: colour, symbol } = stateBadge(state);
      return html`<div class="notice ${colour}"><span aria-hidden="true">${symbol}</span> <span>${notice.text}${notice.operationIds.length === 1 ? html` (${operationLink(notice.operationIds[0], state)})` : nothing}</span>
        ${state === 'running' ? html`<progress aria-label="Under way"></progress>` : nothing}
        <button type="button" aria-label="Dismiss" @click=${() => dismiss(notice.id)}>✕</button></div>`;
    })}</div>`;
  }

  return { done, begun, failed, view };
}
