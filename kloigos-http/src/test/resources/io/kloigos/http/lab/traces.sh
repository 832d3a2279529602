# Prints everything that can be found of a uid on this host, one line a find. Run as root: traces.sh USER UID
user=$1 uid=$2
ps -eo uid,ruid,pid,args | awk -v i="$uid" '$1 == i || $2 == i {print "process " $0}'
find / /dev /dev/shm /dev/mqueue /run /tmp /mnt /var -xdev \( -uid "$uid" -o -gid "$uid" \) \
  ! -path "/home/$user" ! -path "/home/$user/*" ! -path "/opt/c${user#u}" ! -path "/opt/c${user#u}/*" ! -path "/mnt/c${user#u}" \
  ! -path "/mnt/c${user#u}/*" 2> /dev/null | sort -u | head -20 | sed 's/^/file /'
find "/opt/c${user#u}" "/mnt/c${user#u}" -mindepth 1 2> /dev/null | head -5 | sed 's/^/file in directory /'
find "/home/$user" -mindepth 1 ! -name WELCOME.txt 2> /dev/null | while read -r f; do [ -e "/etc/skel/${f#"/home/$user/"}" ] || echo "file in home $f"; done | head -5
ipcs -m -s -q | awk -v u="$user" -v i="$uid" '$3 == u || $3 == i {print "ipc " $0}'
grep -E "(^| )$uid " /proc/keys | grep -v -E ": empty$|_uid(_ses)?\.$uid: empty" | sed 's/^/key /'
grep -E "user_id=$uid([, ]|$)| /home/$user/| /opt/c${user#u}/| /run/user/$uid" /proc/self/mountinfo | sed 's/^/mount /'
[ -e "/var/lib/systemd/linger/$user" ] && echo "linger"
[ -e "/var/spool/cron/crontabs/$user" ] && echo "crontab"
# logind itself forgets a user ten seconds after the last logout.
loginctl show-user "$uid" -p State -p Sessions 2> /dev/null | grep -v -e '^State=closing$' -e '^Sessions=$' | sed 's/^/logind user /'
[ -e "/sys/fs/cgroup/user.slice/user-$uid.slice" ] && echo "cgroup"
[ -e "/etc/kloigos/keys/$user" ] && echo "key file"
ss -Hltunpe | grep "uid:$uid " | sed 's/^/socket /'
exit 0
