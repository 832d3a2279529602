"""Becoming somebody else, and having daemons do what one may not."""
import os
import socket
import subprocess
import time

import syscalls
from suite import attempt, error_of, escaped, held, judge, need, not_applicable, python, read, refused, said, sleeper, write

SYSTEMD = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager")
LOGIN = ("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")


def call(service, method, signature="", *arguments):
    """A call on the system bus; returns (refused or not, what was said)."""
    need("busctl")
    words = [signature, *arguments] if signature else []
    code, text = said("busctl", "--system", "--timeout=50", "call", "--", *service, method, *words, seconds=55)
    if "timed out" in text:
        raise RuntimeError("%s: %s" % (method, text))
    return code, text


@attempt("identities.su", "su to root and to the neighbour")
def su(scene):
    answers = [said("su", "-", name, "-c", "id -u", stdin="\n") for name in ("root", scene.neighbour.user)]
    judge(any(code == 0 for code, _ in answers), "; ".join(text for _, text in answers))


@attempt("identities.sudo", "sudo without a password")
def sudo(scene):
    need("sudo")
    answers = [said("sudo", "-n", "id", "-u"), said("sudo", "-n", "-u", scene.neighbour.user, "id", "-u")]
    judge(any(code == 0 for code, _ in answers), "; ".join(text for _, text in answers))


@attempt("identities.setuid", "setresuid to root and to the neighbour, setgroups")
def setuid(scene):
    answers = [error_of(lambda: os.setresuid(uid, uid, uid)) for uid in (0, scene.neighbour.uid)]
    answers.append(error_of(lambda: os.setgroups([0])))
    judge(None in answers, "; ".join(a or "it succeeded" for a in answers))


@attempt("identities.setuid_programs", "every setuid program of the host, asked for a shell")
def setuid_programs(scene):
    found = said("find", "/usr", "/opt", "-xdev", "-perm", "-4000", "-user", "root", "-type", "f", seconds=60)[1].split()
    found = [path for path in found if path.startswith("/")]
    answers = []
    for path in found:
        try:
            code, text = said(path, "-c", "id -u", stdin="\n", seconds=5)
        except subprocess.TimeoutExpired:
            code, text = 1, "it waits for input"
        answers.append((os.path.basename(path), code == 0 and text.split()[:1] == ["0"]))
    judge(any(root for _, root in answers), "none of %s gave root" % ", ".join(sorted(name for name, _ in answers))
          if not any(root for _, root in answers) else str(answers))


@attempt("identities.capabilities", "capabilities of the own process, and programs with file capabilities")
def capabilities(scene):
    status = read("/proc/self/status")
    effective = status.split("CapEff:")[1].split()[0]
    permitted = status.split("CapPrm:")[1].split()[0]
    ambient = status.split("CapAmb:")[1].split()[0]
    judge(int(effective, 16) | int(permitted, 16) | int(ambient, 16), "CapPrm %s, CapEff %s, CapAmb %s" % (permitted, effective, ambient))


@attempt("identities.pkexec", "pkexec")
def pkexec(scene):
    need("pkexec")
    code, text = said("pkexec", "--disable-internal-agent", "id", "-u")
    judge(code == 0, text)


@attempt("identities.groups", "groups that are as good as root")
def groups(scene):
    import grp
    dangerous = {"root", "sudo", "adm", "disk", "docker", "lxd", "shadow", "systemd-journal", "kmem", "tty", "kvm", "libvirt", "netdev", "wheel", "staff"}
    mine = {grp.getgrgid(g).gr_name for g in os.getgroups() + [os.getgid()]}
    judge(mine & dangerous, "groups " + ", ".join(sorted(mine)))


@attempt("identities.transient_unit", "StartTransientUnit by the system's systemd, in system.slice")
def transient_unit(scene):
    marker = "/run/kloigos-escape-%d" % scene.number
    code, text = call(SYSTEMD, "StartTransientUnit", "ssa(sv)a(sa(sv))", scene.name + ".service", "fail", "2",
                      "Slice", "s", "system.slice", "ExecStart", "a(sasb)", "1", "/usr/bin/touch", "2", "touch", marker, "false", "0")
    time.sleep(0.5)
    judge(code == 0 or scene.ask("owner", path=marker), text)


