# shellcheck shell=sh
# What a tenant leaves: how it is found and erased. Sent after apply.sh, if the plan needs it.

# What apply.sh defines.
line_break=${line_break:-} tab=${tab:-} scratch=${scratch:-} now=${now:-} found='' trace_list=''

# What one look found of kinds that are read later, after the word "seen", so that nothing is looked at twice.
seen_sockets='' seen_persistent='' seen_files='' seen_usage=''

# Makes a place for what searches print, where no plan has one.
make_scratch() {
    scratch_directory=$(mktemp -d /run/kloigos-reading.XXXXXX) || return
    scratch=$scratch_directory/reading
    trap 'rm -rf -- "$scratch_directory"' EXIT
    trap 'exit 143' HUP INT PIPE TERM
}

# traces KIND USER UID DIRECTORY...
traces() {
    trace_list=
    traces_kind=$1
    shift
    "traces_$traces_kind" "$@"
    found=${trace_list:-none}
}

# Says that the host cannot tell; always fails.
unknown() {
    trace_list="unknown: $1"
    return 1
}

# Adds to the first few.
trace() {
    case $trace_list in
        *' '*' '*' '*' '*) ;;
        *) trace_list="${trace_list:+$trace_list }$1" ;;
    esac
}

trace_lines() {
    trace_rest=$1
    while [ -n "$trace_rest" ]; do
        trace "${trace_rest%%"$line_break"*}"
        case $trace_rest in
            *"$line_break"*) trace_rest=${trace_rest#*"$line_break"} ;;
            *) return 0 ;;
        esac
    done
}

# erasure KIND USER UID DIRECTORY...
erasure() {
    case $2:$3 in
        :* | */* | *:*[!0-9]* | *: | *:? | *:?? | *:???) fail "\"$2\" with uid \"$3\" is no tenant" || return ;;
    esac
    erasure_kind=$1
    seen_sockets='' seen_files='' seen_usage=''
    shift
    "erase_$erasure_kind" "$@" || return
}

# erase_paths: removes the lines of found, which are files that root may remove
erase_paths() {
    while [ -n "$found" ]; do
        outcome=changed
        attempt rm -rf --one-file-system -- "${found%%"$line_break"*}" || return
        found=${found#*"$line_break"}
    done
}

# existing PATH...: those that exist, a line each, in found
existing() {
    found=
    for existing_path; do
        ! exists "$existing_path" || found=$found$existing_path$line_break
    done
}

# ---- what would start again ----

find_crontabs() {
    found=
    for job in "/var/spool/cron/crontabs/$1" "/var/spool/cron/$1"; do
        if [ -L "$job" ] || [ -f "$job" ]; then
            found=$found$job$line_break
        fi
    done
}

traces_crontabs() {
    find_crontabs "$1"
    trace_lines "$found"
}

erase_crontabs() {
    find_crontabs "$1"
    erase_paths
}

find_at_jobs() {
    found=
    for job in /var/spool/cron/atjobs /var/spool/cron/atspool /var/spool/at; do
        if [ -d "$job" ] && ! empty_directory "$job"; then
            found=$found$(find "$job" -xdev -mindepth 1 -user "$2" 2>/dev/null)
        fi
    done
}

traces_at_jobs() {
    find_at_jobs "$@"
    trace_lines "$found"
}

erase_at_jobs() {
    find_at_jobs "$@"
    [ -n "$found" ] || return 0
    outcome=changed
    for job in /var/spool/cron/atjobs /var/spool/cron/atspool /var/spool/at; do
        [ ! -d "$job" ] || attempt find "$job" -xdev -mindepth 1 -user "$2" -delete || return
    done
    find_at_jobs "$@"
    [ -z "$found" ] || fail "jobs are still there: $found"
}

# ---- processes ----

# look_at_proc UID: what belongs to the user, as FILE:LINE, in found; of sockets all but those that only wait for their end
look_at_proc() {
    proc_lines="^[UG]id:[[:space:]]+([0-9]+[[:space:]]+){0,3}$1([[:space:]]|\$)
^ *[0-9]+: [0-9A-F]+:[0-9A-F]{4} [0-9A-F]+:[0-9A-F]{4} (01|02|03|07|08|0A) [^ ]+ [^ ]+ [^ ]+ +$1 "
    set -- /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6 /proc/net/udplite /proc/net/udplite6 \
        /proc/net/raw /proc/net/raw6
    found=$(grep -sHE -e "$proc_lines" /proc/[0-9]*/task/[0-9]*/status "$@" 2>/dev/null)
    # Threads end meanwhile, which is an error of 2 to grep. Beyond that, there are more of them than a command takes words.
    [ $? -gt 2 ] || return 0
    found=$(printf '%s\n' /proc/[0-9]*/task/[0-9]*/status "$@" | xargs grep -sHE -e "$proc_lines" 2>/dev/null)
    case $? in
        0 | 123) ;;
        *) return 1 ;;
    esac
}

