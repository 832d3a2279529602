# shellcheck shell=sh
# Prints the facts of a host, as HostFacts.parse reads them. Few forks: each costs more than everything else here.
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
tab='	'

# first FILE: its first line, in line; empty if it cannot be read
first() {
    line=''
    if [ -r "$1" ]; then
        read -r line 2>/dev/null <"$1" || :
    fi
}

# able NAME COMMAND...: prints the capability if all commands are installed
able() {
    able_name=$1
    shift
    for able_command; do
        command -v "$able_command" >/dev/null 2>&1 || return 0
    done
    printf 'capability=%s\n' "$able_name"
}

facts() {
    ID=linux VERSION_ID=
    # shellcheck source=/dev/null
    [ ! -r /etc/os-release ] || . /etc/os-release
    printf 'os=%s\n' "$ID${VERSION_ID:+ $VERSION_ID}"
    first /proc/sys/kernel/osrelease
    printf 'kernel=%s\n' "$line"

    systemd=$(systemctl --version 2>/dev/null)
    version=${systemd#systemd }
    version=${version%%[!0-9]*}
    printf 'systemd_version=%s\n' "${version:-0}"
    case $systemd in *+BPF_FRAMEWORK*) echo capability=systemd_bpf ;; esac

    first /sys/fs/cgroup/cgroup.controllers
    printf 'cgroup_controllers=%s\n' "$line"
    [ ! -f /sys/fs/cgroup/cgroup.controllers ] || echo capability=cgroup_v2
    for file in /sys/fs/cgroup/*/cgroup.kill; do
        [ ! -f "$file" ] || echo capability=cgroup_kill
        break
    done
    if nft -c -f - 2>/dev/null <<'RULES'; then
table inet kloigos_probe {
    set own { type uid . inet_service; flags interval; elements = { 4000000 . 1-2 }; }
    chain look { meta skuid . th sport @own accept; }
}
RULES
        echo capability=nft_uid_ports
    fi
    able sysusers systemd-sysusers
    able util_linux flock timeout setpriv
    able quota_tools setquota repquota quota chattr
    able keyctl keyctl
    able mkfs_ext4 mkfs.ext4
    able mkfs_xfs mkfs.xfs
    [ ! -f /etc/pam.d/cron ] || able cron cron
    [ ! -f /etc/pam.d/crond ] || able crond crond
    [ ! -f /etc/pam.d/atd ] || able atd atd
    for file in /lib/security/pam_systemd.so /lib64/security/pam_systemd.so /usr/lib/*/security/pam_systemd.so; do
        if [ -f "$file" ]; then
            echo capability=pam_systemd
            break
        fi
    done

    first /sys/devices/system/cpu/online
    online=$line
    printf 'online_cpus=%s\n' "$online"
    memory=0 swap=0
    while read -r key value _; do
        case $key in
            MemTotal:) memory=$value ;;
            SwapTotal:)
                swap=$value
                break
                ;;
        esac
    done </proc/meminfo
    printf 'memory_kb=%s\nswap_kb=%s\n' "$memory" "$swap"
    # Many files of sysfs and /proc/sys cannot be read byte by byte, as the shell does.
    kernel=$(grep -sH '' /proc/sys/net/ipv4/ip_local_reserved_ports /sys/devices/system/node/node[0-9]*/cpulist \
        /sys/devices/system/cpu/cpu[0-9]*/topology/thread_siblings_list)
    nodes=no reserved=''
    while IFS=: read -r file value; do
        case $file in
            */ip_local_reserved_ports) reserved=$value ;;
            */cpulist)
                nodes=yes
                # "Node 0 MemTotal: 2000 kB"
                node=${file%/cpulist}
                first "$node/meminfo"
                line=${line##*:}
                line=${line%kB*}
                printf 'node=%s\t%s\t%s\n' "${node##*/node}" "$value" "$((line))"
                ;;
            */thread_siblings_list) printf 'core=%s\n' "$value" ;;
        esac
    done <<KERNEL
