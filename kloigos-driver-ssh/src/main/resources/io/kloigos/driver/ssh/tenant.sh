# shellcheck shell=sh
# What a tenant leaves: how it is found and erased. Sent after apply.sh, if the plan needs it.

# What apply.sh defines.
line_break=${line_break:-} tab=${tab:-} scratch=${scratch:-} now=${now:-} found='' trace_list=''

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
    shift
    "erase_$erasure_kind" "$@" || return
}

find_jobs() {
    found=
    for job in "/var/spool/cron/crontabs/$1" "/var/spool/cron/$1"; do
        if [ -L "$job" ] || [ -f "$job" ]; then
            found=$found$job$line_break
        fi
    done
    for job in /var/spool/cron/atjobs /var/spool/cron/atspool /var/spool/at; do
        if [ -d "$job" ] && ! empty_directory "$job"; then
            found=$found$(find "$job" -xdev -mindepth 1 -user "$2" 2>/dev/null)
        fi
    done
}

traces_jobs() {
    find_jobs "$@"
    trace_lines "$found"
}

erase_jobs() {
    find_jobs "$1" "$2"
    [ -n "$found" ] || return 0
    outcome=changed
    attempt rm -f -- "/var/spool/cron/crontabs/$1" || return
    if [ -L "/var/spool/cron/$1" ] || [ -f "/var/spool/cron/$1" ]; then
        attempt rm -f -- "/var/spool/cron/$1" || return
    fi
    for job in /var/spool/cron/atjobs /var/spool/cron/atspool /var/spool/at; do
        [ ! -d "$job" ] || attempt find "$job" -xdev -mindepth 1 -user "$2" -delete || return
    done
    find_jobs "$1" "$2"
    [ -z "$found" ] || fail "jobs are still there: $found"
}

# Ids and names of processes with this real or effective user id, but no zombies: those have nothing but an entry.
find_processes() {
    found=$(pgrep -u "$1")$line_break$(pgrep -U "$1")
    process_ids=$found found=
    # shellcheck disable=SC2086 # split on purpose
    for process in $process_ids; do
        process_name='' process_state=''
        while IFS="$tab" read -r process_key process_value; do
            case $process_key in
                Name:) process_name=$process_value ;;
                State:)
                    process_state=$process_value
                    break
                    ;;
            esac
        done 2>/dev/null <"/proc/$process/status"
        case $process_state in
            '' | Z* | X*) ;;
            *) found=$found$process:$process_name:${process_state%% *}$line_break ;;
        esac
    done
}

traces_processes() {
    find_processes "$2"
    trace_lines "$found"
    [ ! -d "/sys/fs/cgroup/user.slice/user-$2.slice" ] || trace "user-$2.slice"
}

erase_processes() {
    process_slice=/sys/fs/cgroup/user.slice/user-$2.slice process_round=0
    uptime_hundredths
    process_deadline=$((now + 1500))
    while :; do
        # All at once, so that nothing can fork away; then whatever left the slice.
        if [ -e "$process_slice/cgroup.kill" ]; then
            { printf 1 >"$process_slice/cgroup.kill"; } 2>/dev/null
        fi
        process_matched=no
        ! quiet pkill -KILL -u "$2" || process_matched=yes
        ! quiet pkill -KILL -U "$2" || process_matched=yes
        if [ "$process_matched" = yes ] && [ "$process_round" -ge 10 ]; then
            # Zombies are matched until their parents ask for them, and those may be anybody's.
            find_processes "$2"
            [ -n "$found" ] || process_matched=no
        fi
        if [ "$process_matched" = no ] && [ ! -d "$process_slice" ]; then
            break
        fi
        if [ -d "$process_slice" ] && [ $((process_round % 40)) = 0 ]; then
            # Or the user manager would be started again. Not waited for: how long it takes is up to the tenant's services,
            # unless they are killed meanwhile.
            quiet systemctl stop --no-block "user-$2.slice" "user@$2.service"
        fi
        outcome=changed
        process_round=$((process_round + 1))
        uptime_hundredths
        if [ "$now" -gt "$process_deadline" ]; then
            find_processes "$2"
            fail "not gone 15 s after SIGKILL: ${found:-the cgroup $process_slice}"
            return
        fi
        sleep 0.05
    done
}

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
    [ ! -e "/run/user/$2" ] || trace "/run/user/$2"
    [ ! -d "/sys/fs/cgroup/user.slice/user-$2.slice" ] || trace "user-$2.slice"
}

