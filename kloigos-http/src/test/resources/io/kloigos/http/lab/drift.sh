# Changes a host with two units in the ways in which somebody with a root shell might. Prints of each what must be found: the
# kind of fact, the unit or "-", and the subject, separated by spaces; the last may hold some.
set -e
slice=/sys/fs/cgroup/user.slice/user-20000.slice
systemd=/etc/systemd/system
one=host1_4-7
two=host1_8-11
# change KIND UNIT SUBJECT COMMAND
change() {
  eval "$4" >&2
  echo "$1 $2 $3"
}
change file - /etc/kloigos/managed-by 'echo other > /etc/kloigos/managed-by'
change file - /etc/kloigos/ports.nft 'echo "# empty" > /etc/kloigos/ports.nft'
change file - $systemd/kloigos-ports.service 'sed -i s/oneshot/simple/ $systemd/kloigos-ports.service'
change file - /etc/sysctl.d/99-zz-kloigos.conf 'echo "# empty" > /etc/sysctl.d/99-zz-kloigos.conf'
change sshd - sshd 'rm /etc/ssh/sshd_config.d/50-kloigos.conf'
change file - $systemd/system.slice.d/20-kloigos-housekeeping.conf 'rm $systemd/system.slice.d/20-kloigos-housekeeping.conf'
change enabled - $systemd/sysinit.target.wants/kloigos-ports.service 'rm $systemd/sysinit.target.wants/kloigos-ports.service'
change port_rules - nftables 'nft flush ruleset'
change reserved_ports - /proc/sys/net/ipv4/ip_local_reserved_ports 'echo > /proc/sys/net/ipv4/ip_local_reserved_ports'
change kernel_setting - /proc/sys/fs/protected_fifos 'echo 0 > /proc/sys/fs/protected_fifos'
change housekeeping_cpus - /sys/devices/virtual/workqueue/cpumask 'echo ffff > /sys/devices/virtual/workqueue/cpumask'
change jobs - /etc/pam.d/cron 'sed -i /pam_systemd/d /etc/pam.d/cron'
change file $one $systemd/user-20000.slice.d/50-kloigos.conf 'sed -i s/^TasksMax=.*/TasksMax=infinity/ $systemd/user-20000.slice.d/50-kloigos.conf'
change drop_ins $one user-20000.slice 'systemctl set-property user-20000.slice MemoryHigh=infinity'
change file $one $systemd/user@20000.service.d/50-kloigos.conf 'rm $systemd/user@20000.service.d/50-kloigos.conf'
change file_access $two $systemd/user-20001.slice.d/50-kloigos.conf 'chmod 600 $systemd/user-20001.slice.d/50-kloigos.conf'
change directory $one /opt/c4-7 'chown 20001:20001 /opt/c4-7'
change directory $two /opt/c8-11 'rmdir /opt/c8-11'
change mount $two /mnt/c8-11 'umount /mnt/c8-11'
change account_expiry $one u4-7 'usermod -e 1 u4-7'
change account $two u8-11 'usermod -c somebody u8-11'
change no_file $two /etc/kloigos/keys/u8-11 'cat /etc/kloigos/keys/u4-7 > /etc/kloigos/keys/u8-11'
change ssh_key $one /etc/kloigos/keys/u4-7 'sed s/tenant/intruder/ /etc/kloigos/keys/u4-7 >> /etc/kloigos/keys/u4-7'
change file_access $one /etc/kloigos/keys/u4-7 'chown 20000 /etc/kloigos/keys/u4-7'
change user_quota $one / 'setquota -u 20000 0 0 0 0 /'
change project_quota $two / 'setquota -P 20001 0 0 0 0 /'
change memory_max $one $slice/memory.max 'echo max > $slice/memory.max'
change tasks_max $one $slice/pids.max 'echo max > $slice/pids.max'
change cpus $one $slice/cpuset.cpus.effective 'echo 0-15 > $slice/cpuset.cpus'
