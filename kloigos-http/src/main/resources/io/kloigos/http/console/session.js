// Who is logged in, and what the server says that they may do.

export function createSession(client) {
  let answer = null;

  function keep(session) {
    answer = session;
  }

  async function look() {
    keep(await client.get('GET /api/session', { quiet: true }));
  }

  /** The token is not for the list of requests, nor kept anywhere else. */
  async function logIn(token) {
    keep((await client.send('POST /api/session', { body: { token }, quiet: true })).data);
  }

  async function logOut() {
    keep((await client.send('DELETE /api/session', { quiet: true })).data);
  }

  /** A request was not recognised: from now on somebody has to log in. */
  function expired() {
    if (answer) answer = { ...answer, authentication: true, authenticated: false, roles: [], may: [] };
  }

  return {
    look, logIn, logOut, expired,
    get isKnown() { return answer !== null; },
    get isNeeded() { return answer !== null && !answer.authenticated; },
    get isOn() { return Boolean(answer?.authentication && answer.authenticated); },
    get subject() { return answer?.subject; },
    get role() { return answer?.roles.join(', '); },
    get tenant() { return answer?.tenant; },
    get mayDryRun() { return Boolean(answer?.may_dry_run); },
    may: route => Boolean(answer?.may.includes(route)),
  };
}
