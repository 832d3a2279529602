# shellcheck shell=sh
# The steps of Kloigos plans. A plan is this file, then a function "plan" with one line per step, then the call of it.
#
# What a step leaves behind: outcome (unchanged or changed), and detail if it returns failure.
# A fork costs more than anything else here, so the shell's own means go first. The input of every command is empty, its
# output goes to $scratch.out. Functions share one set of variables; those of a function that calls others are its own.

export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 022
line_break='
'
tab='	'
white=" $tab$line_break"
directory='' scope='' journal='' cancelled='' scratch='' outcome='' detail='' found='' now='' kernel_texts=''

# ---- progress ----

# begin DIRECTORY SCOPE NAME ID FENCES FENCE: fails if the outcome of this very plan is known, after printing it, and if a
# plan with a higher fence has been here. FENCES is the directory that holds the highest fence seen of each scope.
begin() {
    directory=$1 scope=$2 journal=$1/plans/$3 cancelled=$1/plans/$4.cancel scratch=$1/$2
    trap '' HUP PIPE
    if [ -f "$journal" ]; then
        found=$(cat "$journal")
        case ${found##*"$line_break"} in
            "@kloigos${tab}done$tab"*)
                printf '%s\n' "$found" 2>/dev/null
                release
                return 1
                ;;
        esac
    fi
    fence "$5" "$6" || return
    umask 077
    { printf '' >"$journal" && printf '' >"$scratch.out" && printf '' >"$scratch.in"; } || return 1
    umask 022
    say started
}

# Forgets the outcomes of yesterday.
prune() {
    find "$directory/plans" -type f -mtime +0 -delete 2>/dev/null
}

fence() {
    fence_directory=$1 fence_number=$2
    [ -d "$1" ] || (umask 077 && mkdir -p "$1") || return
    if [ "$scope" = host ]; then
        set -- "$1"/*
    else
        set -- "$1/host" "$1/$scope"
    fi
    for file; do
        now=0
        [ ! -s "$file" ] || read -r now <"$file"
        if [ "$now" -gt "$fence_number" ]; then
            printf '@kloigos\tfenced\t%s\n' "$now"
            release
            return 1
        fi
    done
    [ "$fence_number" = 0 ] && return
    # Whatever ends this half way, a full disk too, the host remembers the old fence or the new one.
    printf '%s\n' "$fence_number" >"$fence_directory/.$scope" && mv -f "$fence_directory/.$scope" "$fence_directory/$scope"
}

# step INDEX FUNCTION ARGUMENT...
step() {
    if [ -e "$cancelled" ]; then
        end cancelled
        return 1
    fi
    step_index=$1
    shift
    say "begun$tab$step_index"
    uptime_hundredths
    step_began=$now
    outcome=unchanged detail=
    "$@" || outcome=failed
    uptime_hundredths
    [ "$outcome" != failed ] || explain "${detail:-no reason was given}"
    say "ended$tab$step_index$tab$outcome$tab$(((now - step_began) * 10))"
    [ "$outcome" != failed ] || end failed
}

# end HOW: always fails, so that no step follows.
end() {
    say "done$tab$1"
    release
    return 1
}

release() {
    printf '' >"$directory/$scope.holder"
}

say() {
    printf '@kloigos\t%s\n' "$1" 2>/dev/null
    printf '@kloigos\t%s\n' "$1" >>"$journal"
}

explain() {
    explain_rest=$1
    while :; do
        say "detail$tab${explain_rest%%"$line_break"*}"
        case $explain_rest in
            *"$line_break"*) explain_rest=${explain_rest#*"$line_break"} ;;
            *) return 0 ;;
        esac
    done
}

uptime_hundredths() {
    read -r now _ </proc/uptime
    now=${now%.*}${now#*.}
    now=${now#0}
    now=${now#0}
}

# ---- small things ----

fail() {
    detail=$1
    return 1
}

# Runs a command; if it fails, so does this, with what the command said.
attempt() {
    command "$@" >"$scratch.out" 2>&1 && return
    blame $? "$@"
}

blame() {
    blame_status=$1
    shift
    found=$(tail -c 4000 "$scratch.out")
    fail "$* exited with $blame_status${found:+:$line_break$found}"
}

# quiet COMMAND...: only whether it succeeds.
quiet() {
    command "$@" >"$scratch.out" 2>&1
}

exists() {
    [ -e "$1" ] || [ -L "$1" ]
}

# Without the white space around it, in found.
strip() {
    found=$1
    found=${found#"${found%%[!"$white"]*}"}
    found=${found%"${found##*[!"$white"]}"}
}

# Fails if a link above the path lies where others than root may write: it could lead anywhere.
safe_parents() {
    safe_rest=${1#/} safe_at='' safe_trusted=yes
    while :; do
        case $safe_rest in
            */*) ;;
            *) return 0 ;;
        esac
        safe_at=$safe_at/${safe_rest%%/*}
        safe_rest=${safe_rest#*/}
        if [ "$safe_trusted" = no ] && [ -L "$safe_at" ]; then
            fail "$safe_at is a symbolic link that others than root may have placed: remove it, or name its target"
            return 1
        fi
        if [ ! -O "$safe_at" ] || [ -k "$safe_at" ]; then
            safe_trusted=no
        fi
    done
}

