// What can be done to units, servers, operations and tokens: when it can, which request it is, and what it asks for.
// The server says who may send which request; what is not for whoever is logged in is not offered.
// `previews` says that the API can tell what it would do; `names` that it destroys something, so the name has to be typed.

import { EXPIRY, KEYS, LIMITS, REASON, TAGS, localTime } from './fields.js';
import { isUnderWay } from './status.js';
import { bytes, tagLine } from './format.js';

const RETRY = 'POST /api/operations/{id}/retry';
const isAllocated = unit => unit.status === 'allocated';

const UNIT_ACTIONS = [
  {
    label: 'Retry', when: unit => unit.status.endsWith('_fail') && unit.operation_id, route: RETRY, of: unit => ({ id: unit.operation_id }), says: () => 'Tries again what failed, from its first step; what holds already stays.',
  },
  {
    // A start that failed may have let the tenant in.
    label: 'Stop', when: unit => isAllocated(unit) && (!unit.stopped || unit.reason), route: 'POST /api/compute_units/{compute_id}/stop', previews: true, names: true,
    says: () => 'Ends everything of the tenant and refuses logins. Files, keys and quotas stay.',
  },
  {
    label: 'Start', when: unit => isAllocated(unit) && unit.stopped, route: 'POST /api/compute_units/{compute_id}/start', previews: true,
    says: () => 'Brings back the limits, the enabled services and the login.',
  },
  {
    label: 'Resize', when: isAllocated, route: 'PATCH /api/compute_units/{compute_id}/limits', previews: true, fields: LIMITS,
    says: ({ limits }) => `Changes limits while the unit runs. What is left empty stays as it is: ${bytes(limits.memory_max)} of memory, ${limits.tasks_max} tasks${limits.disks.map(disk => `, ${bytes(disk.size)} on ${disk.mount_point}`).join('')}.`,
  },
  {
    label: 'Keys', when: isAllocated, route: 'PUT /api/compute_units/{compute_id}/ssh_keys', previews: true, fields: [KEYS],
    initial: unit => ({ ssh_public_keys: unit.ssh_public_keys.join('\n') }),
    says: () => 'Lets the tenant in by these keys and no others. Whoever is logged in stays.',
  },
  {
    label: 'Tags', when: isAllocated, route: 'PUT /api/compute_units/{compute_id}/tags', fields: [TAGS],
    initial: unit => ({ tags: Object.entries(unit.tags).map(tagLine).join('\n') }),
    says: () => 'These are all tags of the unit from now on.',
  },
  {
    label: 'Expiry', when: isAllocated, route: 'PUT /api/compute_units/{compute_id}/expires_at', fields: [{ ...EXPIRY, orNull: true }],
    initial: unit => ({ expires_at: localTime(unit.expires_at) }), says: () => 'When the unit is deallocated by itself.',
  },
  {
    label: 'Withdraw', when: unit => unit.status === 'free', route: 'POST /api/compute_units/{compute_id}/withdraw', fields: [REASON],
    says: () => 'Takes the free unit out of service: no tenant gets it until it is put back.',
  },
  {
    label: 'Put back', when: unit => unit.status === 'unavailable', route: 'POST /api/compute_units/{compute_id}/put_back',
    says: () => 'Tenants may get the unit again.',
  },
  {
    label: 'Deallocate', when: unit => isAllocated(unit) || ['allocation_fail', 'deallocation_fail'].includes(unit.status), route: 'DELETE /api/compute_units/deallocate/{compute_id}', previews: true, names: true,
    says: () => 'Ends and erases everything of the tenant, and proves that nothing is left. This cannot be undone.',
  },
  {
    label: 'Force release', when: unit => unit.status === 'deallocation_fail', route: 'POST /api/compute_units/{compute_id}/force_release', fields: [REASON], names: true,
    says: () => 'Frees the unit although some kinds of traces could not be proven gone; processes are ended all the same. The certificate keeps the reason.',
  },
];

const FORCE = {
  name: 'force', label: 'Evict tenants', type: 'checkbox', query: true, help: 'Erases what tenants have there. Without it a server with tenants is left as it is.',
};