# Ids and names of processes of which a thread has this user or group id, or can take it: real, effective, saved and of the
# file system. Each thread has its own (credentials(7)), and the first may have ended before the others. No zombies: those
# have nothing but an entry. In found; the ids alone in process_ids, the sockets in socket_lines.
find_processes() {
    process_ids='' socket_lines='' thread=''
    look_at_proc "$1" || return
    printf '%s\n' "$found" >"$scratch.out" || return
    found=
    while IFS= read -r process_line; do
        case $process_line in
            /proc/net/*)
                socket_lines=$socket_lines$process_line$line_break
                continue
                ;;
            '' | "$thread:"*) continue ;;
        esac
        thread=${process_line%%:*}
        process=${thread#/proc/}
        process=${process%%/*}
        case "$process_ids " in *" $process "*) continue ;; esac
        process_name='' process_state=''
        while IFS="$tab" read -r process_key process_value; do
            case $process_key in
                Name:) process_name=$process_value ;;
                State:)
                    process_state=$process_value
                    break
                    ;;
            esac
        done 2>/dev/null <"$thread"
        case $process_state in
            '' | Z* | X*) ;;
            *)
                found=$found$process:$process_name:${process_state%% *}$line_break
                process_ids="$process_ids $process"
                ;;
        esac
    done <"$scratch.out"
}

# The threads of processes whose first thread has ended, in hidden_threads: only they show what such a process has open.
find_hidden_threads() {
    hidden_threads=
    for hidden_process in /proc/[0-9]*; do
        set -- "$hidden_process"/task/[0-9]*
        [ $# -gt 1 ] || continue
        hidden_state=
        while IFS="$tab" read -r hidden_key hidden_state; do
            [ "$hidden_key" != State: ] || break
        done 2>/dev/null <"$hidden_process/status"
        case $hidden_state in Z*) hidden_threads="$hidden_threads $*" ;; esac
    done
}

# Whether nobody but root may have rings of io_uring: Documentation/admin-guide/sysctl/kernel.rst. Older kernels do not say.
has_no_rings() {
    { read -r ring_disabled </proc/sys/kernel/io_uring_disabled; } 2>/dev/null || return 1
    { read -r ring_group </proc/sys/kernel/io_uring_group; } 2>/dev/null || return 1
    [ "$ring_disabled" = 2 ] || { [ "$ring_disabled" = 1 ] && [ "$ring_group" = -1 ]; }
}

# Adds to found and process_ids the processes that have a ring with which the user registered its credentials
# (io_uring_register(2), IORING_REGISTER_PERSONALITY): whoever was handed such a ring may go on with them.
find_rings() {
    ! has_no_rings || return 0
    find_hidden_threads
    {
        find /proc/[0-9]*/fd -maxdepth 1 -lname 'anon_inode:?io_uring?'
        for hidden_thread in $hidden_threads; do
            find "$hidden_thread/fd" -maxdepth 1 -lname 'anon_inode:?io_uring?'
        done
    } >"$scratch.out" 2>/dev/null
    while IFS= read -r ring; do
        ring_process=${ring#/proc/}
        ring_process=${ring_process%%/*}
        case "$process_ids " in *" $ring_process "*) continue ;; esac
        if grep -sqE "^[[:space:]]*[UG]id:([[:space:]]+[0-9]+)*[[:space:]]+$1([[:space:]]|\$)" \
            "${ring%/fd/*}/fdinfo/${ring##*/}"; then
            found=$found$ring_process:io_uring$line_break
            process_ids="$process_ids $ring_process"
        fi
    done <"$scratch.out"
}

traces_processes() {
    if ! find_processes "$2"; then
        unknown '/proc cannot be searched'
        return
    fi
    seen_sockets=seen$socket_lines
    find_rings "$2"
    trace_lines "$found"
}

