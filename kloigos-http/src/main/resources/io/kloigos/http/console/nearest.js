// What could be allocated instead, nearest to what was asked for. Pure.

const MOST = 3;

/** Returns up to three groups of free units by what differs from the request: the zone, the region, the number of CPUs. */
export function nearest(request, units, servers) {
  const groups = new Map();
  for (const unit of units) {
    if (unit.status !== 'free' || servers.get(unit.hostname)?.cordoned) continue;
    const key = `${unit.region}/${unit.zone}/${unit.cpu_count}`;
    const group = groups.get(key) ?? { region: unit.region, zone: unit.zone, cpu_count: unit.cpu_count, free: 0 };
    group.free++;
    groups.set(key, group);
  }
  return [...groups.values()].sort((a, b) => distance(a, request) - distance(b, request)).slice(0, MOST);
}

function distance(group, { cpu_count: count, region, zone }) {
  const size = count === null || count === undefined ? 0 : Math.abs(Math.log2(group.cpu_count / Math.max(1, count)));
  const tooSmall = count && group.cpu_count < count ? 0.5 : 0;
  return size + tooSmall + (region && region !== group.region ? 2 : 0) + (zone && zone !== group.zone ? 1 : 0);
}
