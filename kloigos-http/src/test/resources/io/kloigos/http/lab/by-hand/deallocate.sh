# Takes back a unit that allocate.sh handed out, and makes it ready for the next: deallocate.sh NUMBER
# Erases what a tenant can leave, once each; looks for nothing afterwards.
set -eu
user=h$1 uid=$((30000 + $1))
rm -f "/etc/byhand/keys/$user" "/var/lib/systemd/linger/$user" "/var/spool/cron/crontabs/$user" "/var/mail/$user"
usermod -e 1 "$user"
find /var/spool/cron/atjobs -user "$uid" -delete 2>/dev/null || true
slice=/sys/fs/cgroup/user.slice/user-$uid.slice
systemctl stop --no-block "user-$uid.slice" "user@$uid.service"
while [ -d "$slice" ] || pgrep -u "$uid" >/dev/null || pgrep -U "$uid" >/dev/null; do
    { echo 1 >"$slice/cgroup.kill"; } 2>/dev/null || true
    pkill -KILL -u "$uid" || true
    pkill -KILL -U "$uid" || true
    sleep 0.05
done
while [ -e "/run/user/$uid" ]; do
    systemctl stop "user-runtime-dir@$uid.service" || true
    sleep 0.05
done
systemctl reset-failed "user@$uid.service" 2>/dev/null || true
awk -v uid="$uid" -v user="$user" \
    '$0 ~ "user_id=" uid "[, ]" || $5 ~ "^/(home|opt|mnt)/" user "/" { print $5 }' /proc/self/mountinfo \
    | tac | while read -r mount; do umount -l "$(printf %b "$mount")"; done
if grep -q "^ *$uid:" /proc/key-users; then
    setpriv --reuid "$uid" --regid "$uid" --clear-groups keyctl session - sh -c \
        'keyctl clear @us; keyctl clear @u; keyctl clear "$(keyctl get_persistent @s)"' >/dev/null 2>&1 || true
fi
for kind in m q s; do
    ipcs "-$kind" | awk -v user="$user" '$3 == user { print $2 }' | while read -r id; do ipcrm "-$kind" "$id"; done
done
ss -K -Hntuwae 2>/dev/null "uid = $uid" >/dev/null || true
rm -f /var/log/journal/*/user-"$uid"* /var/lib/systemd/coredump/core.*."$uid".*
lastlog -C -u "$user" 2>/dev/null || true
rm -rf --one-file-system "/home/$user" "/opt/$user" "/mnt/$user" "/run/sudo/ts/$user" "/var/lib/sudo/lectured/$user"
find /tmp /var/tmp /dev/shm /dev/mqueue /run /var/spool /var/mail -xdev '(' -user "$uid" -o -group "$uid" ')' -delete 2>/dev/null || true
install -d -m 700 -o "$uid" -g "$uid" "/home/$user" "/opt/$user" "/mnt/$user"
chattr +P -p "$uid" "/home/$user" "/opt/$user" "/mnt/$user"
cp -rT /etc/skel "/home/$user"
echo 'Welcome.' >"/home/$user/WELCOME.txt"
chown -hR "$uid:$uid" "/home/$user"
usermod -e '' "$user"
