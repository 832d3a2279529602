// Who is logged in. Where the server has no authentication, /api/session is not there and everything is allowed.

export function createSession() {
  let state = 'unknown';
  let answer = null;

  async function look() {
    const response = await fetch('/api/session', { headers: { Accept: 'application/json' } });
    state = { 200: 'in', 401: 'out' }[response.status] ?? 'off';
    answer = response.ok ? await response.json() : null;
  }

  async function logIn(token) {
    const response = await fetch('/api/session', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token }),
    });
    if (!response.ok) {
      const problem = await response.json().catch(() => null);
      throw new Error(typeof problem?.detail === 'string' ? problem.detail : 'This token is not accepted.');
    }
    await look();
  }

  async function logOut() {
    await fetch('/api/session', { method: 'DELETE', headers: headers() });
    expired();
  }

  function expired() {
    if (state === 'in') {
      state = 'out';
      answer = null;
    }
  }

  /** What a write has to carry, so that no other site can send it. */
  function headers() {
    return answer?.csrf_header ? { [answer.csrf_header]: answer.csrf_token ?? '1' } : {};
  }

  return {
    look, logIn, logOut, expired, headers,
    get isNeeded() { return state === 'out'; },
    get isKnown() { return state !== 'unknown'; },
    get isOn() { return state === 'in'; },
    get name() { return answer?.name ?? answer?.subject ?? 'logged in'; },
    get role() { return answer?.role ?? answer?.scope ?? ''; },
    get mayReadAudit() { return Boolean(answer?.audit); },
  };
}