# lift_throttling CGROUP: a task that waits for throttled I/O ends only when that is done, and what it wrote is in the way of rm
lift_throttling() {
    throttled=
    while read -r throttled_device _; do
        throttled="$throttled $throttled_device"
    done <"$1/io.max"
    for throttled_device in $throttled; do
        printf '%s rbps=max wbps=max riops=max wiops=max' "$throttled_device" >"$1/io.max"
    done
}

erase_processes() {
    process_slice=/sys/fs/cgroup/user.slice/user-$2.slice process_round=0
    if [ -e "$process_slice/io.max" ]; then
        { lift_throttling "$process_slice"; } 2>/dev/null
    fi
    uptime_hundredths
    process_deadline=$((now + 1500))
    while :; do
        # All at once, so that nothing can fork away; then whatever left the slice.
        if [ -e "$process_slice/cgroup.kill" ]; then
            { printf 1 >"$process_slice/cgroup.kill"; } 2>/dev/null
        fi
        find_processes "$2" || fail '/proc cannot be searched' || return
        if [ -z "$found" ] && [ ! -d "$process_slice" ]; then
            find_rings "$2"
            [ -n "$found" ] || break
        fi
        # shellcheck disable=SC2086 # split on purpose
        [ -z "$process_ids" ] || kill -KILL $process_ids 2>/dev/null
        if [ -d "$process_slice" ] && [ $((process_round % 40)) = 0 ]; then
            # Or the user manager would be started again. Not waited for: how long it takes is up to the tenant's services,
            # unless they are killed meanwhile.
            quiet systemctl stop --no-block "user-$2.slice" "user@$2.service"
        fi
        outcome=changed
        process_round=$((process_round + 1))
        uptime_hundredths
        if [ "$now" -gt "$process_deadline" ]; then
            fail "not gone 15 s after SIGKILL: ${found:-the cgroup $process_slice}"
            return
        fi
        sleep 0.05
    done
}

find_cgroups() {
    existing "/sys/fs/cgroup/user.slice/user-$2.slice"
}

traces_cgroups() {
    find_cgroups "$@"
    trace_lines "$found"
}

erase_cgroups() {
    find_cgroups "$@"
    [ -z "$found" ] || erase_processes "$@"
}

# ---- sessions ----

# logind remembers a user for ten seconds after the last logout (UserStopDelaySec=, logind.conf(5)): that holds nothing.
is_logged_in() {
    [ -e "/run/systemd/users/$1" ] || return 1
    found=$(loginctl show-user "$1" -p State -p Sessions 2>/dev/null)
    case $found in
        '' | "Sessions=${line_break}State=closing" | "State=closing${line_break}Sessions=") return 1 ;;
    esac
}

traces_sessions() {
    ! is_logged_in "$2" || trace "/run/systemd/users/$2"
}

erase_sessions() {
    session_round=0 session_stopped=''
    uptime_hundredths
    session_deadline=$((now + 2000))
    while :; do
        trace_list=
        traces_runtime_directory "$@"
        traces_cgroups "$@"
        # Asking logind takes longest, so what is there already comes first.
        [ -n "$trace_list" ] || traces_sessions "$@"
        if [ -z "$trace_list" ]; then
            # A manager that was killed would be remembered as failed, once systemd has seen its end.
            [ -n "$session_stopped" ] || quiet timeout -k 1 15 systemctl stop "user@$2.service" "user-runtime-dir@$2.service"
            # So would be its directory that was busy, and is gone by now.
            quiet systemctl reset-failed "user@$2.service" "user-runtime-dir@$2.service"
            return 0
        fi
        outcome=changed
        session_round=$((session_round + 1))
        uptime_hundredths
        if [ "$now" -gt "$session_deadline" ]; then
            fail "systemd still knows the user: $trace_list"
            return
        fi
        case $session_round in
            1 | 20 | 40)
                session_stopped=
                quiet timeout -k 1 15 systemctl stop "user-$2.slice" "user@$2.service" "user-runtime-dir@$2.service" \
                    && session_stopped=yes
                ;;
            2 | 21 | 41) ! is_logged_in "$2" || quiet timeout -k 1 5 loginctl terminate-user "$2" ;;
            10 | 30 | 50) remove_runtime_directory "$2" ;;
            *) sleep 0.2 ;;
        esac
    done
}

traces_linger() {
    existing "/var/lib/systemd/linger/$1"
    trace_lines "$found"
}

erase_linger() {
    existing "/var/lib/systemd/linger/$1"
    erase_paths
}

traces_runtime_directory() {
    existing "/run/user/$2"
    trace_lines "$found"
}

