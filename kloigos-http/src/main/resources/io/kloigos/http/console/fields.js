// The fields that more than one form has.

const IO_WORD = /^(read_bytes|write_bytes|read_iops|write_iops)=(.+)$/;

/** Reads lines such as "/dev/sda write_bytes=100M read_iops=500". What is no limit is sent as it is, to be refused with its reason. */
function readIo(text) {
  const limits = text.split('\n').map(line => line.trim()).filter(Boolean).map(line => {
    const [device, ...words] = line.split(/\s+/);
    return Object.fromEntries([['device', device], ...words.map(word => {
      const [, name, value] = IO_WORD.exec(word) ?? [null, word, ''];
      return [name, name.endsWith('iops') && /^\d+$/.test(value) ? Number(value) : value];
    })]);
  });
  return limits.length ? limits : undefined;
}

const size = (name, label, help) => ({ name, label, help, placeholder: 'e.g. 512M or 1.5G' });

export const LIMITS = [
  size('memory_max', 'Memory', 'Above this the kernel ends processes of the unit.'),
  size('memory_high', 'Memory, soft', 'Above this the kernel slows the unit down.'),
  size('swap_max', 'Swap'),
  { name: 'tasks_max', label: 'Tasks', type: 'number', help: 'Processes and threads.' },
  size('disk_max', 'System disk', 'Bytes stored on each system disk.'),
  size('data_max', 'Data disk', 'Bytes stored on the data disk.'),
  { name: 'inodes_max', label: 'Files', type: 'number', help: 'Files and directories on each file system.' },
  {
    name: 'io', label: 'I/O', type: 'lines', read: readIo, rows: 2, placeholder: '/dev/sda write_bytes=100M read_iops=500',
    help: 'One device a line: read_bytes, write_bytes, read_iops, write_iops, each per second.',
  },
];

export const within = (parent, fields) => fields.map(field => ({ ...field, path: [parent, field.name] }));

export const REASON = { name: 'reason', label: 'Reason', required: true, help: 'Shown to whoever asks why.' };

export const KEYS = {
  name: 'ssh_public_keys', label: 'SSH public keys', type: 'lines', required: true, rows: 3,
  placeholder: 'ssh-ed25519 AAAA... ann@laptop', help: 'One a line, as in a .pub file.',
};

export const TAGS = {
  name: 'tags', label: 'Tags', type: 'tags', rows: 3, placeholder: 'deployment_id=web_v1', help: 'One name=value a line.',
};

export const EXPIRY = {
  name: 'expires_at', label: 'Expires', type: 'time', help: 'In your own time zone. Taken back by itself then; empty: only on request.',
};

/** An instant as the browser's date field wants it: in the time zone of whoever looks. */
export function localTime(instant) {
  if (!instant) return '';
  const date = new Date(instant);
  return new Date(date - date.getTimezoneOffset() * 60000).toISOString().slice(0, 19);
}