@attempt("identities.transient_scope", "a scope of the system's systemd around an own process")
def transient_scope(scene):
    process = sleeper()
    _, text = call(SYSTEMD, "StartTransientUnit", "ssa(sv)a(sa(sv))", scene.name + ".scope", "fail", "2",
                   "Slice", "s", "system.slice", "PIDs", "au", "1", str(process.pid), "0")
    scene.judge_place(process.pid, text)


@attempt("identities.attach_processes", "AttachProcessesToUnit: an own process into a service of the system's")
def attach_processes(scene):
    process = sleeper()
    _, text = call(SYSTEMD, "AttachProcessesToUnit", "ssau", "cron.service", "", "1", str(process.pid))
    scene.judge_place(process.pid, text)


@attempt("identities.set_properties", "SetUnitProperties: other limits for the own slice")
def set_properties(scene):
    _, text = call(SYSTEMD, "SetUnitProperties", "sba(sv)", "user-%d.slice" % scene.me.uid, "true", "2",
                   "MemoryMax", "t", "18446744073709551615", "TasksMax", "t", "18446744073709551615")
    seen = scene.slice("memory.max"), scene.slice("pids.max")
    judge(seen != (str(scene.me.memory_max), str(scene.me.tasks_max)), "%s; memory.max %s, pids.max %s" % (text, *seen))


@attempt("identities.set_property", "systemctl set-property of the own slice")
def set_property(scene):
    _, text = said("systemctl", "--no-ask-password", "set-property", "--runtime", "user-%d.slice" % scene.me.uid,
                   "AllowedCPUs=0-%d" % max(scene.all_cpus))
    from suite import cpu_list
    judge(cpu_list(scene.slice("cpuset.cpus.effective")) != scene.me.cpus, text)


@attempt("identities.systemd_run", "systemd-run without --user")
def systemd_run(scene):
    code, text = said("systemd-run", "--no-ask-password", "--collect", "sleep", "1")
    judge(code == 0, text)


@attempt("identities.run0", "run0")
def run0(scene):
    need("run0")
    code, text = said("run0", "--no-ask-password", "id", "-u")
    judge(code == 0, text)


@attempt("identities.manager_reload", "daemon-reload and daemon-reexec of the system's systemd")
def manager_reload(scene):
    answers = [call(SYSTEMD, method) for method in ("Reload", "Reexecute")]
    judge(any(code == 0 for code, _ in answers), "; ".join(text for _, text in answers))


@attempt("identities.manager_environment", "the environment of the system's systemd, for services of others")
def manager_environment(scene):
    code, text = call(SYSTEMD, "SetEnvironment", "as", "1", "LD_PRELOAD=/tmp/x.so")
    judge(code == 0, text)


@attempt("identities.stop_neighbour", "stop the neighbour's user manager and slice")
def stop_neighbour(scene):
    name = "user@%d.service" % scene.neighbour.uid
    before = scene.ask("unit_state", name=name)
    answers = [call(SYSTEMD, "StopUnit", "ss", unit, "replace")[1] for unit in (name, "user-%d.slice" % scene.neighbour.uid)]
    after = scene.ask("unit_state", name=name)
    judge(before != after, "%s; %s is %s" % ("; ".join(answers), name, after))


@attempt("identities.kill_unit", "KillUnit of the port service and of cron")
def kill_unit(scene):
    answers = [call(SYSTEMD, "KillUnit", "ssi", unit, "all", "9") for unit in ("kloigos-ports.service", "cron.service")]
    judge(any(code == 0 for code, _ in answers), "; ".join(text for _, text in answers))


@attempt("identities.linger_neighbour", "SetUserLinger and loginctl enable-linger of the neighbour and of root")
def linger_neighbour(scene):
    before = scene.ask("lingers", user=scene.neighbour.user), scene.ask("lingers", user="root")
    answers = [call(LOGIN, "SetUserLinger", "ubb", str(scene.neighbour.uid), "false", "false")[1],
               said("loginctl", "--no-ask-password", "enable-linger", "root")[1]]
    after = scene.ask("lingers", user=scene.neighbour.user), scene.ask("lingers", user="root")
    judge(before != after, "; ".join(answers))