remove_runtime_directory() {
    quiet umount -l -i -c -- "/run/user/$1"
    [ ! -d "/run/user/$1" ] || quiet rm -rf --one-file-system -- "/run/user/$1"
}

erase_runtime_directory() {
    exists "/run/user/$2" || return 0
    outcome=changed
    remove_runtime_directory "$2"
    ! exists "/run/user/$2" || fail "/run/user/$2 is still there"
}

# ---- kernel objects ----

# unescaped TEXT: without the kernel's escapes (proc_pid_mountinfo(5)), in found
unescaped() {
    found=$1
    case $1 in *\\*) ;; *) return 0 ;; esac
    # To printf, an octal number of a \ has up to three digits, of a \0 up to three more.
    unescaped_text='' unescaped_rest=$1
    while :; do
        case $unescaped_rest in *\\*) ;; *) break ;; esac
        unescaped_text=$unescaped_text${unescaped_rest%%\\*}'\0'
        unescaped_rest=${unescaped_rest#*\\}
    done
    found=$(printf '%b.' "$unescaped_text$unescaped_rest")
    found=${found%.}
}

# Mount points, the deepest first, each line as the kernel escapes it, in mounts.
find_mounts() {
    mounts='' mount_user=$1
    shift
    while read -r _ _ _ _ mount_point mount_rest; do
        case "$mount_rest," in
            *[' ,']user_id="$mount_user",*)
                mounts=$mount_point$line_break$mounts
                continue
                ;;
        esac
        unescaped "$mount_point"
        for mount_directory in "/run/user/$mount_user" "$@"; do
            case $found in
                "$mount_directory"/*)
                    mounts=$mount_point$line_break$mounts
                    break
                    ;;
            esac
        done
    done </proc/self/mountinfo
}

traces_mounts() {
    shift
    find_mounts "$@"
    trace_lines "$mounts"
}

erase_mounts() {
    shift
    mount_round=0
    while :; do
        find_mounts "$@"
        [ -n "$mounts" ] || return 0
        outcome=changed
        mount_round=$((mount_round + 1))
        if [ "$mount_round" -gt 20 ]; then
            fail "mounts cannot be taken away: $mounts"
            return
        fi
        mount_list=$mounts
        while [ -n "$mount_list" ]; do
            unescaped "${mount_list%%"$line_break"*}"
            mount_list=${mount_list#*"$line_break"}
            unmount "$found"
        done
    done
}

# By the name that the kernel gave, since looking at a dead FUSE mount would hang; and from the directory that has it, since
# others may turn the way there elsewhere meanwhile, where they may write. What is mounted cannot be renamed itself.
unmount() {
    mount_parent=${1%/*}
    (
        cd -P -- "${mount_parent:-/}" && [ "$PWD" = "${mount_parent:-/}" ] || exit
        exec umount -l -i -c -- "./${1##*/}"
    ) >"$scratch.out" 2>&1
}

# The kernel counts the keys of each user who ever had any.
has_keys() {
    while read -r keys_user _; do
        [ "$keys_user" != "$1:" ] || return 0
    done </proc/key-users
    return 1
}

# find_keys UID [clear]: "user:KEY" and "persistent:KEY", a line each, in found; fails if they cannot be seen. Where they are to
# be cleared, keyrings are invalidated too: they are gone at once, and whoever asks next for those of this user gets new ones.
find_keys() {
    found=
    has_keys "$1" || return 0
    # In an anonymous session keyring of root's, in which nothing is left: the user may have used up what it may have.
    # shellcheck disable=SC2016 # expanded by the other shell
    found=$(keyctl session - setpriv --reuid "$1" --regid "$1" --clear-groups sh -c '
        empty() { [ "$clear" != clear ] || for ring; do keyctl clear "$ring"; keyctl invalidate "$ring"; done; }
        clear=$1
        if [ -e /proc/sys/kernel/keys/persistent_keyring_expiry ]; then
            ring=$(keyctl get_persistent @s) && keys=$(keyctl rlist "$ring") || exit
            for key in $keys; do echo "persistent:$key"; done
            empty "$ring"
        fi
        ring=$(keyctl id @u) && keys=$(keyctl rlist @u) && more=$(keyctl rlist @us) || exit
        for key in $keys $more; do [ "$key" = "$ring" ] || echo "user:$key"; done
        empty @us @u
        echo end' \
        keys "${2:-}" 2>/dev/null)
    case $found in
        end) found= ;;
        *"${line_break}end") found=${found%"$line_break"end} ;;
        *) return 1 ;;
    esac
}