erase_sessions() {
    if [ -e "/var/lib/systemd/linger/$1" ]; then
        outcome=changed
        attempt rm -f -- "/var/lib/systemd/linger/$1" || return
    fi
    session_round=0
    uptime_hundredths
    session_deadline=$((now + 2000))
    while :; do
        trace_list=
        traces_sessions "$1" "$2"
        if [ -z "$trace_list" ]; then
            # A manager that was killed would be remembered as failed.
            quiet systemctl reset-failed "user@$2.service"
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
                quiet timeout -k 1 15 systemctl stop "user-$2.slice" "user@$2.service" "user-runtime-dir@$2.service"
                ! is_logged_in "$2" || quiet timeout -k 1 5 loginctl terminate-user "$2"
                ;;
            10 | 30 | 50)
                quiet umount -l -i -c -- "/run/user/$2"
                [ ! -d "/run/user/$2" ] || quiet rmdir -- "/run/user/$2"
                ;;
            *) sleep 0.2 ;;
        esac
    done
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
        case $mount_point in
            *\\*)
                mount_path=$(printf '%b.' "$mount_point")
                mount_path=${mount_path%.}
                ;;
            *) mount_path=$mount_point ;;
        esac
        for mount_directory in "/run/user/$mount_user" "$@"; do
            case $mount_path in
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
            mount_path=$(printf '%b.' "${mount_list%%"$line_break"*}")
            mount_list=${mount_list#*"$line_break"}
            # By the name that the kernel gave: looking at a dead FUSE mount would hang.
            quiet umount -l -i -c -- "${mount_path%.}"
        done
    done
}

# The kernel counts the keys of each user who ever had any.
has_keys() {
    while read -r keys_user _; do
        [ "$keys_user" != "$1:" ] || return 0
    done </proc/key-users
    return 1
}

traces_keyrings() {
    has_keys "$2" || return 0
    if ! command -v keyctl >/dev/null; then
        trace 'unknown:keyctl-is-not-installed'
        return
    fi
    # In an anonymous session keyring, in which nothing is left.
    # shellcheck disable=SC2016 # expanded by the other shell
    found=$(setpriv --reuid "$2" --regid "$2" --clear-groups keyctl session - sh -c '
        user=$(keyctl id @u)
        for key in $(keyctl rlist @u) $(keyctl rlist @us) $(keyctl rlist "$(keyctl get_persistent @s)"); do
            [ "$key" = "$user" ] || echo "key:$key"
        done' 2>/dev/null)
    trace_lines "$found"
}

erase_keyrings() {
    has_keys "$2" || return 0
    command -v keyctl >/dev/null || fail 'keyctl is not installed: install the package keyutils' || return
    trace_list=
    traces_keyrings "$1" "$2"
    [ -n "$trace_list" ] || return 0
    outcome=changed
    # Invalid keyrings are gone at once; whoever asks next for those of this user gets new ones.
    # shellcheck disable=SC2016 # expanded by the other shell
    attempt setpriv --reuid "$2" --regid "$2" --clear-groups keyctl session - sh -c '
        persistent=$(keyctl get_persistent @s) && keyctl clear "$persistent" && keyctl invalidate "$persistent"
        keyctl clear @us; keyctl invalidate @us; keyctl clear @u; keyctl invalidate @u; true' || return
    trace_list=
    traces_keyrings "$1" "$2"
    [ -z "$trace_list" ] || fail "keys are still there: $trace_list"
}

# Arguments for ipcrm, in found.
find_ipc() {
    found=
    while read -r _ ipc_id _ _ _ _ _ ipc_owner ipc_group ipc_creator _; do
        case " $ipc_owner $ipc_group $ipc_creator " in *" $1 "*) found="$found -m $ipc_id" ;; esac
    done </proc/sysvipc/shm
    while read -r _ ipc_id _ _ _ _ _ ipc_owner ipc_group ipc_creator _; do
        case " $ipc_owner $ipc_group $ipc_creator " in *" $1 "*) found="$found -q $ipc_id" ;; esac
    done </proc/sysvipc/msg
    while read -r _ ipc_id _ _ ipc_owner ipc_group ipc_creator _; do
        case " $ipc_owner $ipc_group $ipc_creator " in *" $1 "*) found="$found -s $ipc_id" ;; esac
    done </proc/sysvipc/sem
}

