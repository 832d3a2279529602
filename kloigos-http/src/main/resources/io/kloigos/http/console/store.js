// What the console knows of the fleet: lists read once, then kept as they are by the server's events.

import { requestTo } from './request.js';

const OPERATIONS_AT_A_TIME = 1000;
const RECONNECT_MILLIS = 3000;
// A browser keeps six connections to a server over HTTP/1.1, for all its tabs together: those that nobody sees give theirs up.
const HIDDEN_MILLIS = 10_000;

/**
 * @param may tells whether whoever is logged in may send a request
 * @param refused called when the server has no events for them; returns when it is known why
 */
export function createStore({ client, may, changed, expiring, refused }) {
  const servers = new Map();
  const units = new Map();
  const unitsOf = new Map();
  const operations = new Map();
  const drift = new Map();
  const connection = { state: 'connecting', since: Date.now(), problem: null };
  let source = null;
  let loaded = null;
  let isLoaded = false;
  let isWanted = false;
  let hiding = null;
  let olderOperations = null;

  function keepUnit(unit) {
    if (unit.status === 'decommissioned') {
      forgetUnit(unit.compute_id);
      return;
    }
    units.set(unit.compute_id, unit);
    if (!unitsOf.has(unit.hostname)) unitsOf.set(unit.hostname, new Map());
    unitsOf.get(unit.hostname).set(unit.compute_id, unit);
  }

  function forgetUnit(id) {
    unitsOf.get(units.get(id)?.hostname)?.delete(id);
    units.delete(id);
  }

  function keepServer(server) {
    if (server.status === 'decommissioned') servers.delete(server.hostname);
    else servers.set(server.hostname, server);
  }

  /** A list tells no steps; what is known of them is kept as long as it is of the same attempt and state. */
  function keepOperation(operation) {
    const known = operations.get(operation.id);
    const steps = operation.steps
      ?? (known?.attempt === operation.attempt && known?.state === operation.state ? known.steps : null);
    operations.set(operation.id, { ...operation, steps });
  }

  /** Reads the next page of operations, of which the newest are read at first. */
  function loadOlderOperations() {
    const after = olderOperations;
    const reading = client.send('GET /api/operations', { query: { limit: OPERATIONS_AT_A_TIME, after } }).then(({ data, next }) => {
      data.reverse().forEach(keepOperation);
      if (olderOperations === after) olderOperations = next;
    });
    loaded = Promise.allSettled([loaded, reading]);
    return reading;
  }

  /** Reads the newest operations of a unit or a server, which may be older than those that are known. */
  function loadHistory(of) {
    const reading = client.get('GET /api/operations', { query: { limit: OPERATIONS_AT_A_TIME, ...of }, quiet: true })
      .then(found => found.filter(operation => !operations.has(operation.id)).forEach(keepOperation));
    loaded = Promise.allSettled([loaded, reading]);
    return reading;
  }

  function keepDrift(report) {
    drift.set(report.hostname, report);
  }

  async function load() {
    const [serverList, unitList, operationPage, driftList] = await Promise.all([
      // A tenant sees its own units, but no servers.
      may('GET /api/servers') ? client.get('GET /api/servers', { quiet: true }) : [],
      client.get('GET /api/compute_units', { quiet: true }),
      client.send('GET /api/operations', { query: { limit: OPERATIONS_AT_A_TIME }, quiet: true }),
      may('GET /api/drift') ? client.get('GET /api/drift', { quiet: true }) : [],
    ]);
    [servers, units, unitsOf, drift].forEach(map => map.clear());
    serverList.forEach(keepServer);
    unitList.forEach(keepUnit);
    operationPage.data.reverse().forEach(keepOperation);
    olderOperations = operationPage.next;
    driftList.forEach(keepDrift);
    isLoaded = true;
  }

  function become(state, problem = null) {
    if (connection.state !== state) Object.assign(connection, { state, since: Date.now() });
    connection.problem = problem;
    changed();
  }

  function connect() {
    isWanted = true;
    if (!document.hidden) listen();
  }

  function pause() {
    source?.close();
    source = null;
  }

  function seen() {
    clearTimeout(hiding);
    if (isWanted && !document.hidden && source === null) {
      become('connecting');
      listen();
    } else if (document.hidden) {
      hiding = setTimeout(pause, HIDDEN_MILLIS);
    }
  }

  document.addEventListener('visibilitychange', seen);
  // A page that the browser keeps to go back to would keep its connection too.
  addEventListener('pagehide', pause);
  addEventListener('pageshow', event => event.persisted && seen());

  function listen() {
    source?.close();
    const mine = new EventSource(requestTo('GET /api/events').path);
    source = mine;
    mine.onopen = () => {
      // Nothing is told twice: what happened before or between connections is in the lists.
      loaded = load().then(() => become('live'), problem => {
        become('stale', problem.message);
        setTimeout(() => mine === source && mine.readyState === EventSource.OPEN && mine.onopen(), RECONNECT_MILLIS);
      });
    };
    mine.onerror = () => {
      become(connection.state === 'connecting' ? 'connecting' : 'lost');
      // The browser connects again by itself, unless the server has answered something else than events.
      if (mine.readyState === EventSource.CLOSED) {
        refused().finally(() => setTimeout(() => mine === source && listen(), RECONNECT_MILLIS));
      }
    };
    hear(mine, 'server', keepServer);
    hear(mine, 'unit', keepUnit);
    // Of a tenant's unit that was given back, and is told of no more.
    hear(mine, 'unit_gone', gone => forgetUnit(gone.compute_id));
    hear(mine, 'unit_expiring', unit => {
      keepUnit(unit);
      expiring(unit);
    });
    hear(mine, 'operation', keepOperation);
    hear(mine, 'drift', keepDrift);
  }

  /** What is told while the lists are on their way is newer than they are. */
  function hear(events, name, keep) {
    events.addEventListener(name, event => loaded?.then(() => {
      keep(JSON.parse(event.data));
      changed();
    }));
  }

  return {
    servers, units, operations, drift, connection, connect, keepOperation, loadOlderOperations, loadHistory,
    isLoaded: () => isLoaded,
    hasOlderOperations: () => olderOperations !== null,
    unitsOf: hostname => [...(unitsOf.get(hostname)?.values() ?? [])],
    disconnect() {
      isWanted = false;
      pause();
    },
  };
}