$kernel
KERNEL
    [ "$nodes" = yes ] || printf 'node=0\t%s\t%s\n' "$online" "$memory"
    printf 'reserved_ports=%s\n' "$reserved"

    first /etc/kloigos/managed-by
    printf 'managed_by=%s\n' "$line"
    for file in /home/* /opt/* /mnt/*; do
        if [ -e "$file" ] || [ -L "$file" ]; then
            case $file in *"$tab"*) ;; *) printf 'directory=%s\n' "$file" ;; esac
        fi
    done

    unit=''
    # shellcheck disable=SC2046 # split on purpose
    set -- $(systemctl is-active ssh.service ssh.socket sshd.service 2>/dev/null)
    case "$1 $2 $3" in
        active*) unit=ssh.service ;;
        *' active '*) unit=ssh.service ;;
        *' active') unit=sshd.service ;;
    esac
    printf 'ssh_unit=%s\n' "$unit"
    while read -r key value _; do
        case "$key $value" in
            [Ii]'nclude /etc/ssh/sshd_config.d/'*)
                echo capability=sshd_include
                break
                ;;
        esac
    done 2>/dev/null </etc/ssh/sshd_config
    disks=$(lsblk -bpPo NAME,TYPE,MAJ:MIN,SIZE,FSTYPE,LABEL,PTTYPE,PKNAME 2>/dev/null)
    {
        sshd -T 2>/dev/null
        echo '== listen'
        ss -Hltun 2>/dev/null
        echo '== file'
        df -k --output=file,size,avail,fstype,source,target / /home /opt /mnt /tmp /var/tmp /var/spool 2>/dev/null
        echo '== disks'
        printf '%s\n' "$disks"
    } | awk '
        function unescape(text,    out, i, c) {
            out = ""
            for (i = 1; i <= length(text); i++) {
                c = substr(text, i, 1)
                if (c == "\\" && substr(text, i + 1, 3) ~ /^[0-7][0-7][0-7]$/) {
                    c = sprintf("%c", 64 * substr(text, i + 1, 1) + 8 * substr(text, i + 2, 1) + substr(text, i + 3, 1))
                    i += 3
                }
                out = out c
            }
            gsub(/[\t\n]/, " ", out)
            return out
        }
        function value(name,    at, text) {
            at = index($0, name "=\"")
            text = substr($0, at + length(name) + 2)
            return substr(text, 1, index(text, "\"") - 1)
        }
        FILENAME == "/proc/self/mountinfo" {
            rest = $0
            sub(/.* - [^ ]+ [^ ]+ /, "", rest)
            options[unescape($5)] = $6 "," rest
            next
        }
        FILENAME == "/etc/passwd" || FILENAME == "/etc/group" {
            split($0, field, ":")
            if (field[3] ~ /^[0-9]+$/) {
                print (FILENAME == "/etc/passwd" ? "account" : "group") "=" field[1] "\t" field[3]
            }
            next
        }
        $1 == "==" { part = $2; next }
        part == "" && $1 == "usepam" && $2 == "yes" { print "capability=sshd_pam" }
        part == "" && $1 ~ /^(allow|deny)(users|groups)$/ { print "ssh_allow=" $0 }
        part == "listen" {
            port = $5
            sub(/.*:/, "", port)
            if (port ~ /^[0-9]+$/ && !(port in listening)) {
                listening[port] = 1
                print "listen=" port
            }
        }
        part == "file" && $1 ~ /^\// {
            target = $0
            for (i = 1; i <= 5; i++) {
                sub(/^ *[^ ]+ +/, "", target)
            }
            print "mount=" $1 "\t" target "\t" $5 "\t" $4 "\t" options[target] "\t" $2 "\t" $3
        }
        part == "disks" && /^NAME=/ {
            name = value("NAME")
            if (value("PKNAME") != "") {
                parent[value("PKNAME")] = 1
            }
            if (value("TYPE") != "loop" && value("TYPE") != "rom" && !(name in row)) {
                order[++count] = name
                row[name] = name "\t" value("TYPE") "\t" value("MAJ:MIN") "\t" value("SIZE")
                signature[name] = value("FSTYPE")
                table[name] = value("PTTYPE")
                label[name] = value("LABEL")
                kind[name] = value("TYPE")
            }
        }
        END {
            for (i = 1; i <= count; i++) {
                name = order[i]
                if (signature[name] == "" && (name in parent || kind[name] == "disk" && table[name] != "")) {
                    signature[name] = "parts"
                }
                # What udev did not see yet, the disk itself tells.
                if (signature[name] == "" && kind[name] == "disk") {
                    command = "wipefs -n " name " 2>/dev/null"
                    if ((command | getline found) > 0) {
                        signature[name] = "unknown"
                    }
                    close(command)
                }
                print "disk=" row[name] "\t" signature[name] "\t" label[name]
            }
        }' /proc/self/mountinfo /etc/passwd /etc/group -
    echo done=1
}

facts </dev/null
