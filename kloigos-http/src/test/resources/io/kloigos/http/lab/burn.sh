# Burns what a unit has until it is killed: burn.sh cpu|memory|forks|disk|network|everything
# As the unit's user. Prints "burning" and goes on in the background.
set -eu
burn_cpu() { for _ in $(seq "$(nproc)"); do sh -c 'while :; do :; done' & done; }
burn_memory() { for _ in $(seq "$(nproc)"); do python3 -c '
block = bytearray(64 << 20)
while True:
    block[:] = bytes(len(block))' & done; }
burn_forks() { sh -c 'while :; do /bin/true; done' & sh -c 'while :; do (:) & wait; done' & }
burn_disk() { sh -c 'while :; do dd if=/dev/zero of=burnt bs=1M count=64 conv=fsync status=none; rm burnt; done' & }
burn_network() { python3 -c '
import socket
receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
receiver.bind(("127.0.0.1", 0))
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    try:
        sender.sendto(bytes(8192), receiver.getsockname())
    except OSError:
        pass' & }
burn_everything() { burn_cpu; burn_memory; burn_forks; burn_disk; burn_network; }
cd
exec >/dev/null 2>&1 </dev/null
"burn_$1"
