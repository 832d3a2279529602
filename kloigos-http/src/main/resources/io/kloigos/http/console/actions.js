// What can be done to units, servers and operations: when it can, which request it is, and what it asks for.
// `previews` says that the API can tell what it would do; `names` that it destroys something, so the name has to be typed.

import { EXPIRY, KEYS, LIMITS, REASON, TAGS, localTime } from './fields.js';
import { isUnderWay } from './status.js';
import { bytes, tagValue } from './format.js';

const unitPath = (unit, end = '') => `/api/compute_units/${encodeURIComponent(unit.compute_id)}${end}`;
const serverPath = (server, end) => `/api/servers/${encodeURIComponent(server.hostname)}/${end}`;
const isAllocated = unit => unit.status === 'allocated';

const UNIT_ACTIONS = [
  {
    label: 'Retry', when: unit => unit.status.endsWith('_fail') && unit.operation_id, method: 'POST',
    path: unit => `/api/operations/${unit.operation_id}/retry`, says: () => 'Tries again what failed, from its first step; what holds already stays.',
  },
  {
    label: 'Stop', when: unit => isAllocated(unit) && !unit.stopped, method: 'POST', path: unit => unitPath(unit, '/stop'), previews: true,
    says: () => 'Ends everything of the tenant and refuses logins. Files, keys and quotas stay.',
  },
  {
    label: 'Start', when: unit => isAllocated(unit) && unit.stopped, method: 'POST', path: unit => unitPath(unit, '/start'), previews: true,
    says: () => 'Brings back the limits, the enabled services and the login.',
  },
  {
    label: 'Resize', when: isAllocated, method: 'PATCH', path: unit => unitPath(unit, '/limits'), previews: true, fields: LIMITS,
    says: ({ limits }) => `Changes limits while the unit runs. What is left empty stays as it is: ${bytes(limits.memory_max)} of memory, ${limits.tasks_max} tasks${limits.disks.map(disk => `, ${bytes(disk.size)} on ${disk.mount_point}`).join('')}.`,
  },
  {
    label: 'Keys', when: isAllocated, method: 'PUT', path: unit => unitPath(unit, '/ssh_keys'), previews: true, fields: [KEYS],
    initial: unit => ({ ssh_public_keys: unit.ssh_public_keys.join('\n') }),
    says: () => 'Lets the tenant in by these keys and no others. Whoever is logged in stays.',
  },
  {
    label: 'Tags', when: isAllocated, method: 'PUT', path: unit => unitPath(unit, '/tags'), fields: [TAGS],
    initial: unit => ({ tags: Object.entries(unit.tags).map(([name, value]) => `${name}=${tagValue(value)}`).join('\n') }),
    says: () => 'These are all tags of the unit from now on.',
  },
  {
    label: 'Expiry', when: isAllocated, method: 'PUT', path: unit => unitPath(unit, '/expires_at'), fields: [{ ...EXPIRY, orNull: true }],
    initial: unit => ({ expires_at: localTime(unit.expires_at) }), says: () => 'When the unit is deallocated by itself.',
  },
  {
    label: 'Withdraw', when: unit => unit.status === 'free', method: 'POST', path: unit => unitPath(unit, '/withdraw'), fields: [REASON],
    says: () => 'Takes the free unit out of service: no tenant gets it until it is put back.',
  },
  {
    label: 'Put back', when: unit => unit.status === 'unavailable', method: 'POST', path: unit => unitPath(unit, '/put_back'),
    says: () => 'Tenants may get the unit again.',
  },
  {
    label: 'Deallocate', when: unit => isAllocated(unit) || ['allocation_fail', 'deallocation_fail'].includes(unit.status), method: 'DELETE',
    path: unit => `/api/compute_units/deallocate/${encodeURIComponent(unit.compute_id)}`, previews: true, names: true,
    says: () => 'Ends and erases everything of the tenant, and proves that nothing is left. This cannot be undone.',
  },
  {
    label: 'Force release', when: unit => unit.status === 'deallocation_fail', method: 'POST', path: unit => unitPath(unit, '/force_release'), fields: [REASON], names: true,
    says: () => 'Frees the unit although some kinds of traces could not be proven gone; processes are ended all the same. The certificate keeps the reason.',
  },
];

const FORCE = {
  name: 'force', label: 'Evict tenants', type: 'checkbox', query: true, help: 'Erases what tenants have there. Without it a server with tenants is left as it is.',
};

const SERVER_ACTIONS = [
  {
    label: 'Retry', when: server => server.status.endsWith('_fail') && server.operation_id, method: 'POST',
    path: server => `/api/operations/${server.operation_id}/retry`, says: () => 'Tries again what failed, from its first step; what holds already stays.',
  },
  {
    label: 'Cordon', when: server => server.status === 'ready' && !server.cordoned, method: 'POST', path: server => serverPath(server, 'cordon'), fields: [REASON],
    says: () => 'No new tenants come to this server. Those that are there stay.',
  },
  {
    label: 'Uncordon', when: server => server.cordoned, method: 'POST', path: server => serverPath(server, 'uncordon'), says: () => 'New tenants may come to this server again.',
  },
  {
    label: 'Drain', when: server => server.status === 'ready', method: 'POST', path: server => serverPath(server, 'drain'), fields: [REASON, FORCE], previews: true, names: true,
    says: () => 'Cordons the server and deallocates every unit that a tenant has.',
  },
  {
    label: 'Repair', when: server => server.status === 'ready', method: 'POST', path: server => serverPath(server, 'repair'), previews: true,
    says: () => 'Looks anew and mends what differs from the inventory. What tenants run goes on.',
  },
  {
    label: 'Decommission', when: server => server.status !== 'decommissioning', method: 'DELETE', previews: true, names: true,
    path: server => `/api/admin/decommission_server/${encodeURIComponent(server.hostname)}`,
    fields: [FORCE, { name: 'wipe_data_disks', label: 'Wipe data disks', type: 'checkbox', query: true, help: 'Makes the data disks blank again.' }],
    says: () => 'Takes everything of Kloigos off the server and forgets it. This cannot be undone.',
  },
];

const OPERATION_ACTIONS = [
  {
    label: 'Retry', when: operation => ['failed', 'cancelled'].includes(operation.state), method: 'POST',
    path: operation => `/api/operations/${operation.id}/retry`, says: () => 'Begins another attempt, from the first step; what holds already stays.',
  },
  {
    label: 'Cancel', when: isUnderWay, method: 'POST', path: operation => `/api/operations/${operation.id}/cancel`,
    says: () => 'Ends the operation before its next step.',
  },
];

const possible = (actions, thing, name) => actions.filter(action => action.when(thing)).map(action => ({ ...action, thing, name }));

export const unitActions = unit => possible(UNIT_ACTIONS, unit, unit.compute_id);
export const serverActions = server => possible(SERVER_ACTIONS, server, server.hostname);
export const operationActions = operation => possible(OPERATION_ACTIONS, operation, `${operation.kind} of ${operation.compute_id ?? operation.hostname}`);