# trace_keys KIND UID: what is found of the kind
trace_keys() {
    seen_persistent=
    if has_keys "$2"; then
        command -v keyctl >/dev/null || unknown 'keyctl is not installed' || return
    fi
    find_keys "$2" || unknown "the keyrings of $2 cannot be read" || return
    case $found in *persistent:*) ;; *) seen_persistent=seen ;; esac
    keys_rest=$found
    [ -z "$found" ] || keys_rest=$found$line_break
    while [ -n "$keys_rest" ]; do
        case $keys_rest in "$1:"*) trace "${keys_rest%%"$line_break"*}" ;; esac
        keys_rest=${keys_rest#*"$line_break"}
    done
}

traces_user_keyring() {
    trace_keys user "$2"
}

traces_persistent_keyring() {
    [ "$seen_persistent" = seen ] || trace_keys persistent "$2"
    seen_persistent=
}

# erase_keys KIND UID
erase_keys() {
    has_keys "$2" || return 0
    command -v keyctl >/dev/null || fail 'keyctl is not installed: install the package keyutils' || return
    trace_list=
    trace_keys "$1" "$2"
    [ -n "$trace_list" ] || return 0
    outcome=changed
    find_keys "$2" clear
    trace_list=
    trace_keys "$1" "$2"
    [ -z "$trace_list" ] || fail "keys are still there: $trace_list"
}

erase_user_keyring() {
    erase_keys user "$2"
}

erase_persistent_keyring() {
    [ "$seen_persistent" != seen ] || return 0
    erase_keys persistent "$2"
}

# find_ipc shm|msg|sem UID: ids, in found
find_ipc() {
    found=
    [ -e "/proc/sysvipc/$1" ] || return 0
    while read -r _ ipc_id _ _ ipc_4 ipc_5 ipc_6 ipc_7 ipc_8 ipc_9 _; do
        # semaphores: uid gid cuid cgid stand from the fifth column, else from the eighth
        case $1 in
            sem) ipc_owners=" $ipc_4 $ipc_5 $ipc_6 $ipc_7 " ;;
            *) ipc_owners=" $ipc_7 $ipc_8 $ipc_9 " ;;
        esac
        case $ipc_owners in *" $2 "*) found="$found $ipc_id" ;; esac
    done <"/proc/sysvipc/$1"
}

# trace_ipc shm|msg|sem UID
trace_ipc() {
    find_ipc "$1" "$2"
    for ipc_id in $found; do
        trace "$1:$ipc_id"
    done
}

# erase_ipc shm|msg|sem OPTION UID
erase_ipc() {
    find_ipc "$1" "$3"
    [ -n "$found" ] || return 0
    outcome=changed
    ipc_option=$2 ipc_user=$3 ipc_kind=$1
    set --
    for ipc_id in $found; do
        set -- "$@" "$ipc_option" "$ipc_id"
    done
    quiet ipcrm "$@"
    find_ipc "$ipc_kind" "$ipc_user"
    [ -z "$found" ] || fail "ipcrm could not remove:$found"
}

traces_shared_memory() { trace_ipc shm "$2"; }
traces_semaphores() { trace_ipc sem "$2"; }
traces_message_queues() { trace_ipc msg "$2"; }
erase_shared_memory() { erase_ipc shm -m "$2"; }
erase_semaphores() { erase_ipc sem -s "$2"; }
erase_message_queues() { erase_ipc msg -q "$2"; }

