# Hands out a unit that init.sh made: allocate.sh NUMBER CPU KEY...
set -eu
number=$1 cpu=$2
shift 2
slice=/sys/fs/cgroup/user.slice/user-$((30000 + number)).slice
: >"/var/lib/systemd/linger/h$number"
systemctl start --no-block "user@$((30000 + number)).service"
until read -r now 2>/dev/null <"$slice/cpuset.cpus.effective" && [ "$now" = "$cpu" ]; do sleep 0.02; done
cd "$slice"
for limit in memory.max=268435456 memory.high=251658240 memory.swap.max=0 pids.max=1024; do
    read -r now <"${limit%=*}"
    [ "$now" = "${limit#*=}" ]
done
echo "$*" >"/etc/byhand/keys/h$number"
