# shellcheck shell=sh
# Takes the locks of a plan, then becomes the shell that reads the plan from its input, within the time limit.
# sh -c THIS kloigos DIRECTORY SCOPE PLAN LOCK_SECONDS LIMIT_SECONDS KILL_SECONDS; SCOPE is "host" or "unit-USER".
umask 077
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
trap "" HUP PIPE
busy() {
    holders=
    for file in "$@"; do
        holder=
        [ -s "$file" ] && read -r holder <"$file"
        holders="$holders${holder:+ $holder}"
    done
    printf "@kloigos\tbusy\t%s\n" "${holders# }"
    exit 75
}
[ -d "$1/plans" ] || mkdir -p "$1/plans" || exit 71
exec 8>>"$1/host.lock"
if [ "$2" = host ]; then
    flock -x -w "$4" 8 || busy "$1"/*.holder
else
    exec 9>>"$1/$2.lock"
    flock -s -w "$4" 8 || busy "$1/host.holder"
    flock -x -w "$4" 9 || busy "$1/$2.holder"
fi
printf "%s\n" "$3" >"$1/$2.holder"
exec timeout -k "$6" "$5" sh -s