# access PATH UID:GID MODE
access() {
    found=$(stat -c '%u:%g %a' -- "$1" 2>&1)
    [ "$found" != "$2 $3" ] || return 0
    outcome=changed
    attempt chown -h -- "$2" "$1" && attempt chmod -- "$3" "$1"
}

# Whether the file holds exactly this text; reads no further than the first difference.
holds() {
    holds_rest=$2
    while IFS= read -r holds_line; do
        case $holds_rest in
            "$holds_line$line_break"*) holds_rest=${holds_rest#"$holds_line$line_break"} ;;
            *) return 1 ;;
        esac
    done <"$1"
    # shellcheck disable=SC2154 # the last line, if it has no end
    [ "$holds_rest" = "$holds_line" ]
}

# has_line PATH LINE: if it has not, open_end is not empty where the last line has no end
has_line() {
    open_end=''
    while IFS= read -r has_text || { [ -n "$has_text" ] && open_end=yes; }; do
        [ "$has_text" != "$2" ] || return 0
    done <"$1"
    return 1
}

# ---- files ----

# make_directories UID:GID MODE PATH...
make_directories() {
    directories_owner=$1 directories_mode=$2
    shift 2
    for directory_path; do
        may_be_directory "$directory_path" || return
    done
    # Each is taken from the front, and put to the end if it is to be made.
    directories_left=$#
    while [ "$directories_left" -gt 0 ]; do
        directories_left=$((directories_left - 1))
        directory_path=$1
        shift
        if [ -d "$directory_path" ]; then
            access "$directory_path" "$directories_owner" "$directories_mode" || return
        else
            set -- "$@" "$directory_path"
        fi
    done
    [ $# -gt 0 ] || return 0
    outcome=changed
    attempt install -d -m "$directories_mode" -o "${directories_owner%:*}" -g "${directories_owner#*:}" -- "$@"
}

may_be_directory() {
    safe_parents "$1" || return
    if [ -L "$1" ]; then
        fail "$1 is a symbolic link, no directory: remove it"
    elif [ -e "$1" ]; then
        [ -d "$1" ] || fail "$1 is there and is no directory: remove it"
    else
        [ -d "${1%/*}/" ] || fail "${1%/*} does not exist"
    fi
}

# text_file PATH UID:GID MODE CONTENT
text_file() {
    safe_parents "$1" || return
    text_target=$1
    if exists "$1"; then
        if [ ! -L "$1" ]; then
            [ -f "$1" ] || fail "$1 is there and is no regular file: remove it" || return
            if holds "$1" "$4"; then
                access "$1" "$2" "$3"
                return
            fi
        fi
        # Whoever reads a file that was there finds it old or new, never in part.
        text_target=$1.kloigos-new
        ! exists "$text_target" || attempt rm -rf -- "$text_target" || return
    fi
    outcome=changed
    case $3 in
        644) umask 022 ;;
        640) umask 027 ;;
        *) umask 077 ;;
    esac
    set -C
    { printf '%s' "$4" >"$text_target"; } 2>|"$scratch.out"
    text_status=$?
    set +C
    umask 022
    if [ "$text_status" != 0 ]; then
        blame "$text_status" "writing $text_target"
        quiet rm -f -- "$text_target"
        return 1
    fi
    case $3 in
        600 | 640 | 644) ;;
        *) attempt chmod -- "$3" "$text_target" || return ;;
    esac
    [ "$2" = 0:0 ] || attempt chown -h -- "$2" "$text_target" || return
    [ "$text_target" = "$1" ] || attempt mv -fT -- "$text_target" "$1"
}

