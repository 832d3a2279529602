# Whether what init.sh made is still so: verify.sh UNITS. Prints what there is of each unit, for a look at differences.
set -u
cat /etc/byhand/sysusers.conf /etc/byhand/ports.nft /etc/systemd/system/byhand-ports.service /etc/sysctl.d/60-byhand.conf /etc/tmpfiles.d/byhand.conf
cat /etc/ssh/sshd_config.d/50-byhand.conf /etc/systemd/system/{init.scope,system.slice,user-.slice}.d/20-byhand.conf
cat /sys/fs/cgroup/{init.scope,system.slice}/cpuset.cpus.effective /sys/devices/virtual/workqueue/cpumask /proc/sys/net/ipv4/ip_local_reserved_ports /proc/sys/fs/protected_*
cat /sys/devices/system/cpu/online /sys/devices/system/cpu/cpu*/topology/thread_siblings_list /sys/devices/system/node/node*/cpulist /proc/self/mountinfo
nft list table inet byhand
# As this host's own nft makes them of the file.
unshare --net sh -c 'nft -f /etc/byhand/ports.nft && nft list table inet byhand'
repquota -un /
repquota -Pn /
ss -Hltnue
sshd -T -C user=h0,host=localhost,addr=127.0.0.1
grep -h pam_systemd /etc/pam.d/cron /etc/pam.d/atd
users=() directories=() files=() limits=() units=()
for ((i = 0; i < $1; i++)); do
    uid=$((30000 + i)) users+=("h$i") units+=("user-$uid.slice" "user@$uid.service")
    directories+=("/home/h$i" "/opt/h$i" "/mnt/h$i")
    files+=("/etc/systemd/system/user-$uid.slice.d/50-byhand.conf" "/etc/systemd/system/user@$uid.service.d/50-byhand.conf" "/etc/byhand/keys/h$i")
    limits+=("/sys/fs/cgroup/user.slice/user-$uid.slice/"{cpuset.cpus.effective,cpuset.mems.effective,memory.max,memory.high,memory.swap.max,pids.max})
done
systemctl show -p Id -p NeedDaemonReload -p DropInPaths -p ActiveState "${units[@]}"
getent passwd "${users[@]}"
stat -c '%u:%g %a %n' "${directories[@]}" "${users[@]/#//var/lib/systemd/linger/}"
lsattr -dp "${directories[@]}"
cat "${files[@]}" "${limits[@]}" 2>/dev/null
true
