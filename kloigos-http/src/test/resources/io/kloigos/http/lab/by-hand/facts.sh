# What an administrator would look at before taking a host over: facts.sh
set -u
cat /etc/os-release /proc/sys/kernel/osrelease /etc/machine-id
nproc --all
systemctl --version
nft --version
command -v setquota keyctl ss at crontab lastlog
lscpu -p=CPU,CORE,SOCKET,NODE,CACHE
cat /sys/devices/system/node/node*/meminfo /sys/devices/system/cpu/cpu*/cache/index*/shared_cpu_list | grep -c .
findmnt -rno TARGET,SOURCE,FSTYPE,OPTIONS,SIZE,AVAIL
lsblk -rbno NAME,SIZE,TYPE,MOUNTPOINT,FSTYPE
grep . /sys/fs/cgroup/cgroup.controllers /sys/fs/cgroup/cgroup.subtree_control
ss -Hltnu
getent passwd
systemctl list-unit-files -q --state=enabled nftables.service firewalld.service docker.service
sshd -T -C user=root,host=localhost,addr=127.0.0.1 | grep -i authorizedkeys
cat /sys/devices/virtual/workqueue/cpumask
sysctl net.ipv4.ip_local_port_range net.ipv4.ip_local_reserved_ports
ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub
