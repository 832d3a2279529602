// CPU sets in the kernel's list format, such as 0-7,64-71 or 0-14:2. Pure.

export function parseCpus(text) {
  const cpus = [];
  for (const part of text ? text.split(',') : []) {
    const [, first, last, step] = /^(\d+)(?:-(\d+))?(?::(\d+))?$/.exec(part) ?? [];
    for (let cpu = Number(first); cpu <= Number(last ?? first); cpu += Number(step ?? 1)) cpus.push(cpu);
  }
  return cpus;
}
