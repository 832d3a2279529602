// What units are kept to on a server, made of nothing but what the API tells: the limits of its units, what is set on the host, the
// server's warnings, and what differed when the host was last looked at. Pure.

import { bytes, count, plural } from './format.js';

function least(values, format) {
  const [from, to] = [Math.min(...values), Math.max(...values)];
  return from === to ? format(from) : `${format(from)} to ${format(to)}`;
}

const each = units => (units.length === 1 ? 'the unit' : 'each unit');
const limit = (units, name, format) => `${least(units.map(unit => unit.limits[name]), format)} for ${each(units)}`;

/** Of file systems that units share, one line each; those of one unit alone are counted. */
function disks(units) {
  const found = new Map();
  units.forEach(unit => unit.limits.disks.forEach(disk => found.set(disk.mount_point, [...(found.get(disk.mount_point) ?? []), disk])));
  const all = [...found].map(([mountPoint, limits]) => ({ mountPoint, limits }));
  const shared = all.filter(({ limits }) => limits.length > 1 || units.length === 1);
  const own = all.filter(({ limits }) => limits.length === 1 && units.length > 1).flatMap(({ limits }) => limits);
  const text = limits => `${least(limits.map(disk => disk.size), bytes)} and ${least(limits.map(disk => disk.inodes), count)} files`;
  return [...shared.map(({ mountPoint, limits }) => `${mountPoint}: ${text(limits)} for ${plural(limits.length, 'unit')}`),
    ...(own.length ? [`${plural(own.length, 'file system')} of one unit each: ${text(own)}`] : [])];
}

function io(units) {
  const limited = units.filter(unit => unit.limits.io.length);
  const devices = [...new Set(limited.flatMap(unit => unit.limits.io.map(({ device }) => device)))];
  return limited.length ? [`${plural(limited.length, 'unit')} of ${units.length}, on ${devices.join(', ')}`] : [];
}

function bound(units) {
  const modes = new Set(units.map(unit => unit.limits.port_enforcement));
  if (modes.size !== 1) return [];
  return { socket_bind: ['no port but its own'], socket_bind_ranges: ['no port of another unit'] }[[...modes][0]] ?? [];
}

const total = units => units.reduce((sum, unit) => sum + unit.cpu_count, 0);

/**
 * @property told what the API says of it, in words; nothing if it says of none
 * @property by what holds it
 * @property kinds of facts that would differ if it did not hold
 * @property lacks types of warnings that say that it does not hold, or not all of it
 * @property remarks types of warnings that say what else to know
 */
const ROWS = [
  { what: 'CPUs', by: 'cpuset.cpus', kinds: ['cpus', 'unit_cpus'], lacks: ['core_split'], told: (server, units) => [`${plural(total(units), 'CPU')} for ${plural(units.length, 'unit')}`] },
  { what: 'Memory of NUMA nodes', by: 'cpuset.mems', kinds: ['memory_nodes'], remarks: ['numa_straddle'], told: (server, units) => [...new Set(units.map(unit => unit.limits.memory_nodes))].map(nodes => `node ${nodes}`) },
  { what: 'CPUs of the system and of logins', by: 'cpuset.cpus of init.scope, system.slice and user-.slice', kinds: ['housekeeping_cpus'], lacks: ['no_housekeeping_cpus'], told: server => (server.housekeeping_cpus ? [`CPU ${server.housekeeping_cpus}`] : []) },
  { what: 'CPUs of the kernel\'s unbound work', by: 'the cpumask of its workqueues', kinds: ['housekeeping_cpus'], lacks: ['no_housekeeping_cpus'], told: ({ settings }) => (settings.workqueue_cpus ? [`CPU ${settings.workqueue_cpus}`] : []) },
  { what: 'Memory', by: 'memory.max, memory.high', kinds: ['memory_max', 'memory_high'], told: (server, units) => [limit(units, 'memory_max', bytes), `${bytes(server.memory_reserve)} kept from all units`] },
  { what: 'Swap', by: 'memory.swap.max', kinds: ['swap_max'], remarks: ['swap_small'], told: (server, units) => [limit(units, 'swap_max', size => (size ? bytes(size) : 'none'))] },
  { what: 'Processes and threads', by: 'pids.max', kinds: ['tasks_max'], told: (server, units) => [limit(units, 'tasks_max', count)] },
  { what: 'Disk space and files', by: 'quotas of the unit\'s user', kinds: ['user_quota', 'project_quota', 'quota_mount'], lacks: ['disk_unlimited'], remarks: ['df_shows_whole_disk', 'disk_overcommitted'], told: (server, units) => disks(units) },
  { what: 'Speed of disks', by: 'io.max', kinds: ['io_max'], told: (server, units) => io(units) },
  { what: 'Serving a port', by: 'nftables', kinds: ['port_user', 'port_range', 'port_owner', 'port_rules'], told: (server, units) => [`${plural(units.length, 'range')} of ports`] },
  { what: 'Binding a port', by: 'SocketBindDeny= of systemd', kinds: ['port_binding', 'foreign_ports'], lacks: ['port_squatting', 'udp_theft', 'host_port_squatting', 'udp_receipt'], told: (server, units) => bound(units) },
  { what: 'Connections', by: 'nftables', kinds: ['port_rules'], remarks: ['ephemeral_ports'], told: ({ settings }, units) => [`${count(settings.connections_per_second)} begun in a second and ${count(settings.open_connections)} open for ${each(units)}`] },
  { what: 'The kernel\'s settings', by: 'sysctl', kinds: ['kernel_setting'], lacks: ['io_uring_pollers'], told: ({ settings }) => Object.entries(settings.kernel).map(([name, value]) => `${name} = ${value}`) },
];

/** Types of warnings that have their row. */
export const EXPLAINED = new Set(ROWS.flatMap(({ lacks = [], remarks = [] }) => [...lacks, ...remarks]));

export const HELD = {
  enforced: { tone: 'good', symbol: '✓' },
  'in part': { tone: 'busy', symbol: '!' },
  'not enforced on this host': { tone: 'busy', symbol: '!' },
  'not set': { tone: 'idle', symbol: '–' },
  differs: { tone: 'bad', symbol: '✕' },
};

/**
 * Returns what each row says.
 *
 * @param server one that is ready; of others the limits may not be in force
 * @param units all its units
 * @param report what the newest look for drift found; null if there was none
 */
export function enforcement(server, units, report) {
  const messages = types => server.warnings.filter(({ type }) => types.includes(type)).map(({ message }) => message);
  return ROWS.map(({ what, by, kinds, lacks = [], remarks = [], told }) => {
    const says = units.length ? told(server, units) : [];
    const missing = messages(lacks);
    const differing = report?.deviations.filter(({ kind }) => kinds.includes(kind)).length ?? 0;
    const held = differing ? 'differs' : missing.length ? (says.length ? 'in part' : 'not enforced on this host') : says.length ? 'enforced' : 'not set';
    return { what, held, says, by: says.length ? by : '', differing, reasons: [...missing, ...messages(remarks)] };
  });
}