traces_ipc() {
    find_ipc "$2"
    # shellcheck disable=SC2086 # split on purpose
    set -- $found
    while [ $# -gt 0 ]; do
        trace "ipc$1:$2"
        shift 2
    done
}

erase_ipc() {
    find_ipc "$2"
    [ -n "$found" ] || return 0
    outcome=changed
    # shellcheck disable=SC2086 # split on purpose
    quiet ipcrm $found
    find_ipc "$2"
    [ -z "$found" ] || fail "ipcrm could not remove:$found"
}

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

# What others than the tenant own, or keep where no search would find it by its owner.
find_named_files() {
    found=
    for file_path in "/run/sudo/ts/$1" "/var/lib/sudo/lectured/$1" "/var/lib/sudo/lectured/$2" \
        "/var/lib/systemd/linger/$1" "/var/mail/$1" "/var/spool/mail/$1" /var/lib/systemd/coredump/core.*."$2".*; do
        ! exists "$file_path" || found=$found$file_path$line_break
    done
}

# in_shared_places ACTION...: looks where everybody may write, and in all memory file systems
in_shared_places() {
    for file_place in /tmp /var/tmp /var/spool /var/mail /var/crash; do
        if [ -d "$file_place" ] && [ ! -L "$file_place" ]; then
            case "$file_memory " in
                *" $file_place "*) ;;
                *) file_memory="$file_memory $file_place" ;;
            esac
        fi
    done
    # shellcheck disable=SC2086 # split on purpose
    find $file_memory -xdev "$@"
}

# Lines of find_file_systems on whose disks the tenant may have files outside DIRECTORY...: where the quota counts more inodes
# than there are in the directories (each once, however many mounts show it), and where no quota counts. Linked files in the directories are not subtracted: the
# tenant could otherwise hide a file behind links. Too many is no harm: then the search decides.
suspicious_disks() { # UID DIRECTORY...
    file_suspicious=''
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
    set -- "$@" '(' -user "$file_user" -o -group "$file_user" ')' -prune
    # Never by a path that others could turn elsewhere meanwhile: rm runs in the directory that find has open.
    case $file_action in
        erase) set -- "$@" -print -execdir rm -rf --one-file-system -- '{}' + ;;
        *) set -- "$@" -print ;;
    esac
    file_rest=$file_suspicious
    while [ -n "$file_rest" ]; do
        file_mount=$(printf '%b.' "${file_rest%%"$line_break"*}")
        file_rest=${file_rest#*"$line_break"}
        find "${file_mount%.}" -xdev "$@"
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
    find_named_files "$@"
    trace_lines "$found"
    find_file_systems
    in_shared_places '(' -user "$2" -o -group "$2" ')' -prune -print >"$scratch.out" 2>/dev/null
    read_scratch
    trace_lines "$found"
    shift
    on_suspicious_disks list "$@" >"$scratch.out" 2>/dev/null
    read_scratch
    trace_lines "$found"
}

erase_files() {
    find_named_files "$@"
    while [ -n "$found" ]; do
        outcome=changed
        quiet rm -rf --one-file-system -- "${found%%"$line_break"*}"
        found=${found#*"$line_break"}
    done
    find_file_systems
    in_shared_places '(' -user "$2" -o -group "$2" ')' -prune -print \
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
    [ -z "$trace_list" ] || fail "files are still there: $trace_list$line_break$file_said"
}
