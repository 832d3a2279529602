// The dialog before every action: what it does, what it asks for, its plan, its request, and why it was refused.

import { html, nothing, ref, live } from './lit.js';
import { createForm } from './form.js';
import { createPreview } from './preview.js';
import { createIntent, requestTo } from './request.js';
import { busy, copyable, problem, steps } from './parts.js';

export function createDialog({ client, session, curl, changed, done, failed }) {
  let open = null;

  function show(action) {
    const preview = createPreview(client, changed);
    open = { action, preview, typedName: '', error: null, isSending: false, intent: createIntent(), returnTo: document.activeElement };
    open.form = createForm(action.fields ?? [], typed, action.initial?.(action.thing));
    typed();
  }

  /** What the request is about, its query and its body. */
  function parts() {
    const { action, form } = open;
    const hasBody = action.fields?.some(field => !field.query);
    return { of: action.of ? action.of(action.thing) : action.thing, query: form.query(), body: hasBody ? form.body() : undefined };
  }

  const previews = action => action.previews && session.mayDryRun;

  function typed() {
    open.intent.renew();
    if (previews(open.action) && open.form.isComplete()) {
      open.preview.of(open.action.route, parts());
    } else {
      open.preview.forget();
      changed();
    }
  }

  function close() {
    const returnTo = open?.returnTo;
    open?.preview.forget();
    open = null;
    // As long as it is open, nothing else takes the focus.
    document.querySelector('dialog[open]')?.close();
    changed();
    returnTo?.focus?.();
  }

  async function submit(event) {
    event.preventDefault();
    const sending = open;
    const asked = parts();
    Object.assign(sending, { isSending: true, error: null });
    // What it would do is no longer the question.
    if (sending.preview.state === 'asking') sending.preview.forget();
    changed();
    try {
      const answer = await client.send(sending.action.route, { ...asked, intent: sending.intent });
      if (open === sending) close();
      done(sending.action, answer);
    } catch (error) {
      Object.assign(sending, { isSending: false, error });
      if (open === sending) changed();
      else failed(sending.action, error);
    }
  }

  function view() {
    if (!open) return nothing;
    const { action, form, error, isSending, preview } = open;
    const isNamed = !action.names || open.typedName === action.name;
    return html`
      <dialog aria-labelledby="dialog-title" ${ref(showModal)} @close=${() => open && close()}>
        <form @submit=${submit}>
          <h2 id="dialog-title">${action.label} <span class="mono">${action.name}</span></h2>
          <p>${action.says(action.thing)}</p>
          <div class="fields">${form.view([...(error?.faults ?? []), ...(preview.error?.faults ?? [])])}</div>
          ${error ? problem(error) : preview.state === 'refused' ? problem(preview.error, 'This would be refused') : nothing}
          ${previews(action) ? plan(preview) : nothing}
          <details><summary>Request as curl</summary>${copyable(curl(requestTo(action.route, parts())), 'the request')}</details>
          ${action.names ? nameField() : nothing}
          ${isSending ? busy('Waiting for the host') : nothing}
          <footer>
            <button type="button" @click=${close}>Close</button>
            <button type="submit" class=${action.names ? 'danger' : 'primary'} ?disabled=${!isNamed || isSending || !form.isComplete()}>${action.label}</button>
          </footer>
        </form>
      </dialog>`;
  }

  function nameField() {
    return html`<div class="field"><label for="dialog-name">Type <strong class="mono">${open.action.name}</strong> to confirm</label>
      <input id="dialog-name" autocomplete="off" spellcheck="false" .value=${live(open.typedName)}
        @input=${event => { open.typedName = event.target.value.trim(); changed(); }}></div>`;
  }

  return { show, view };
}

function showModal(element) {
  // The element is there, but not yet in the document.
  if (element && !element.open) queueMicrotask(() => element.isConnected && !element.open && begin(element));
}

/** Enter must never end a tenancy by itself; all else begins where one types. */
function begin(element) {
  element.showModal();
  const [leave, act] = element.querySelectorAll('footer button');
  const first = act.matches('.danger') ? leave : element.querySelector('.fields :is(input, select, textarea)') ?? act;
  first.focus();
}

export function plan(preview) {
  if (preview.state === 'asking') return busy('Asking what this would do');
  const list = preview.answer?.plan?.steps;
  return list ? html`<details class="exact-plan"><summary>The exact plan: ${list.length} steps on the host</summary>${steps(list, 'Steps of the plan')}</details>` : nothing;
}
