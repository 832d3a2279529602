// Sends requests to the API, keeps the newest of them for the inspector, and turns refusals into errors with their reasons.

const MOST_KEPT = 60;

export class Refusal extends Error {
  constructor(status, code, message, faults) {
    super(message);
    this.status = status;
    this.code = code;
    this.faults = faults;
  }
}

function refusal(status, answer) {
  if (Array.isArray(answer?.detail)) {
    const message = answer.detail.map(fault => `${fault.loc.slice(1).join('.') || fault.loc[0]}: ${fault.msg}`).join('; ');
    return new Refusal(status, 'invalid_request', message, answer.detail);
  }
  return new Refusal(status, answer?.code ?? String(status), answer?.detail ?? `The server answered ${status}.`, []);
}

function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('');
}

export function createClient({ unauthenticated, sent }) {
  const log = [];

  async function answerTo(method, path, { body, once }) {
    const asked = { Accept: 'application/json' };
    if (body !== undefined) asked['Content-Type'] = 'application/json';
    if (once) asked['Idempotency-Key'] = randomKey();
    try {
      return await fetch(path, { method, headers: asked, body: body === undefined ? undefined : JSON.stringify(body) });
    } catch {
      throw new Refusal(0, 'unreachable', 'The Kloigos server does not answer. It may be restarting.', []);
    }
  }

  /** Returns the answer's body and the operation that it names, or throws a Refusal. */
  async function send(method, path, options = {}) {
    const entry = { method, path, body: options.body, at: new Date(), status: null, millis: null };
    if (!options.quiet) {
      log.unshift(entry);
      log.length = Math.min(log.length, MOST_KEPT);
    }
    const begun = performance.now();
    try {
      const answer = await answerTo(method, path, options);
      entry.status = answer.status;
      const isJson = /json/.test(answer.headers.get('Content-Type') ?? '');
      const data = isJson ? await answer.json() : null;
      if (answer.status === 401) unauthenticated();
      if (!answer.ok) throw refusal(answer.status, data);
      return { data, operationId: answer.headers.get('X-Operation-Id') };
    } finally {
      entry.millis = Math.round(performance.now() - begun);
      sent();
    }
  }

  return {
    log,
    send,
    get: async (path, options) => (await send('GET', path, options)).data,
  };
}
