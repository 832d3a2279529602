# Leaves one trace of every kind. Run as root while the tenant's manager runs: leave.sh USER UID
set -eu
user=$1 uid=$2
as_tenant() { setpriv --reuid "$uid" --regid "$uid" --init-groups "$@"; }
echo '* * * * * true' | crontab -u "$user" -
as_tenant sh -c 'touch /var/tmp/left; install -d /tmp/left; echo true >/dev/shm/left'
as_tenant sh -c 'ipcmk -M 4096; ipcmk -S 1; ipcmk -Q; keyctl add user left secret @u; keyctl session - sh -c "keyctl add user left secret \$(keyctl get_persistent @s)"' >/dev/null
install -o "$uid" -g "$uid" /dev/null /var/spool/cron/atjobs/a00001left
install -d -o "$uid" "/home/$user/mounted"
mount -t tmpfs left "/home/$user/mounted"
echo left >"/var/mail/$user"
# Named core.COMMAND.UID.BOOT.PID.TIME; of the second only the process has the number.
boot=$(tr -d - </proc/sys/kernel/random/boot_id)
touch "/var/lib/systemd/coredump/core.left\\x2epy.$uid.$boot.4711.1700000000000000.zst"
touch "/var/lib/systemd/coredump/core.of-others.0.$boot.$uid.1700000000000000.zst"
install -d /run/sudo/ts && touch "/run/sudo/ts/$user"
as_tenant logger tenant-was-here && journalctl --sync
# Time stamps of logins, as Debian 12 and 13 keep them.
if command -v lastlog >/dev/null; then lastlog -S -u "$user"; else lastlog2 -S -u "$user"; fi
# Sockets that a process of somebody else's holds until SIGUSR1.
install -d -m 700 /run/holder
cat >/run/holder/holder.py <<'P'
import os, signal, socket, sys, time
uid = int(sys.argv[1])
os.setegid(uid)
os.seteuid(uid)
stream = socket.socket()
stream.bind(("0.0.0.0", 2050))
stream.listen()
datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagram.bind(("0.0.0.0", 2051))
os.seteuid(0)
os.setegid(0)
def close(*_):
    stream.close()
    datagram.close()
    print("closed", flush=True)
signal.signal(signal.SIGUSR1, close)
print("ready", flush=True)
while True:
    time.sleep(600)
P
setsid python3 /run/holder/holder.py "$uid" </dev/null >/run/holder/out 2>&1 &
echo $! >/run/holder/pid
timeout 20 sh -c "until grep -q ready /run/holder/out; do sleep 0.1; done"
echo left