# appended_lines PATH LINE...
appended_lines() {
    append_path=$1
    shift
    [ -e "$append_path" ] || return 0
    safe_parents "$append_path" || return
    [ -f "$append_path" ] || fail "$append_path is no regular file" || return
    append_text='' append_end=''
    for append_line; do
        ! has_line "$append_path" "$append_line" || continue
        append_text=$append_text$append_line$line_break
        append_end=${open_end:+$line_break}
    done
    [ -n "$append_text" ] || return 0
    outcome=changed
    append_text=$append_end$append_text
    { printf '%s' "$append_text" >>"$append_path"; } 2>"$scratch.out" || blame $? "appending to $append_path"
}

# removed_lines PATH LINE...
removed_lines() {
    remove_path=$1
    shift
    [ -e "$remove_path" ] || return 0
    safe_parents "$remove_path" || return
    [ -f "$remove_path" ] || fail "$remove_path is no regular file" || return
    remove_list=
    for remove_line; do
        ! has_line "$remove_path" "$remove_line" || remove_list=$remove_list$remove_line$line_break
    done
    [ -n "$remove_list" ] || return 0
    outcome=changed
    # The copy has the owner, the mode and the attributes; the text comes after.
    remove_path=$(readlink -f -- "$remove_path")
    attempt cp -p --attributes-only --remove-destination -- "$remove_path" "$remove_path.kloigos-new" || return
    { printf '%s' "$remove_list" >"$scratch.in"; } 2>"$scratch.out" || blame $? "writing $scratch.in" || return
    grep -vxFf "$scratch.in" -- "$remove_path" >"$remove_path.kloigos-new" 2>"$scratch.out"
    remove_status=$?
    [ "$remove_status" -lt 2 ] || blame "$remove_status" grep "$remove_path" || return
    attempt mv -fT -- "$remove_path.kloigos-new" "$remove_path"
}

# removal PATH
removal() {
    exists "$1" || return 0
    safe_parents "$1" || return
    outcome=changed
    attempt rm -rf --one-file-system -- "$1" || return
    ! exists "$1" || fail "$1 is still there after rm"
}

# emptying PATH
emptying() {
    exists "$1" || return 0
    safe_parents "$1" || return
    if [ -L "$1" ] || [ ! -d "$1" ]; then
        fail "$1 is no directory"
        return 1
    fi
    empty_directory "$1" && return 0
    outcome=changed
    attempt find "$1" -xdev -mindepth 1 -delete || return
    empty_directory "$1" || fail "$1 still has entries"
}

empty_directory() {
    for entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
        ! exists "$entry" || return 1
    done
}

# ---- commands ----

# run STDIN COMMAND...
run() {
    outcome=changed
    if [ -n "$1" ]; then
        { printf '%s' "$1" >"$scratch.in"; } 2>"$scratch.out" || blame $? "writing $scratch.in" || return
        shift
        attempt "$@" <"$scratch.in"
    else
        shift
        attempt "$@"
    fi
}

# ensure success|failure CONDITION COMMAND...: the condition is a quoted command
ensure() {
    ensure_want=$1 ensure_condition=$2
    shift 2
    ! condition_holds || return 0
    outcome=changed
    attempt "$@" || return
    condition_holds || fail "$* succeeded, but still this does not hold: $ensure_text"
}

condition_holds() {
    if eval "quiet $ensure_condition"; then
        ensure_text="$ensure_condition fails"
        [ "$ensure_want" = success ]
    else
        ensure_text="$ensure_condition succeeds"
        [ "$ensure_want" = failure ]
    fi
}

# disk_format DEVICE TYPE LABEL
disk_format() {
    [ -b "$1" ] || fail "$1 is no block device" || return
    [ "$(blkid -p -s LABEL -o value -- "$1" 2>/dev/null)" != "$3" ] || return 0
    found=$(lsblk -nro TYPE,FSTYPE -- "$1" 2>&1)
    strip "$found"
    [ "$found" = disk ] || [ "$found" = lvm ] \
        || fail "$1 is not formatted: it is no whole, unused disk: $found" || return
    found=$(wipefs -n -- "$1" 2>&1)
    [ -z "$found" ] || fail "$1 is not formatted: it is not blank:$line_break$found" || return
    outcome=changed
    case $2 in
        ext4) attempt mkfs.ext4 -q -L "$3" -O quota,project -E quotatype=usrquota:prjquota -- "$1" || return ;;
        *) attempt "mkfs.$2" -q -L "$3" -- "$1" || return ;;
    esac
    # Mounting by label needs the link that udev makes.
    quiet udevadm settle -t 10
    return 0
}

