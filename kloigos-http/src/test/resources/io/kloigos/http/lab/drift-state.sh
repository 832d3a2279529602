# Prints what the changes of drift.sh touch, as the host's own tools tell it.
set -e
slice=/sys/fs/cgroup/user.slice/user-20000.slice
systemd=/etc/systemd/system
mine="/etc/kloigos /etc/sysctl.d/99-zz-kloigos.conf /etc/ssh/sshd_config.d $systemd"
find $mine -printf '%p %M %U:%G %l\n' | sort
find $mine -type f -exec sha256sum {} + | sort -k 2
find /etc/systemd/system.control /run/systemd/system.control -name '*user-2000*' -type f 2>/dev/null | sort
find /opt /mnt /home -maxdepth 1 -printf '%p %M %U:%G\n' | sort
sort /etc/pam.d/cron
nft -snn list table inet kloigos | sort
sysctl fs.protected_fifos net.ipv4.ip_local_reserved_ports
cat /sys/devices/virtual/workqueue/cpumask
sshd -T -C user=u4-7,host=client,addr=192.0.2.1 | sort
getent passwd u4-7 u8-11
grep -E '^u(4-7|8-11):' /etc/shadow | cut -d: -f1,8
findmnt -n -o TARGET,SOURCE,FSTYPE,OPTIONS /mnt/c4-7
findmnt -n -o TARGET,SOURCE,FSTYPE,OPTIONS /mnt/c8-11
for kind in -u -P; do
  repquota "$kind" -n -O csv / | awk -F, '/^#2000[01],/ {print $1, $5, $6, $9, $10}'
done
for file in memory.max memory.high memory.swap.max pids.max cpuset.cpus cpuset.cpus.effective cpuset.mems.effective io.max; do
  echo "$file $(cat "$slice/$file")"
done
cat /sys/fs/cgroup/system.slice/cpuset.cpus.effective
systemctl show user-20000.slice user-20001.slice user@20000.service -p Id,NeedDaemonReload,DropInPaths,TasksMax,MemoryHigh,ActiveState
systemctl is-enabled kloigos-ports.service