# Of what a search of the memory finds, the rest is for the reading that follows.
traces_posix_ipc() {
    find_file_systems
    in_shared_places "$1" "$2" -print >"$scratch.out" 2>/dev/null
    read_scratch
    seen_files=seen posix_rest=$found
    while [ -n "$posix_rest" ]; do
        posix_file=${posix_rest%%"$line_break"*}
        posix_rest=${posix_rest#*"$line_break"}
        case $posix_file in
            /dev/shm/* | /dev/mqueue/*) trace "$posix_file" ;;
            *) seen_files=$seen_files$posix_file$line_break ;;
        esac
    done
}

erase_posix_ipc() {
    find /dev/shm /dev/mqueue -xdev '(' -user "$2" -o -group "$2" ')' -prune -print \
        -execdir rm -rf --one-file-system -- '{}' + >"$scratch.out" 2>/dev/null
    read_scratch
    [ -z "$found" ] || outcome=changed
}

# FILE:LINE as PROTOCOL:PORT, those of socket_lines
trace_sockets() {
    socket_rest=$socket_lines
    while [ -n "$socket_rest" ]; do
        socket_line=${socket_rest%%"$line_break"*}
        socket_rest=${socket_rest#*"$line_break"}
        socket_kind=${socket_line#/proc/net/}
        for socket_word in $socket_line; do
            # The first such word is the local address.
            case $socket_word in
                *:[0-9A-F][0-9A-F][0-9A-F][0-9A-F])
                    trace "${socket_kind%%:*}:$((0x${socket_word##*:}))"
                    break
                    ;;
            esac
        done
    done
}

traces_sockets() {
    case $seen_sockets in
        seen*) socket_lines=${seen_sockets#seen} ;;
        *) find_processes "$2" || unknown '/proc cannot be searched' || return ;;
    esac
    seen_sockets=
    trace_sockets
    trace_holders "$2" -type s
}

# trace_holders UID WHAT...: adds who has files of the user's open, or works in a directory of the user's, that are WHAT
trace_holders() {
    holder_user=$1
    shift
    find_hidden_threads
    {
        find -L /proc/[0-9]*/fd -mindepth 1 -maxdepth 1 -user "$holder_user" "$@"
        find -L /proc/[0-9]*/cwd -maxdepth 0 -user "$holder_user" "$@"
        for hidden_thread in $hidden_threads; do
            find -L "$hidden_thread/fd" -mindepth 1 -maxdepth 1 -user "$holder_user" "$@"
            find -L "$hidden_thread/cwd" -maxdepth 0 -user "$holder_user" "$@"
        done
    } >"$scratch.out" 2>/dev/null
    holder_before=
    while IFS= read -r holder; do
        holder=${holder#/proc/}
        holder=${holder%%/*}
        [ "$holder" != "$holder_before" ] || continue
        holder_before=$holder holder_name=
        { read -r holder_name <"/proc/$holder/comm"; } 2>/dev/null
        trace "open:$holder:$holder_name"
    done <"$scratch.out"
}

# Whoever holds them is no process of the user's, and goes on without its connections. What is only bound, and UDP, the kernel
# closes for nobody else.
erase_sockets() {
    socket_name=$1 socket_user=$2
    find_processes "$2" || fail '/proc cannot be searched' || return
    if [ -n "$socket_lines" ]; then
        close_sockets "$2" || return
    fi
    trace_list=
    traces_sockets "$socket_name" "$socket_user"
    [ -z "$trace_list" ] || fail "sockets are still open: $trace_list: end who has them"
}

# close_sockets UID
close_sockets() {
    outcome=changed
    ss -Hntuwae >"$scratch.in" 2>"$scratch.out" || blame $? ss || return
    while read -r socket_kind _ _ _ socket_local socket_peer socket_rest; do
        case " $socket_rest " in
            *" uid:$1 "*)
                case $socket_peer in
                    *:'*') quiet ss -K -Hna "--$socket_kind" src "$socket_local" ;;
                    *) quiet ss -K -Hna "--$socket_kind" src "$socket_local" dst "$socket_peer" ;;
                esac
                ;;
        esac
    done <"$scratch.in"
}

# ---- records ----

traces_mail() {
    existing "/var/mail/$1" "/var/spool/mail/$1"
    trace_lines "$found"
}

erase_mail() {
    existing "/var/mail/$1" "/var/spool/mail/$1"
    erase_paths
}

find_journal() {
    existing "/var/log/journal/"*"/user-$2.journal" "/var/log/journal/"*"/user-$2@"* \
        "/run/log/journal/"*"/user-$2.journal" "/run/log/journal/"*"/user-$2@"*
}

traces_journal() {
    find_journal "$@"
    trace_lines "$found"
}

erase_journal() {
    find_journal "$@"
    [ -n "$found" ] || return 0
    outcome=changed
    # What the tenant sent last may still be on its way. The journal itself goes on in a new file when one is gone.
    quiet timeout -k 1 10 journalctl --sync
    find_journal "$@"
    erase_paths
}

# Dumps are named core.COMMAND.UID.BOOT.PID.TIME, without further dots in the command: another's process may have the number as
# its id.
find_core_dumps() {
    found=
    for core_dump in /var/lib/systemd/coredump/core.*."$2".*; do
        core_rest=${core_dump#/var/lib/systemd/coredump/core.}
        case ${core_rest#*.} in
            "$2".*) ! exists "$core_dump" || found=$found$core_dump$line_break ;;
        esac
    done
}

traces_core_dumps() {
    find_core_dumps "$@"
    trace_lines "$found"
}

erase_core_dumps() {
    find_core_dumps "$@"
    erase_paths
}

# Tools whose records exist, in found.
find_login_tools() {
    found=
    [ ! -s /var/log/lastlog ] || found=lastlog
    [ ! -s /var/lib/lastlog/lastlog2.db ] || found="$found lastlog2"
}

traces_login_records() {
    find_login_tools
    for login_tool in $found; do
        command -v "$login_tool" >/dev/null || unknown "$login_tool is not installed" || return
        case $("$login_tool" -u "$1" 2>/dev/null) in
            *'Never logged in'*) ;;
            *"$line_break$1 "*) trace "$login_tool:$1" ;;
        esac
    done
}

erase_login_records() {
    trace_list=
    traces_login_records "$1"
    [ -n "$trace_list" ] || return 0
    case $trace_list in unknown:*) fail "$trace_list" || return ;; esac
    outcome=changed
    for login_record in $trace_list; do
        attempt "${login_record%%:*}" -C -u "$1" || return
    done
    trace_list=
    traces_login_records "$1"
    [ -z "$trace_list" ] || fail "records are still there: $trace_list"
}

traces_sudo_records() {
    existing "/run/sudo/ts/$1" "/var/lib/sudo/ts/$1" "/var/lib/sudo/lectured/$1" "/var/lib/sudo/lectured/$2"
    trace_lines "$found"
}

erase_sudo_records() {
    existing "/run/sudo/ts/$1" "/var/lib/sudo/ts/$1" "/var/lib/sudo/lectured/$1" "/var/lib/sudo/lectured/$2"
    erase_paths
}

# ---- files ----

# File systems in which a tenant may have files: in file_memory those in memory, in file_disks (DEVICE_NUMBER SOURCE MOUNT)
# those on disk, each once.
find_file_systems() {
    file_memory='' file_disks='' file_seen=' '
    while read -r _ _ file_number _ file_mount file_rest; do
        file_rest=${file_rest#*- }
        case ${file_rest%% *} in
            tmpfs | mqueue | hugetlbfs | ramfs)
                case $file_seen in *" $file_number "*) continue ;; esac
                case $file_mount in
                    *\\*) continue ;;
                esac
                file_memory="$file_memory $file_mount"
                ;;
            ext[234] | xfs | btrfs | f2fs | jfs | reiserfs | bcachefs | zfs)
                case $file_seen in *" $file_number "*) continue ;; esac
                file_source=${file_rest#* }
                file_disks="$file_disks$file_number ${file_source%% *} $file_mount$line_break"
                ;;
            *) continue ;;
        esac
        file_seen="$file_seen$file_number "
    done </proc/self/mountinfo
}
# What other kinds of traces are about, in file_known.
known_places() { # USER UID
    file_known="/var/spool/cron/crontabs/$1 /var/spool/cron/$1 /var/spool/cron/atjobs /var/spool/cron/atspool"
    file_known="$file_known /var/spool/at /var/mail/$1 /var/spool/mail/$1 /run/user/$2"
}

# in_shared_places USER UID ACTION...: looks where everybody may write, and in all memory file systems, for what is the user's
in_shared_places() {
    for file_place in /tmp /var/tmp /var/spool /var/mail /var/crash; do
        if [ -d "$file_place" ] && [ ! -L "$file_place" ]; then
            case "$file_memory " in
                *" $file_place "*) ;;
                *) file_memory="$file_memory $file_place" ;;
            esac
        fi
    done
    known_places "$1" "$2"
    file_user=$2
    shift 2
    set -- '(' -user "$file_user" -o -group "$file_user" ')' -prune "$@"
    for file_path in $file_known; do
        set -- -path "$file_path" -prune -o "$@"
    done
    # shellcheck disable=SC2086 # split on purpose
    find $file_memory -xdev "$@"
}

# Lines of find_file_systems on whose disks the tenant may have files outside DIRECTORY...: where the quota counts more inodes
# than there are in the directories (each once, however many mounts show it), and where no quota counts. Linked files in the directories are not subtracted: the
# tenant could otherwise hide a file behind links. Too many is no harm: then the search decides.
suspicious_disks() { # UID DIRECTORY...
    file_suspicious='' file_usage=''
    file_quota=$(quota -l -w -p -v -u "$1" 2>/dev/null)
    file_user=$1
    shift
    file_own=
    for file_path; do
        if [ -d "$file_path" ]; then
            file_own=$(find "$@" -xdev -user "$file_user" \( -type d -o -links 1 \) \
                -printf '%D/%i\n' 2>/dev/null | sort -u)
            break
        fi
    done
    while read -r file_number file_source file_mount; do
        file_count=
        while read -r file_device _ _ _ _ file_inodes _; do
            [ "$file_device" != "$file_source" ] || file_count=${file_inodes%\*}
        done <<QUOTA
$file_quota
QUOTA
        case $file_count in
            '' | *[!0-9]*) ;;
            *)
                file_major=${file_number%:*} file_minor=${file_number#*:}
                # As st_dev has it: the low eight bits of the minor number, the major, the rest of the minor.
                file_number=$((file_minor % 256 | file_major << 8 | file_minor >> 8 << 20))
                for file_entry in $file_own; do
                    [ "${file_entry%/*}" != "$file_number" ] || file_count=$((file_count - 1))
                done
                [ "$file_count" -gt 0 ] || continue
                file_usage=$file_usage$file_mount:$file_count$line_break
                ;;
        esac
        file_suspicious="$file_suspicious$file_mount$line_break"
    done <<DISKS
${file_disks%"$line_break"}
DISKS
}

# on_suspicious_disks list|erase UID DIRECTORY...: searches those file systems, but not the directories.
on_suspicious_disks() {
    file_action=$1 file_user=$2
    shift 2
    suspicious_disks "$file_user" "$@"
    [ -n "$file_suspicious" ] || return 0
    file_count=$#
    while [ "$file_count" -gt 0 ]; do
        set -- "$@" -path "$1" -prune -o
        shift
        file_count=$((file_count - 1))
    done
    for file_path in $file_known; do
        set -- "$@" -path "$file_path" -prune -o
    done
    set -- "$@" '(' -user "$file_user" -o -group "$file_user" ')' -prune
    # Never by a path that others could turn elsewhere meanwhile: rm runs in the directory that find has open.
    case $file_action in
        erase) set -- "$@" -print -execdir rm -rf --one-file-system -- '{}' + ;;
        *) set -- "$@" -print ;;
    esac
    file_rest=$file_suspicious
    while [ -n "$file_rest" ]; do
        unescaped "${file_rest%%"$line_break"*}"
        file_rest=${file_rest#*"$line_break"}
        find "$found" -xdev "$@"
    done
}

# read_scratch: the first lines of what was printed, in found
read_scratch() {
    found=''
    while IFS= read -r read_line && [ ${#found} -lt 500 ]; do
        found=$found$read_line$line_break
    done <"$scratch.out"
}
traces_files() {
    case $seen_files in
        seen*) trace_lines "${seen_files#seen}" ;;
        *)
            find_file_systems
            in_shared_places "$1" "$2" -print >"$scratch.out" 2>/dev/null
            read_scratch
            trace_lines "$found"
            ;;
    esac
    seen_files=
    find_file_systems
    known_places "$1" "$2"
    shift
    on_suspicious_disks list "$@" >"$scratch.out" 2>/dev/null
    seen_usage=seen$file_usage
    read_scratch
    trace_lines "$found"
}

erase_files() {
    find_file_systems
    in_shared_places "$1" "$2" -print \
        -execdir rm -rf --one-file-system -- '{}' + >"$scratch.out" 2>&1
    read_scratch
    file_said=$found
    file_name=$1
    shift
    on_suspicious_disks erase "$@" >"$scratch.out" 2>&1
    read_scratch
    file_said=$file_said$found
    [ -z "$file_said" ] || outcome=changed
    [ "$outcome" = changed ] || return 0
    trace_list=
    traces_files "$file_name" "$@"
    seen_usage=
    [ -z "$trace_list" ] || fail "files are still there: $trace_list$line_break$file_said"
}

traces_disk_usage() {
    case $seen_usage in
        seen*) file_usage=${seen_usage#seen} ;;
        *)
            shift
            find_file_systems
            suspicious_disks "$@"
            ;;
    esac
    seen_usage=
    trace_lines "$file_usage"
    # What somebody has open is counted though it is removed.
    [ -z "$trace_list" ] || trace_holders "$file_user" '(' -type f -o -type d ')'
}

# What is counted and no search finds goes when its last user does.
erase_disk_usage() {
    erase_files "$@" || return
    trace_list=
    traces_disk_usage "$@"
    [ -z "$trace_list" ] || fail "inodes are still counted: $trace_list"
}
