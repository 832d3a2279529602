# Whether what init.sh made is still so: verify.sh UNITS. Prints what there is of each unit, for a look at differences.
set -u
cat /etc/byhand/sysusers.conf /etc/byhand/ports.nft /etc/systemd/system/byhand-ports.service /etc/sysctl.d/60-byhand.conf
cat /etc/ssh/sshd_config.d/50-byhand.conf /etc/systemd/system/{init.scope,system.slice,user-.slice}.d/20-byhand.conf
cat /sys/fs/cgroup/{init.scope,system.slice}/cpuset.cpus.effective /proc/sys/net/ipv4/ip_local_reserved_ports /proc/sys/fs/protected_*
nft list table inet byhand
repquota -un /
repquota -Pn /
ss -Hltnue
for ((i = 0; i < $1; i++)); do
    uid=$((30000 + i))
    getent passwd "h$i"
    stat -c '%u:%g %a %n' "/home/h$i" "/opt/h$i" "/mnt/h$i" "/var/lib/systemd/linger/h$i" 2>/dev/null
    lsattr -dp "/home/h$i" "/opt/h$i" "/mnt/h$i"
    cat "/etc/systemd/system/user-$uid.slice.d/50-byhand.conf" "/etc/systemd/system/user@$uid.service.d/50-byhand.conf" "/etc/byhand/keys/h$i" 2>/dev/null
    cd "/sys/fs/cgroup/user.slice/user-$uid.slice" 2>/dev/null && cat cpuset.cpus.effective cpuset.mems.effective memory.max memory.high memory.swap.max pids.max
done
