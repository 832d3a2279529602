# Makes a Debian 12 host one that its operator uses already: rules of their own, Docker with a container that serves 8080, and a
# volume group with /home and /opt on XFS, without quotas.
set -e
cat > /etc/nftables.conf <<'RULES'
#!/usr/sbin/nft -f
flush ruleset
table inet operator {
	set closed {
		type inet_service
		elements = { 7777 }
	}
	chain input {
		type filter hook input priority filter;
		tcp dport @closed counter reject with tcp reset
	}
}
RULES
systemctl reload nftables
systemd-run -q --unit closed socat -U TCP-LISTEN:7777,fork,reuseaddr EXEC:hostname
systemctl start --no-block docker

truncate -s 4G /var/lib/operator.img
vgcreate -qq -y vg-data "$(losetup --find --show /var/lib/operator.img)"
for name in home opt; do
  lvcreate -qq -y -L 320M -n $name vg-data
  mkfs.xfs -q /dev/vg-data/$name
  mount /dev/vg-data/$name /mnt
  cp -aT /$name /mnt
  umount /mnt
  mount /dev/vg-data/$name /$name
done

systemctl start docker
tree=$(mktemp -d)
echo hello > "$tree/greeting"
for file in /usr/bin/socat $(ldd /usr/bin/socat | grep -o '/[^ ]*'); do
  cp -L --parents "$file" "$tree"
done
tar -C "$tree" -c . | docker import - greeter
# The host has no apparmor_parser, which Docker's own profile needs.
docker run -d --name greeter -p 8080:80 --security-opt apparmor=unconfined greeter \
  /usr/bin/socat -U TCP-LISTEN:80,fork,reuseaddr OPEN:/greeting,rdonly
