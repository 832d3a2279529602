// The login form, shown where the server wants to know who asks.

import { html, nothing } from './lit.js';

export function createLogin({ session, entered, changed }) {
  let problem = null;
  let isSending = false;

  async function submit(event) {
    event.preventDefault();
    const form = event.currentTarget;
    isSending = true;
    problem = null;
    changed();
    try {
      await session.logIn(form.elements.token.value.trim());
      form.reset();
      entered();
      return;
    } catch (error) {
      problem = error.message;
    }
    isSending = false;
    changed();
  }

  return {
    view: () => html`
      <main class="login" id="main">
        <form class="panel" @submit=${submit}>
          <img src="/icon.svg" alt="" width="40" height="40"><h1 tabindex="-1">Kloigos</h1>
          <div class="field"><label for="token">API token</label>
            <input id="token" name="token" type="password" autocomplete="current-password" required aria-describedby="token-help">
            <small id="token-help">It is exchanged for a session of this browser, and not kept.</small></div>
          ${problem ? html`<div class="problem" role="alert"><strong>Refused</strong><p>${problem}</p></div>` : nothing}
          <button class="primary" ?disabled=${isSending}>Log in</button>
        </form>
      </main>`,
  };
}
