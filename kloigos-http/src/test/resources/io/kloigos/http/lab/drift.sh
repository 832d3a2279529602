# Changes a host with two units in the ways in which somebody with a root shell might. Prints how many.
set -e
changes=0
change() {
  changes=$((changes + 1))
  eval "$1"
}
slice=/sys/fs/cgroup/user.slice/user-20000.slice
systemd=/etc/systemd/system
change 'echo other > /etc/kloigos/managed-by'
change 'echo "# empty" > /etc/kloigos/ports.nft'
change 'sed -i s/oneshot/simple/ $systemd/kloigos-ports.service'
change 'echo "# empty" > /etc/sysctl.d/99-zz-kloigos.conf'
change 'rm /etc/ssh/sshd_config.d/50-kloigos.conf'
change 'rm $systemd/system.slice.d/20-kloigos-housekeeping.conf'
change 'rm $systemd/sysinit.target.wants/kloigos-ports.service'
change 'nft flush ruleset'
change 'echo > /proc/sys/net/ipv4/ip_local_reserved_ports'
change 'echo 0 > /proc/sys/fs/protected_fifos'
change 'echo ffff > /sys/devices/virtual/workqueue/cpumask'
change 'sed -i /pam_systemd/d /etc/pam.d/cron'
change 'sed -i s/^TasksMax=.*/TasksMax=infinity/ $systemd/user-20000.slice.d/50-kloigos.conf'
change 'systemctl set-property user-20000.slice MemoryHigh=infinity'
change 'rm $systemd/user@20000.service.d/50-kloigos.conf'
change 'chmod 600 $systemd/user-20001.slice.d/50-kloigos.conf'
change 'chown 20001:20001 /opt/c4-7'
change 'rmdir /opt/c8-11'
change 'umount /mnt/c8-11'
change 'usermod -e 1 u4-7'
change 'usermod -c somebody u8-11'
change 'cat /etc/kloigos/keys/u4-7 > /etc/kloigos/keys/u8-11'
change 'sed s/tenant/intruder/ /etc/kloigos/keys/u4-7 >> /etc/kloigos/keys/u4-7'
change 'chown 20000 /etc/kloigos/keys/u4-7'
change 'setquota -u 20000 0 0 0 0 /'
change 'setquota -P 20001 0 0 0 0 /'
change 'echo max > $slice/memory.max'
change 'echo max > $slice/pids.max'
change 'echo 0-15 > $slice/cpuset.cpus'
echo "$changes"
