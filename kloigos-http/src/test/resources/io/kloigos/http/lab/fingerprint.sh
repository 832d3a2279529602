# Prints everything of a host that plans change, one thing a line, so that two states can be compared. Run as root.
export LC_ALL=C
echo '== files'
find /etc /home /opt /mnt /srv /root /var -xdev \( -path /var/log -o -path /var/cache -o -path /var/tmp \) -prune \
  -o -printf '%y %m %U:%G %p %l\n' | sort
find /mnt/* -maxdepth 1 -printf '%y %m %U:%G %p\n' | sort
echo '== contents'
# Fences differ from one operation to the next, whatever it does.
find /etc/kloigos /etc/systemd/system /etc/sysctl.d /etc/tmpfiles.d /etc/ssh /etc/pam.d /etc/passwd /etc/group /home /opt /var/lib/systemd/linger \
  /var/lib/kloigos -xdev -path /var/lib/kloigos/fences -prune -o -type f -print0 2> /dev/null | sort -z | xargs -0 -r sha256sum -z | tr '\0' '\n'
# Without the day of the last change of a password, which is no matter of ours.
cut -d: -f 1,2,4- /etc/shadow
echo '== packet filter'
# Without what units have begun meanwhile.
nft -s list table inet kloigos 2>&1 | sed '/set \(opening\|tracked\) {/,/^\t}/d'
cat /proc/sys/net/ipv4/ip_local_reserved_ports /sys/devices/virtual/workqueue/cpumask /proc/sys/fs/mqueue/queues_max
cat /proc/sys/kernel/io_uring_disabled 2> /dev/null
echo '== systemd'
systemctl list-unit-files --no-legend '*kloigos*' 'mnt-*' 'var-lib-kloigos*' | sed 's/  */ /g'
systemctl list-units --all --plain --no-legend '*kloigos*' 'mnt-*' 'var-lib-kloigos*' 'user@2*' 'user-2*' | sed 's/  */ /g'
systemctl show -p AllowedCPUs init.scope system.slice user-20000.slice user-20001.slice
systemctl is-system-running
echo '== control groups'
for file in system.slice/cpuset.cpus.effective init.scope/cpuset.cpus.effective user.slice/user-0.slice/cpuset.cpus.effective \
  user.slice/user-20000.slice/cpuset.cpus user.slice/user-20000.slice/cpuset.cpus.effective user.slice/user-20000.slice/cpuset.mems \
  user.slice/user-20000.slice/memory.max user.slice/user-20000.slice/memory.high user.slice/user-20000.slice/memory.swap.max \
  user.slice/user-20000.slice/pids.max user.slice/user-20000.slice/io.max; do
  echo "$file $(cat "/sys/fs/cgroup/$file" 2> /dev/null || echo absent)"
done
echo '== disks'
blkid -o value -s TYPE -s LABEL /dev/vdb
grep -E ' (/mnt/c|/var/lib/kloigos)' /proc/self/mountinfo | cut -d ' ' -f 4- | sed 's/ shared:[0-9]*//' | sort
for kind in -u -P; do
  for mount in / $(findmnt -nro TARGET -S /dev/vdb | head -n 1); do
    echo "$kind $mount"
    repquota "$kind" -n -O csv "$mount" | grep '#2000'
  done
done
lsattr -pd /home/* /opt/* /mnt/* 2> /dev/null
exit 0
