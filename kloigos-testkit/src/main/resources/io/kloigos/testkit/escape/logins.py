"""What a tenant can change about logins by SSH, its own and others'."""
import os
import signal
import socket
import subprocess
import time

from suite import attempt, cpu_list, error_of, escaped, held, judge, need, not_applicable, read, refused, said, spawn, wait_for, write

WHERE = "cat /proc/self/cgroup; grep Cpus_allowed_list /proc/self/status; echo LD_PRELOAD=$LD_PRELOAD"


def key(scene):
    """A key pair of the attempt's own; returns the path of the private one."""
    need("ssh-keygen")
    os.makedirs(scene.me.home + "/.ssh", 0o700, exist_ok=True)
    path = scene.me.home + "/.ssh/" + scene.name
    for old in (path, path + ".pub"):
        error_of(lambda: os.unlink(old))
    said("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path)
    return path


class Authorized:
    """Puts a line into a file of authorized keys as long as it is needed."""

    def __init__(self, scene, options="", file="authorized_keys"):
        self.key = key(scene)
        self.line = (options + " " + read(self.key + ".pub")).strip()
        self.file = scene.me.home + "/.ssh/" + file

    def __enter__(self):
        # One write to the end of the file, since others do the same at the same time.
        with open(self.file, "a") as out:
            out.write(self.line + "\n")
        os.chmod(self.file, 0o600)
        return self.key

    def __exit__(self, *_):
        for path in (self.key, self.key + ".pub"):
            error_of(lambda: os.unlink(path))


def argv(path, user, *rest):
    return ["ssh", "-F", "none", "-i", path, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
            "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=20", *rest[:-1], user + "@127.0.0.1", *rest[-1:]]


def judge_login(scene, text):
    """Held if what the login said of itself is in the slice, on the CPUs, and without what the tenant smuggled in."""
    if "0::" not in text:
        held("ssh: " + text)
    cgroup, cpus = text.split("0::")[1].split()[0], text.split("Cpus_allowed_list:")[1].split()[0]
    judge(not cgroup.startswith(scene.me.cgroup + "/") or cpu_list(cpus) - scene.me.cpus, text)


@attempt("logins.own_key", "log in with a key that the tenant has added: where does the login run?", limit=240)
def own_key(scene):
    with Authorized(scene) as path:
        judge_login(scene, said(*argv(path, scene.me.user, WHERE), seconds=200)[1])


@attempt("logins.forced_command", "options of authorized_keys: command=, environment=, tunnel=", limit=240)
def forced_command(scene):
    with Authorized(scene, 'command="%s",environment="LD_PRELOAD=/tmp/escape.so",tunnel="0"' % WHERE) as path:
        _, text = said(*argv(path, scene.me.user, "true"), seconds=200)
        if "/tmp/escape.so" in text:
            escaped("sshd took environment= of the tenant: " + text)
        judge_login(scene, text)


@attempt("logins.second_file", "a key in ~/.ssh/authorized_keys2, which no one else looks into", limit=240)
def second_file(scene):
    with Authorized(scene, file="authorized_keys2") as path:
        code, text = said(*argv(path, scene.me.user, "id -un"), seconds=200)
        judge(code == 0, "ssh: " + text)


@attempt("logins.rc_and_environment", "~/.ssh/rc and ~/.ssh/environment, which sshd runs and reads before the shell", limit=240)
def rc_and_environment(scene):
    directory, result = scene.me.home + "/.ssh/", scene.me.home + "/" + scene.name
    with Authorized(scene) as path:
        write(directory + "environment", "LD_PRELOAD=/tmp/escape.so\n")
        write(directory + "rc", "(%s) > %s.$$; mv %s.$$ %s\n" % (WHERE, result, result, result))
        try:
            _, text = said(*argv(path, scene.me.user, WHERE), seconds=200)
            if not os.path.exists(result):
                held("~/.ssh/rc did not run; ssh: " + text)
            text = " ".join(read(result).split())
            if "/tmp/escape.so" in text:
                escaped("sshd read ~/.ssh/environment: " + text)
            judge_login(scene, text)
        finally:
            os.unlink(directory + "rc")
            os.unlink(directory + "environment")
            error_of(lambda: os.unlink(result))


@attempt("logins.survive_logout", "a process that stays when its login has ended", limit=240)
def survive_logout(scene):
    with Authorized(scene) as path:
        code, text = said(*argv(path, scene.me.user, "nohup setsid sleep 30 > /dev/null 2>&1 < /dev/null & echo $!"), seconds=200)
    if not text.split()[:1] or not text.split()[0].isdigit():
        held("ssh: " + text)
    time.sleep(1)
    pid = int(text.split()[0])
    try:
        scene.judge_place(pid, "logged out")
    finally:
        error_of(lambda: os.kill(pid, signal.SIGKILL))


@attempt("logins.neighbour", "log in as the neighbour, as root and as admin with an own key", limit=240)
def neighbour(scene):
    path = key(scene)
    answers = [said(*argv(path, user, "id -un"), seconds=100) for user in (scene.neighbour.user, "root")]
    for each in (path, path + ".pub"):
        os.unlink(each)
    judge(any(code == 0 for code, _ in answers), "; ".join(text for _, text in answers))


@attempt("logins.password", "log in as the neighbour with a password", limit=240)
def password(scene):
    need("ssh")
    offered = subprocess.run(["ssh", "-F", "none", "-o", "PubkeyAuthentication=no", "-o", "PreferredAuthentications=none", "-o", "BatchMode=yes",
                              "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", scene.neighbour.user + "@127.0.0.1", "true"],
                             capture_output=True, text=True, timeout=200).stderr.strip().splitlines()[-1:]
    judge("password" in "".join(offered) or "keyboard" in "".join(offered),
          "sshd offers: " + "".join(offered))


@attempt("logins.remote_forward", "ssh -R of a foreign port: sshd serves it for the tenant", limit=240)
def remote_forward(scene):
    from ports import judge_reach, listen
    own = scene.me.first_port + 150
    listen("tcp", "127.0.0.1", own)
    with Authorized(scene) as path:
        forward = subprocess.Popen(argv(path, scene.me.user, "-o", "ExitOnForwardFailure=yes", "-R", "%d:127.0.0.1:%d" % (scene.nobodys_port, own),
                                        "echo up; sleep 30"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        line = forward.stdout.readline().strip()
        try:
            if line != "up":
                held("ssh: " + line)
            judge_reach(scene, "tcp", scene.nobodys_port, "ssh -R is up", families=(4,))
        finally:
            forward.kill()


@attempt("logins.tunnel", "ssh -w: a network device of the host's", limit=240)
def tunnel(scene):
    with Authorized(scene) as path:
        code, text = said(*argv(path, scene.me.user, "-o", "Tunnel=point-to-point", "-o", "ExitOnForwardFailure=yes", "-w", "9:9", "true"), seconds=200)
    judge(os.path.exists("/sys/class/net/tun9"), "ssh: " + text)


@attempt("logins.agent_of_neighbour", "talk to the neighbour's ssh-agent")
def agent_of_neighbour(scene):
    refused(lambda: socket.socket(socket.AF_UNIX).connect(scene.neighbour_says("state")["agent"]))