const SERVER_ACTIONS = [
  {
    label: 'Retry', when: server => server.status.endsWith('_fail') && server.operation_id, route: RETRY, of: server => ({ id: server.operation_id }), says: () => 'Tries again what failed, from its first step; what holds already stays.',
  },
  {
    label: 'Cordon', when: server => server.status === 'ready' && !server.cordoned, route: 'POST /api/servers/{hostname}/cordon', fields: [REASON],
    says: () => 'No new tenants come to this server. Those that are there stay.',
  },
  {
    label: 'Uncordon', when: server => server.cordoned, route: 'POST /api/servers/{hostname}/uncordon', says: () => 'New tenants may come to this server again.',
  },
  {
    label: 'Drain', when: server => server.status === 'ready', route: 'POST /api/servers/{hostname}/drain', fields: [REASON, FORCE], previews: true, names: true,
    says: () => 'Cordons the server and deallocates every unit that a tenant has.',
  },
  {
    label: 'Repair', when: server => server.status === 'ready', route: 'POST /api/servers/{hostname}/repair', previews: true,
    says: () => 'Looks anew and mends what differs from the inventory. What tenants run goes on.',
  },
  {
    label: 'Decommission', when: server => server.status !== 'decommissioning', previews: true, names: true,
    route: 'DELETE /api/admin/decommission_server/{hostname}',
    fields: [FORCE, { name: 'wipe_data_disks', label: 'Wipe data disks', type: 'checkbox', query: true, help: 'Makes the data disks blank again.' }],
    says: () => 'Takes everything of Kloigos off the server and forgets it. This cannot be undone.',
  },
  {
    label: 'Forget', when: server => ['init_fail', 'decommission_fail'].includes(server.status), names: true,
    route: 'POST /api/servers/{hostname}/forget', fields: [REASON],
    says: () => 'For a host that is gone for good: nothing is done there, and what tenants left on it stays. This cannot be undone.',
  },
];

const OPERATION_ACTIONS = [
  {
    // What differs may be something else by now, so a repair is asked for again.
    label: 'Retry', when: operation => ['failed', 'cancelled'].includes(operation.state) && operation.kind !== 'repair', route: RETRY, says: () => 'Begins another attempt, from the first step; what holds already stays.',
  },
  {
    label: 'Cancel', when: isUnderWay, route: 'POST /api/operations/{id}/cancel',
    says: () => 'Ends the operation before its next step.',
  },
];

const ROLES = [['admin', 'admin: everything'], ['operator', 'operator: everything but tokens'], ['tenant', 'tenant: its own units'], ['read-only', 'read-only: looks only']];

const TOKEN_FIELDS = [
  { name: 'name', label: 'Name', required: true, help: 'Who will use it, as the audit log tells.', placeholder: 'acme-ci' },
  { name: 'role', label: 'Role', type: 'select', initial: 'read-only', options: () => ROLES },
  { name: 'tenant', label: 'Tenant', required: true, when: values => values.role === 'tenant', help: 'Whose units it is for.' },
  { ...EXPIRY, help: 'In your own time zone. Refused from then on; empty: never.' },
];

const CREATE_TOKEN = {
  label: 'Create', when: () => true, route: 'POST /api/tokens', fields: TOKEN_FIELDS,
  says: () => 'Makes a token. Its secret is shown once, in the answer.',
};

const REVOKE_TOKEN = {
  label: 'Revoke', when: token => !token.revoked_at, route: 'DELETE /api/tokens/{token_id}', names: true,
  says: token => `Token ${token.token_id} is refused from then on, with every session that began with it. This cannot be undone.`,
};

function possible(actions, thing, name, may) {
  return actions.filter(action => may(action.route) && action.when(thing)).map(action => ({ ...action, thing, name }));
}

export const unitActions = (unit, may) => possible(UNIT_ACTIONS, unit, unit.compute_id, may);
export const serverActions = (server, may) => possible(SERVER_ACTIONS, server, server.hostname, may);
export const operationActions = (operation, may) =>
  possible(OPERATION_ACTIONS, operation, `${operation.kind} of ${operation.compute_id ?? operation.hostname}`, may);
export const tokenActions = (token, may) => possible([REVOKE_TOKEN], token, token.name, may);
export const newTokenActions = may => possible([CREATE_TOKEN], {}, 'API token', may);