# ---- looking ----

# expectation EXPECTED HUNDREDTHS READER ARGUMENT...: looks again until so much time has passed
expectation() {
    expect_text=$1
    uptime_hundredths
    expect_until=$((now + $2))
    shift 2
    while :; do
        found=
        "$@"
        strip "$found"
        [ "$found" != "$expect_text" ] || return 0
        uptime_hundredths
        [ "$now" -lt "$expect_until" ] || break
        sleep 0.05
    done
    fail "expected $expect_text, found $found"
}

# reading READER ARGUMENT...: prints what it reads, after the number of its bytes
reading() {
    found=
    "$@"
    strip "$found"
    printf '%s\n%s\n' "${#found}" "$found"
}

# file_text PATH
file_text() {
    found=absent
    [ -f "$1" ] || return 0
    case $1 in
        /sys/fs/cgroup/*) ;;
        /proc/* | /sys/*)
            # Many of these cannot be read byte by byte, as the shell does.
            kernel_text "$1" || found=$(cat -- "$1" 2>/dev/null)
            return 0
            ;;
    esac
    found=
    while IFS= read -r read_line || [ -n "$read_line" ]; do
        found=$found$read_line$line_break
    done 2>/dev/null <"$1"
}

# look_ahead PATH...: reads files of the kernel by one process, for file_text
look_ahead() {
    kernel_texts=$line_break$(grep -sH '' -- "$@")$line_break
}

# kernel_text PATH: fails if it is not the next of what was read ahead, in whose order it is asked for
kernel_text() {
    found=
    while :; do
        case $kernel_texts in
            "$line_break$1:"*) ;;
            *) break ;;
        esac
        kernel_texts=${kernel_texts#"$line_break$1:"}
        found=$found${kernel_texts%%"$line_break"*}$line_break
        kernel_texts=$line_break${kernel_texts#*"$line_break"}
    done
    [ -n "$found" ]
}

# file_line PATH PREFIX
file_line() {
    found=absent
    [ -f "$1" ] || return 0
    while IFS= read -r read_line || [ -n "$read_line" ]; do
        case $read_line in
            "$2"*)
                found=$read_line
                return 0
                ;;
        esac
    done 2>/dev/null <"$1"
}

# output COMMAND...
output() {
    found=$(command "$@" 2>/dev/null) || found=failed
}

# output_line PREFIX COMMAND...
output_line() {
    output_prefix=$1
    shift
    output "$@"
    [ "$found" != failed ] || return 0
    output_rest=$found$line_break found=absent
    while [ -n "$output_rest" ]; do
        case $output_rest in
            "$output_prefix"*)
                found=${output_rest%%"$line_break"*}
                return 0
                ;;
        esac
        output_rest=${output_rest#*"$line_break"}
    done
}

# entries PATH...
entries() {
    found=$(stat -c '%a %u:%g %n' -- "$@" 2>/dev/null)
}

# quota_limits -u|-P MOUNT_POINT ID...
quota_limits() {
    quota_kind=$1 quota_mount=$2
    shift 2
    quota_said=$(quota -w -p -v "$quota_kind" --filesystem="$quota_mount" "$@" 2>&1)
    found='' quota_id='' quota_left=$# quota_rest=$quota_said$line_break
    while [ -n "$quota_rest" ]; do
        quota_line=${quota_rest%%"$line_break"*}
        quota_rest=${quota_rest#*"$line_break"}
        case $quota_line in
            *' ('?'id '*'):'*)
                quota_id=${quota_line##*id }
                quota_id=${quota_id%%)*}
                ;;
            *)
                # shellcheck disable=SC2086 # split on purpose
                quota_row $quota_line
                ;;
        esac
    done
    [ "$quota_left" = 0 ] || found=$quota_said
}

# quota_row DEVICE BLOCKS SOFT HARD GRACE INODES SOFT HARD GRACE: the heading of the columns has as many words, but no numbers
quota_row() {
    [ $# -eq 9 ] || return 0
    case $quota_kind in
        -P) set -- "$3" "$7" ;;
        *) set -- "$4" "$8" ;;
    esac
    case $1:$2 in
        *[!0-9:]*) return 0 ;;
    esac
    found="$found$quota_id $1 $2$line_break"
    quota_left=$((quota_left - 1))
}
