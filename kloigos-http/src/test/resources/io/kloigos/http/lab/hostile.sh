# A tenant who does not want to leave. Run as the unit's user; everything goes on in the background.
set -u
unit=$1
cd ~ || exit 1
python3 - <<'P'
import ctypes, os, signal
libc = ctypes.CDLL(None, use_errno=True)
IPC_CREAT = 0o1000
assert libc.shmget(0x4b4c, 4096, IPC_CREAT | 0o666) >= 0
assert libc.semget(0x4b4c, 2, IPC_CREAT | 0o666) >= 0
assert libc.msgget(0x4b4c, IPC_CREAT | 0o666) >= 0
rt = ctypes.CDLL("librt.so.1", use_errno=True)
assert rt.mq_open(b"/kloigos-test", os.O_CREAT | os.O_RDWR, 0o666, None) >= 0
# Daemons by double fork that ignore every signal that can be ignored.
for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        if os.fork() != 0:
            os._exit(0)
        for number in range(1, 32):
            if number not in (signal.SIGKILL, signal.SIGSTOP):
                try:
                    signal.signal(number, signal.SIG_IGN)
                except OSError:
                    pass
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        while True:
            signal.pause()
    os.wait()
P
keyctl add user evil secret @u > /dev/null
keyctl add user evil secret "$(keyctl get_persistent @s)" > /dev/null
mkdir -p ~/.config/systemd/user
printf '[Service]\nExecStart=/bin/sh -c "while :; do sleep 5; done"\nRestart=always\nRestartSec=0\nKillMode=none\nTimeoutStopSec=infinity\n' > ~/.config/systemd/user/stay.service
printf '[Timer]\nOnCalendar=*:*:0/20\n[Install]\nWantedBy=timers.target\n' > ~/.config/systemd/user/wake.timer
printf '[Service]\nExecStart=/bin/touch /tmp/woken\n' > ~/.config/systemd/user/wake.service
systemctl --user daemon-reload
systemctl --user start stay.service wake.timer
echo '* * * * * touch /tmp/cronned' | crontab -
echo 'touch /tmp/atted' | at now + 1 minute 2> /dev/null
mkdir -p "/mnt/$unit/many" && (cd "/mnt/$unit/many" && seq 1 20000 | xargs touch)
python3 - <<'P'
import os
os.chdir(os.path.expanduser("~"))
for _ in range(3000):
    os.mkdir("d")
    os.chdir("d")
P
mkdir -p "/opt/$unit/sealed" && touch "/opt/$unit/sealed/file" && chmod 000 "/opt/$unit/sealed"
ln -s /etc "/opt/$unit/etc" && ln -s /etc/passwd ~/passwd
# Hard links to what is its own, out of its directories, by which it would live on; the kernel refuses those to files of others.
echo kept > ~/twin && ln ~/twin /var/tmp/twin && ln ~/twin "/opt/$unit/twin" && ln ~/twin /tmp/twin-of-home
for file in /etc/passwd /usr/bin/passwd /etc/kloigos/ports.nft; do
    if ln "$file" "/opt/$unit/stolen-${file##*/}" 2> /dev/null; then exit 1; fi
done
touch /tmp/left /var/tmp/left /dev/shm/left && mkdir -p "/tmp/deep/er" && touch "/tmp/deep/er/file"
chattr -p 0 ~ "/opt/$unit" "/mnt/$unit" 2> /dev/null
if [ -e /dev/fuse ] && command -v fusermount3 > /dev/null; then
  mkdir -p ~/fuse
  python3 - > /dev/null 2>&1 <<'P' &
import os, socket, subprocess
a, b = socket.socketpair()
os.set_inheritable(a.fileno(), True)
environment = dict(os.environ, _FUSE_COMMFD=str(a.fileno()))
subprocess.run(["fusermount3", "-o", "default_permissions", "--", os.path.expanduser("~/fuse")], env=environment, close_fds=False)
_, ancillary, _, _ = b.recvmsg(16, socket.CMSG_SPACE(4))
import time
time.sleep(3600)
P
fi
# Last, the bomb: as many processes as the unit may have, each of which forks again as soon as one dies.
cat > ~/bomb.py <<'P'
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True:
    try:
        os.fork()
    except OSError:
        time.sleep(2)
P
# Nothing may be forked any more, so the shell itself waits.
cgroup=/sys/fs/cgroup/user.slice/user-$(id -u).slice
read -r most < "$cgroup/pids.max"
setsid python3 ~/bomb.py > /dev/null 2>&1 < /dev/null &
until [ "${now:-0}" -ge "$most" ]; do read -r now < "$cgroup/pids.current"; done
echo planted
