// Who is logged in. Where the server has no sessions, or asks for none, everything is allowed.

export function createSession() {
  let state = 'unknown';
  let answer = null;

  function keep(session) {
    answer = session;
    state = !session.authentication ? 'off' : session.authenticated ? 'in' : 'out';
  }

  async function look() {
    const response = await fetch('/api/session', { headers: { Accept: 'application/json' } });
    if (response.ok) keep(await response.json());
    else state = response.status === 401 ? 'out' : 'off';
  }

  async function logIn(token) {
    const response = await fetch('/api/session', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token }),
    });
    const said = await response.json().catch(() => null);
    if (!response.ok) throw new Error(typeof said?.detail === 'string' ? said.detail : 'This token is not accepted.');
    keep(said);
  }

  async function logOut() {
    await fetch('/api/session', { method: 'DELETE' });
    expired();
  }

  function expired() {
    if (state === 'in') {
      state = 'out';
      answer = null;
    }
  }

  return {
    look, logIn, logOut, expired,
    get isNeeded() { return state === 'out'; },
    get isKnown() { return state !== 'unknown'; },
    get isOn() { return state === 'in'; },
    get name() { return [answer?.subject, ...(answer?.roles ?? [])].filter(Boolean).join(', '); },
    /** The audit log is nothing for tenants; an older server has none. */
    get mayReadAudit() { return Boolean(answer?.authenticated) && !answer.roles.includes('tenant'); },
  };
}
