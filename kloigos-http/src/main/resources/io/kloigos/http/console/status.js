// What a status means to an operator: the kind that the map draws, the tone, and the symbol beside the words. Pure.

export const KINDS = {
  free: { label: 'free', tone: 'good', symbol: '○' },
  allocated: { label: 'allocated', tone: 'used', symbol: '●' },
  stopped: { label: 'stopped', tone: 'idle', symbol: '◼' },
  changing: { label: 'changing', tone: 'busy', symbol: '◐' },
  failed: { label: 'failed', tone: 'bad', symbol: '✕' },
  quarantined: { label: 'quarantined', tone: 'quarantined', symbol: '☒' },
  withdrawn: { label: 'withdrawn', tone: 'idle', symbol: '–' },
  cordoned: { label: 'free, cordoned', tone: 'idle', symbol: '◍' },
  housekeeping: { label: 'housekeeping', tone: 'idle', symbol: '·' },
};

export function kindOf(unit, server) {
  switch (unit.status) {
    case 'free': return server?.cordoned ? 'cordoned' : 'free';
    case 'allocated': return unit.stopped ? 'stopped' : 'allocated';
    case 'deallocation_fail': return 'quarantined';
    case 'unavailable': return 'withdrawn';
    default: return unit.status.endsWith('_fail') ? 'failed' : 'changing';
  }
}

export function unitBadge(unit, server) {
  const kind = KINDS[kindOf(unit, server)];
  const text = unit.status === 'deallocation_fail' ? 'deallocation_fail (quarantined)'
    : unit.stopped && unit.status === 'allocated' ? 'allocated, stopped' : unit.status;
  return { ...kind, text };
}

export function serverBadge(server) {
  if (server.status.endsWith('_fail')) return { ...KINDS.failed, text: server.status };
  if (server.status !== 'ready') return { ...KINDS.changing, text: server.status };
  return server.cordoned ? { ...KINDS.cordoned, text: 'cordoned' } : { tone: 'good', symbol: '✓', text: 'ready' };
}

const STATES = {
  pending: { tone: 'idle', symbol: '○' },
  running: { tone: 'busy', symbol: '◐' },
  succeeded: { tone: 'good', symbol: '✓' },
  changed: { tone: 'good', symbol: '✓' },
  unchanged: { tone: 'idle', symbol: '=' },
  failed: { tone: 'bad', symbol: '✕' },
  cancelled: { tone: 'idle', symbol: '–' },
};

export function stateBadge(state) {
  return { ...(STATES[state] ?? STATES.pending), text: state };
}

export function isUnderWay(operation) {
  return operation.state === 'pending' || operation.state === 'running';
}