@attempt("identities.kill_user", "KillUser and TerminateUser of the neighbour")
def kill_user(scene):
    before = scene.neighbour_says("state")
    answers = [call(LOGIN, "KillUser", "ui", str(scene.neighbour.uid), "9")[1],
               call(LOGIN, "TerminateUser", "u", str(scene.neighbour.uid))[1]]
    after = scene.neighbour_says("state")
    judge(before["pid"] != after["pid"] or not after["alive"], "; ".join(answers))


@attempt("identities.power", "ask logind whether the unit may power off or reboot the host")
def power(scene):
    answers = [call(LOGIN, method)[1] for method in ("CanPowerOff", "CanReboot", "CanSuspend")]
    judge(any('"yes"' in text for text in answers), "; ".join(answers))


@attempt("identities.inhibit", "hold up a shutdown of the host (Inhibit, block)")
def inhibit(scene):
    code, text = call(LOGIN, "Inhibit", "ssss", "shutdown", "escape", "escape", "block")
    judge(code == 0, text)


@attempt("identities.login_session", "CreateSession: a session of somebody else")
def login_session(scene):
    code, text = call(LOGIN, "CreateSession", "uusssssussbssa(sv)", str(scene.neighbour.uid), str(os.getpid()), "login", "tty",
                      "user", "", "", "0", "", "", "false", "", "", "0")
    judge(code == 0, text)


@attempt("identities.hostname", "rename the host (hostname1, sethostname)")
def hostname(scene):
    before = scene.ask("hostname")
    _, text = call(("org.freedesktop.hostname1", "/org/freedesktop/hostname1", "org.freedesktop.hostname1"), "SetHostname", "sb", "escaped", "false")
    error = error_of(lambda: socket.sethostname("escaped"))
    judge(scene.ask("hostname") != before, "%s; sethostname: %s" % (text, error))


@attempt("identities.clock", "set the host's clock (timedate1, settimeofday)")
def clock(scene):
    before = scene.ask("uptime") - time.monotonic()
    _, text = call(("org.freedesktop.timedate1", "/org/freedesktop/timedate1", "org.freedesktop.timedate1"), "SetTime", "xbb", "3600000000", "true", "false")
    error = error_of(lambda: time.clock_settime(time.CLOCK_REALTIME, time.time() + 3600))
    judge(abs(scene.ask("uptime") - time.monotonic() - before) > 600, "%s; clock_settime: %s" % (text, error))


@attempt("identities.machine_shell", "a root shell on the host from machined")
def machine_shell(scene):
    code, text = call(("org.freedesktop.machine1", "/org/freedesktop/machine1", "org.freedesktop.machine1.Manager"),
                      "OpenMachineShell", "sssasas", ".host", "root", "/usr/bin/id", "0", "0")
    judge(code == 0, text)


@attempt("identities.bus_name", "own systemd's name on the system bus")
def bus_name(scene):
    code, text = call(("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus"), "RequestName", "su",
                      "org.freedesktop.login1", "6")
    judge(code == 0 and "u 1" in text, text)


@attempt("identities.polkit_rules", "a polkit rule, a sudoers file, a PAM file of one's own")
def polkit_rules(scene):
    paths = ("/etc/polkit-1/rules.d/00-kloigos-escape.rules", "/usr/share/polkit-1/rules.d/00-kloigos-escape.rules",
             "/etc/sudoers.d/kloigos-escape", "/etc/pam.d/kloigos-escape", "/etc/dbus-1/system.d/kloigos-escape.conf")
    answers = [error_of(lambda: write(path, "")) for path in paths]
    judge(None in answers, ", ".join(sorted({a or "written" for a in answers})))


@attempt("identities.own_account", "another shell, name or expiry for the own account (chsh, chfn, chage)")
def own_account(scene):
    import pwd
    before = pwd.getpwnam(scene.me.user)
    answers = [said(*words, stdin="\n")[1] for words in (("chsh", "-s", "/bin/sh"), ("chfn", "-f", "escape"), ("chage", "-E", "-1", scene.me.user))]
    judge(pwd.getpwnam(scene.me.user) != before, "; ".join(answers))


@attempt("identities.own_manager", "a system-wide effect of the own user manager: user services that ask for root")
def own_manager(scene):
    from userservice import environment
    environment()
    code, text = said("systemd-run", "--user", "-q", "--wait", "--pipe", "--collect", "-p", "User=root", "-p", "AmbientCapabilities=CAP_SYS_ADMIN", "id", "-u")
    judge(code == 0 and text.strip() == "0", text)
