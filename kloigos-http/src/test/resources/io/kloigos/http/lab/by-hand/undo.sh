# Takes away what init.sh made, of units that are not handed out: undo.sh UNITS
set -u
units=$1
systemctl disable -q --now byhand-ports.service
nft delete table inet byhand
for ((i = 0; i < units; i++)); do
    uid=$((30000 + i))
    rm -rf --one-file-system "/home/h$i" "/opt/h$i" "/mnt/h$i" "/etc/systemd/system/user-$uid.slice.d" "/etc/systemd/system/user@$uid.service.d"
    setquota -u "$uid" 0 0 0 0 /
    setquota -P "$uid" 0 0 0 0 /
    userdel "h$i"
done
groupdel byhand
for unit in init.scope system.slice user-.slice; do
    rm "/etc/systemd/system/$unit.d/20-byhand.conf"
    rmdir "/etc/systemd/system/$unit.d"
done
rm -rf /etc/byhand /etc/sysctl.d/60-byhand.conf /etc/tmpfiles.d/byhand.conf /etc/systemd/system/byhand-ports.service /etc/ssh/sshd_config.d/50-byhand.conf
sysctl -q net.ipv4.ip_local_reserved_ports=
printf '%x\n' $(((1 << $(nproc --all)) - 1)) >/sys/devices/virtual/workqueue/cpumask
systemctl reload ssh.service
systemctl set-property --runtime init.scope "AllowedCPUs=0-$(($(nproc --all) - 1))"
systemctl set-property --runtime system.slice "AllowedCPUs=0-$(($(nproc --all) - 1))"
rm -rf /run/systemd/system.control/init.scope.d /run/systemd/system.control/system.slice.d
systemctl daemon-reload
