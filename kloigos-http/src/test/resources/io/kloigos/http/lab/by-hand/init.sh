# What an administrator would write to cut a host into units of one CPU: init.sh FIRST_CPU UNITS
# The same result as a plan of Kloigos, without steps, checks of what was there, or answers.
set -eu
first=$1 units=$2
cpus=$(nproc --all)
mkdir -p /etc/byhand/keys /var/lib/systemd/linger
{
    echo 'g byhand -'
    for ((i = 0; i < units; i++)); do
        echo "u h$i $((30000 + i)) \"unit\" /home/h$i /bin/bash"
        echo "m h$i byhand"
    done
} >/etc/byhand/sysusers.conf
systemd-sysusers /etc/byhand/sysusers.conf

uids='' ranges='' own='' limits='' projects='' directories=()
for ((i = 0; i < units; i++)); do
    uid=$((30000 + i)) port=$((10000 + 100 * i))
    uids+="$uid," ranges+="$port-$((port + 99))," own+="$uid . $port-$((port + 99)),"
    limits+="$uid 0 204800 0 10000"$'\n' projects+="$uid 204800 0 10000 0"$'\n'
    directories+=("/etc/systemd/system/user-$uid.slice.d" "/etc/systemd/system/user@$uid.service.d")
done
mkdir "${directories[@]}" /etc/systemd/system/{init.scope,system.slice,user-.slice}.d
for ((i = 0; i < units; i++)); do
    uid=$((30000 + i)) cpu=$((first + i))
    # Settings of drop-ins are added up, so what user-.slice has is emptied first.
    printf '%s\n' '[Slice]' AllowedCPUs= "AllowedCPUs=$cpu" "AllowedMemoryNodes=$((2 * cpu / cpus))" MemoryMax=256M MemoryHigh=240M MemorySwapMax=0 \
        TasksMax=1024 >"/etc/systemd/system/user-$uid.slice.d/50-byhand.conf"
    printf '[Service]\nRestart=on-failure\nRestartSec=1\nTimeoutStopSec=5\n' >"/etc/systemd/system/user@$uid.service.d/50-byhand.conf"
done
printf '%s\n' "table inet byhand {
  set uids { type uid; elements = { ${uids%,} } }
  set ranges { type inet_service; flags interval; elements = { ${ranges%,} } }
  set own { type uid . inet_service; flags interval; elements = { ${own%,} } }
  chain output {
    type filter hook output priority filter; policy accept;
    meta l4proto tcp tcp flags & syn == 0 accept
    meta l4proto != { tcp, udp } goto neither
    meta skuid . th sport @own accept
    th sport @ranges counter drop
    meta l4proto tcp tcp flags & ack == ack meta skuid @uids counter drop
    meta l4proto udp ct direction reply meta skuid @uids counter drop
  }
  chain neither {
    meta l4proto { icmp, icmpv6 } accept
    meta skuid @uids counter drop
  }
}" >/etc/byhand/ports.nft
printf '%s\n' '[Unit]
DefaultDependencies=no
Conflicts=shutdown.target
Before=network-pre.target shutdown.target
After=nftables.service local-fs.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f /etc/byhand/ports.nft
[Install]
WantedBy=sysinit.target' >/etc/systemd/system/byhand-ports.service
rest="0-$((first - 1))"
[ $((first + units)) = "$cpus" ] || rest+=",$((first + units))-$((cpus - 1))"
for unit in init.scope system.slice user-.slice; do
    case $unit in *.scope) section=Scope ;; *) section=Slice ;; esac
    printf '[%s]\nAllowedCPUs=%s\n' "$section" "$rest" >"/etc/systemd/system/$unit.d/20-byhand.conf"
done
systemctl -q --no-reload enable byhand-ports.service
systemctl daemon-reload
printf '%s\n' "net.ipv4.ip_local_reserved_ports = ${ranges%,}" 'fs.protected_hardlinks = 1' 'fs.protected_symlinks = 1' \
    'fs.protected_fifos = 2' 'fs.protected_regular = 2' >/etc/sysctl.d/60-byhand.conf
sysctl -q -p /etc/sysctl.d/60-byhand.conf
systemctl start byhand-ports.service
printf 'Match Group byhand\n\tAuthorizedKeysFile /etc/byhand/keys/%%u\n\tPasswordAuthentication no\nMatch all\n' >/etc/ssh/sshd_config.d/50-byhand.conf
systemctl reload ssh.service
setquota -t -P 2147483647 2147483647 /
setquota -u -b / <<<"$limits"
setquota -P -b / <<<"$projects"
for ((i = 0; i < units; i++)); do
    uid=$((30000 + i))
    install -d -m 700 -o "$uid" -g "$uid" "/home/h$i" "/opt/h$i" "/mnt/h$i"
    chattr +P -p "$uid" "/home/h$i" "/opt/h$i" "/mnt/h$i"
    cp -rT /etc/skel "/home/h$i"
    echo 'Welcome.' >"/home/h$i/WELCOME.txt"
    chown -hR "$uid:$uid" "/home/h$i"
done
systemctl set-property --runtime init.scope "AllowedCPUs=$rest"
systemctl set-property --runtime system.slice "AllowedCPUs=$rest"
until read -r now </sys/fs/cgroup/system.slice/cpuset.cpus.effective && [ "$now" = "$rest" ]; do sleep 0.05; done
mask=$(printf '%x' $(((1 << cpus) - 1 - (((1 << units) - 1) << first))))
printf 'w /sys/devices/virtual/workqueue/cpumask - - - - %s\n' "$mask" >/etc/tmpfiles.d/byhand.conf
echo "$mask" >/sys/devices/virtual/workqueue/cpumask
