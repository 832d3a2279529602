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
    set begun { type uid; size 8; flags dynamic; }
    chain look {
        meta skuid . th sport @own accept
        ct status & confirmed == 0 add @begun { meta skuid ct count over 8 } drop
        meta cgroup 0 accept
    }
}
RULES
        echo capability=nft_uid_ports
    fi
    able sysusers systemd-sysusers
    able util_linux flock timeout setpriv sysctl
    able quota_tools setquota repquota quota chattr
    able keyctl keyctl
    able socket_statistics ss
    able mkfs_ext4 mkfs.ext4
    able mkfs_xfs mkfs.xfs
    able lvm lvcreate lvremove lvs vgs
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
    first /etc/kloigos/managed-by
    printf 'managed_by=%s\n' "$line"
    for file in /home/* /opt/* /mnt/*; do
        if [ -e "$file" ] || [ -L "$file" ]; then
            case $file in *"$tab"*) ;; *) printf 'directory=%s\n' "$file" ;; esac
        fi
    done

    # The cgroup of a service is there as long as it runs; Debian's postfix has an instance of its own for its processes.
    mailer=''
    for name in exim4 exim postfix system-postfix.slice/postfix@- sendmail opensmtpd smtpd nullmailer masqmail courier-mta; do
        if [ -d "/sys/fs/cgroup/system.slice/$name.service" ]; then
            mailer=${name##*/}.service
            printf 'mailer=%s\n' "$mailer"
        fi
    done
    if [ -z "$mailer" ] && [ -x /usr/sbin/sendmail ]; then
        echo mailer=sendmail
    fi

    unit=''
    for name in ssh.service sshd.service; do
        first "/sys/fs/cgroup/system.slice/$name/cgroup.procs"
        if [ -n "$line" ]; then
            unit=$name
            break
        fi
    done
    if [ -z "$unit" ]; then
        # shellcheck disable=SC2046 # split on purpose
        set -- $(systemctl is-active ssh.service ssh.socket sshd.service 2>/dev/null)
        case "$1 $2 $3" in
            active*) unit=ssh.service ;;
            *' active '*) unit=ssh.service ;;
            *' active') unit=sshd.service ;;
        esac
    fi
    printf 'ssh_unit=%s\n' "$unit"
    while read -r key value _; do
        case "$key $value" in
            [Ii]'nclude /etc/ssh/sshd_config.d/'*)
                echo capability=sshd_include
                break
                ;;
        esac
    done 2>/dev/null </etc/ssh/sshd_config
    disks=$(lsblk -bpPo NAME,TYPE,MAJ:MIN,SIZE,FSTYPE,LABEL,PTTYPE,PKNAME,DISC-MAX 2>/dev/null)
    volume_groups='' volumes=''
    # Without physical volumes there are no groups to ask for, and without groups no volumes.
    case $disks in
        *'FSTYPE="LVM2_member"'*)
            volume_groups=$(vgs --noheadings --nosuffix --units b --separator "$tab" \
                -o vg_name,vg_extent_size,vg_free_count,pv_name 2>/dev/null)
            ;;
    esac
    [ -z "$volume_groups" ] || volumes=$(lvs --noheadings -o vg_name,lv_name 2>/dev/null)
    {
        sshd -T 2>/dev/null
        echo '== listen'
        ss -Hltun 2>/dev/null
        echo '== file'
        df -k --output=file,size,avail,fstype,source,target / /home /opt /mnt /tmp /var/tmp /var/spool 2>/dev/null
        echo '== disks'
        printf '%s\n' "$disks"
        echo '== volumes'
        printf '%s\n' "$volumes"
        echo '== volume_groups'
        printf '%s\n' "$volume_groups"
        echo '== kernel'
        # One process for hundreds of files, many of which cannot be read byte by byte, as the shell does.
        grep -rs '' --include=thread_siblings_list --include=physical_package_id --include=die_id --include=core_id \
            --include=level --include=type --include=size --include=shared_cpu_list --include=cpulist --include=meminfo \
            --include=ip_local_reserved_ports --include=cpumask --include=io_uring_disabled --include=io_uring_group \
            --include=queues_max \
            /sys/devices/system/cpu /sys/devices/system/node /proc/sys/net/ipv4/ip_local_reserved_ports \
            /sys/devices/virtual/workqueue/cpumask /proc/sys/kernel/io_uring_disabled /proc/sys/kernel/io_uring_group \
            /proc/sys/fs/mqueue/queues_max
    } | awk -v online="$online" -v memory="$memory" '
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
            if ($5 == "/proc" && match(rest, /hidepid=[^, ]+/)) {
                hidepid = substr(rest, RSTART + 8, RLENGTH - 8)
            }
            next
        }
        FILENAME == "/etc/passwd" || FILENAME == "/etc/group" {
            split($0, field, ":")
            if (field[3] ~ /^[0-9]+$/) {
                print (FILENAME == "/etc/passwd" ? "account" : "group") "=" field[1] "\t" field[3]
            }
            next
        }
        # The kernel tells a core at each of its threads, and a cache at each CPU that shares it.
        function topology(    i, j, cpu, siblings, index_of, last) {
            for (i = 1; i <= cpus; i++) {
                cpu = cpu_at[i]
                siblings = kernel[cpu "/topology/thread_siblings_list"]
                if (siblings != "" && !(siblings in core)) {
                    core[siblings] = 1
                    print "core=" siblings "\t" kernel[cpu "/topology/physical_package_id"] + 0 \
                        "\t" kernel[cpu "/topology/die_id"] + 0 "\t" kernel[cpu "/topology/core_id"] + 0
                }
                last = ""
                for (j = 0; (cpu "/cache/index" j "/level") in kernel; j++) {
                    index_of = cpu "/cache/index" j
                    if (kernel[index_of "/type"] != "Instruction" \
                        && (last == "" || kernel[index_of "/level"] + 0 > kernel[last "/level"] + 0)) {
                        last = index_of
                    }
                }
                if (last != "" && !(kernel[last "/shared_cpu_list"] in cache)) {
                    cache[kernel[last "/shared_cpu_list"]] = 1
                    print "cache=" kernel[last "/shared_cpu_list"] "\t" kernel[last "/level"] \
                        "\t" kernel[last "/size"] + 0
                }
            }
        }
        function setting(name, file) {
            if (file in kernel) {
                print "setting=" name "\t" kernel[file]
            }
        }
        # What udev did not see yet, the disks themselves tell: all at once, and if that is not possible one by one.
        function look_at(names,    command, line, word, n, disk, i) {
            n = split(names, disk, " ")
            if (n == 0) {
                return
            }
            command = "wipefs -n" names " 2>/dev/null"
            while ((command | getline line) > 0) {
                split(line, word, " ")
                for (i = 1; i <= n; i++) {
                    if (n == 1 || word[1] != "DEVICE" && disk[i] ~ "/" word[1] "$") {
                        signature[disk[i]] = "unknown"
                    }
                }
            }
            if (close(command) != 0 && n > 1) {
                for (i = 1; i <= n; i++) {
                    look_at(" " disk[i])
                }
            }
        }
        $1 == "==" { part = $2; next }
        part == "kernel" {
            at = index($0, ":")
            file = substr($0, 1, at - 1)
            sub(/^.*\/(cpu\/cpu|node\/node|ipv4\/|workqueue\/)/, "", file)
            if (file ~ /meminfo$/) {
                if ($3 == "MemTotal:") {
                    kernel[file] = $4
                }
                next
            }
            kernel[file] = substr($0, at + 1)
            if (file ~ /^[0-9]+\/topology\/thread_siblings_list$/) {
                cpu_at[++cpus] = file + 0
            }
            if (file ~ /^[0-9]+\/cpulist$/) {
                node_at[++nodes] = file + 0
            }
            next
        }
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
            discards[name] = value("DISC-MAX") + 0 > 0 ? "discards" : "keeps"
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
        part == "volumes" && NF == 2 {
            volumes[$1] = volumes[$1] (volumes[$1] == "" ? "" : ",") $2
        }
        # A line for each physical volume.
        part == "volume_groups" && NF == 4 {
            if (!($1 in group)) {
                groups[++group_count] = $1
                group[$1] = $1 "\t" $2 "\t" $3 "\t" volumes[$1] "\t"
                group_discards[$1] = "discards"
            }
            if (discards[$4] != "discards") {
                group_discards[$1] = "keeps"
            }
        }
        END {
            print "reserved_ports=" kernel["ip_local_reserved_ports"]
            print "workqueue_cpus=" kernel["cpumask"]
            setting("kernel.io_uring_disabled", "/proc/sys/kernel/io_uring_disabled")
            setting("kernel.io_uring_group", "/proc/sys/kernel/io_uring_group")
            setting("fs.mqueue.queues_max", "/proc/sys/fs/mqueue/queues_max")
            print "setting=proc.hidepid\t" (hidepid == "" ? "off" : hidepid)
            for (i = 1; i <= nodes; i++) {
                print "node=" node_at[i] "\t" kernel[node_at[i] "/cpulist"] "\t" kernel[node_at[i] "/meminfo"]
            }
            if (nodes == 0) {
                print "node=0\t" online "\t" memory
            }
            topology()
            for (i = 1; i <= count; i++) {
                name = order[i]
                if (signature[name] == "" && (name in parent || kind[name] == "disk" && table[name] != "")) {
                    signature[name] = "parts"
                }
                if (signature[name] == "" && kind[name] == "disk") {
                    blank = blank " " name
                }
            }
            look_at(blank)
            for (i = 1; i <= count; i++) {
                name = order[i]
                print "disk=" row[name] "\t" signature[name] "\t" label[name] "\t" discards[name]
            }
            for (i = 1; i <= group_count; i++) {
                print "volume_group=" group[groups[i]] group_discards[groups[i]]
            }
        }' /proc/self/mountinfo /etc/passwd /etc/group -
    echo done=1
}

facts </dev/null
