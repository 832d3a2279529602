// Sends requests to the API, keeps the newest of them for the inspector, and turns refusals into errors with their reasons.
// A route is named as in the API document, such as "GET /api/servers/{hostname}".

const MOST_KEPT = 60;

export class Refusal extends Error {
  constructor(status, code, message, faults) {
    super(message);
    this.status = status;
    this.code = code;
    this.faults = faults;
  }
}

/** Returns the request to a route; what is in braces there is taken from `of`. */
export function requestTo(route, { of = {}, query = {}, body } = {}) {
  const [method, places] = route.split(' ');
  const path = places.replace(/\{([a-z_]+)\}/g, (_, name) => encodeURIComponent(of[name]));
  const text = new URLSearchParams(query).toString();
  return { method, path: text ? `${path}?${text}` : path, body };
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

/**
 * Something that is to be done once. Sent again after an answer was lost, it is the same request to the server; after an answer
 * of the server's own, or another wish, it is a new one.
 */
export function createIntent() {
  const intent = { key: randomKey(), renew() { intent.key = randomKey(); } };
  return intent;
}

/** Returns the place after which the next page of a list begins, or null if there is none. */
function placeIn(link) {
  const next = /^<([^>]+)>; rel="next"$/.exec(link ?? '');
  return next && new URL(next[1], location.origin).searchParams.get('after');
}

/** Returns the warnings in an answer's header, of which each is an item of structured fields. */
function warningsIn(header) {
  return [...(header ?? '').matchAll(/([a-z_]+);message="((?:[^"\\]|\\.)*)"/g)]
    .map(([, type, message]) => ({ type, message: message.replace(/\\(.)/g, '$1') }));
}

export function createClient({ unauthenticated, sent }) {
  const log = [];

  async function answerTo({ method, path, body }, intent) {
    const asked = { Accept: 'application/json' };
    if (body !== undefined) asked['Content-Type'] = 'application/json';
    if (intent) asked['Idempotency-Key'] = intent.key;
    try {
      return await fetch(path, { method, headers: asked, body: body === undefined ? undefined : JSON.stringify(body) });
    } catch {
      throw new Refusal(0, 'unreachable', 'The Kloigos server does not answer. It may be restarting.', []);
    }
  }

  /** Returns the answer's body, the operation that it names, where the next page of a list begins and warnings, or throws a Refusal. */
  async function send(route, { quiet = false, intent = null, ...parts } = {}) {
    const request = requestTo(route, parts);
    const entry = { ...request, at: new Date(), status: null, millis: null };
    if (!quiet) {
      log.unshift(entry);
      log.length = Math.min(log.length, MOST_KEPT);
    }
    const begun = performance.now();
    try {
      const answer = await answerTo(request, intent);
      entry.status = answer.status;
      const isJson = /json/.test(answer.headers.get('Content-Type') ?? '');
      const data = isJson ? await answer.json() : null;
      // A proxy may answer in the place of a server that has done it.
      if (answer.ok || data?.code || Array.isArray(data?.detail)) intent?.renew();
      if (answer.status === 401) unauthenticated();
      if (!answer.ok) throw refusal(answer.status, data);
      return {
        data,
        operationId: answer.headers.get('X-Operation-Id'),
        next: placeIn(answer.headers.get('Link')),
        warnings: warningsIn(answer.headers.get('Kloigos-Warning')),
      };
    } finally {
      entry.millis = Math.round(performance.now() - begun);
      sent();
    }
  }

  return {
    log,
    send,
    get: async (route, options) => (await send(route, options)).data,
  };
}
