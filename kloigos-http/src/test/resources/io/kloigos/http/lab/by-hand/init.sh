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

uids='' ranges='' own=''
for ((i = 0; i < units; i++)); do
    uid=$((30000 + i)) port=$((10000 + 100 * i)) cpu=$((first + i))
    uids+="$uid, " ranges+="$port-$((port + 99)), " own+="$uid . $port-$((port + 99)), "
    mkdir "/etc/systemd/system/user-$uid.slice.d" "/etc/systemd/system/user@$uid.service.d"
    cat >"/etc/systemd/system/user-$uid.slice.d/50-byhand.conf" <<TXT
[Slice]
AllowedCPUs=$cpu
AllowedMemoryNodes=$((2 * cpu / cpus))
MemoryMax=256M
MemoryHigh=240M
MemorySwapMax=0
TasksMax=1024
TXT
    printf '[Service]\nRestart=on-failure\nRestartSec=1\nTimeoutStopSec=5\n' >"/etc/systemd/system/user@$uid.service.d/50-byhand.conf"
done
cat >/etc/byhand/ports.nft <<TXT
table inet byhand {
  set uids { type uid; elements = { ${uids%, } } }
  set ranges { type inet_service; flags interval; elements = { ${ranges%, } } }
  set own { type uid . inet_service; flags interval; elements = { ${own%, } } }
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
}
TXT
cat >/etc/systemd/system/byhand-ports.service <<'TXT'
[Unit]
DefaultDependencies=no
Conflicts=shutdown.target
Before=network-pre.target shutdown.target
After=nftables.service local-fs.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f /etc/byhand/ports.nft
[Install]
WantedBy=sysinit.target
TXT
rest="0-$((first - 1))"
[ $((first + units)) = "$cpus" ] || rest+=",$((first + units))-$((cpus - 1))"
for unit in init.scope system.slice user-.slice; do
    mkdir "/etc/systemd/system/$unit.d"
    case $unit in *.scope) section=Scope ;; *) section=Slice ;; esac
    printf '[%s]\nAllowedCPUs=%s\n' "$section" "$rest" >"/etc/systemd/system/$unit.d/20-byhand.conf"
done
systemctl -q --no-reload enable byhand-ports.service
systemctl daemon-reload
cat >/etc/sysctl.d/60-byhand.conf <<TXT
net.ipv4.ip_local_reserved_ports = ${ranges%, }
fs.protected_hardlinks = 1
fs.protected_symlinks = 1
fs.protected_fifos = 2
fs.protected_regular = 2
TXT
sed -i 's/, /,/g' /etc/sysctl.d/60-byhand.conf
sysctl -q -p /etc/sysctl.d/60-byhand.conf
systemctl start byhand-ports.service
printf 'Match Group byhand\n\tAuthorizedKeysFile /etc/byhand/keys/%%u\n\tPasswordAuthentication no\nMatch all\n' >/etc/ssh/sshd_config.d/50-byhand.conf
sshd -t
systemctl reload ssh.service
setquota -t -P 2147483647 2147483647 /
for ((i = 0; i < units; i++)); do
    uid=$((30000 + i))
    setquota -u "$uid" 0 204800 0 10000 /
    setquota -P "$uid" 204800 204800 10000 0 /
    install -d -m 700 -o "$uid" -g "$uid" "/home/h$i" "/opt/h$i" "/mnt/h$i"
    chattr +P -p "$uid" "/home/h$i" "/opt/h$i" "/mnt/h$i"
    cp -rT /etc/skel "/home/h$i"
    echo 'Welcome.' >"/home/h$i/WELCOME.txt"
    chown -hR "$uid:$uid" "/home/h$i"
done
systemctl set-property --runtime init.scope "AllowedCPUs=$rest"
systemctl set-property --runtime system.slice "AllowedCPUs=$rest"
until [ "$(cat /sys/fs/cgroup/system.slice/cpuset.cpus.effective)" = "$rest" ]; do sleep 0.05; done
