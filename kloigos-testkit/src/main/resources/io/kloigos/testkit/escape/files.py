"""Files of others."""
import ctypes
import glob
import os
import stat

import neighbour
import syscalls
from suite import attempt, error_of, escaped, held, judge, need, not_applicable, read, refused, said, write


def judge_secret(paths):
    """Escaped if one of the paths gives the neighbour's secret away."""
    answers = {}
    for path in paths:
        try:
            with open(path, errors="replace") as file:
                answers[path] = "read: " + file.read(60)
        except OSError as e:
            answers[path] = e.strerror
    judge(any(a.startswith("read") for a in answers.values()), "; ".join("%s: %s" % each for each in answers.items()))


def judge_directory(directory):
    listed = error_of(lambda: os.listdir(directory))
    try:
        with open(directory + "/kloigos-escape-secret") as file:
            got = "read: " + file.read(60)
    except OSError as e:
        got = e.strerror
    written = error_of(lambda: write(directory + "/kloigos-escape-secret", "changed"))
    judge(listed is None or got.startswith("read") or written is None, "list: %s; read: %s; write: %s" % (listed, got, written))


@attempt("files.home", "list, read and write the neighbour's home")
def home(scene):
    judge_directory(scene.neighbour.home)


@attempt("files.opt", "list, read and write the neighbour's /opt directory")
def opt(scene):
    judge_directory(scene.neighbour.opt)


@attempt("files.mnt", "list, read and write the neighbour's /mnt directory")
def mnt(scene):
    judge_directory(scene.neighbour.mnt)


@attempt("files.data_disk", "go round /mnt: the neighbour's directory on the data disk itself")
def data_disk(scene):
    directories = glob.glob("/var/lib/kloigos/data*/*")
    others = [d for d in directories if os.path.basename(d) == os.path.basename(scene.neighbour.mnt)]
    if not others:
        judge_directory("/var/lib/kloigos/data0/" + os.path.basename(scene.neighbour.mnt))
    judge_directory(others[0])


@attempt("files.keys", "list login keys, read the neighbour's, write over it and into the directory")
def keys(scene):
    neighbours = "/etc/kloigos/keys/" + scene.neighbour.user
    answers = [error_of(lambda: os.listdir("/etc/kloigos/keys")), error_of(lambda: read(neighbours))]
    answers += [error_of(lambda: write(path, "ssh-ed25519 AAAA escape\n"))
                for path in (neighbours, "/etc/kloigos/keys/root", "/etc/kloigos/kloigos-escape")]
    judge(None in answers, "; ".join(a or "done" for a in answers))


@attempt("files.settings", "write the files that hold the unit's limits")
def settings(scene):
    paths = ["/etc/systemd/system/user-%d.slice.d/50-kloigos.conf" % scene.me.uid, "/etc/kloigos/ports.nft",
             "/etc/systemd/system/kloigos-escape.service", "/etc/ssh/sshd_config.d/99-kloigos-escape.conf",
             "/run/systemd/system/kloigos-escape.service", "/etc/pam.d/atd", "/run/kloigos/kloigos-escape",
             "/var/lib/kloigos/fences/kloigos-escape"]
    answers = [error_of(lambda: os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o644))) for path in paths]
    judge(None in answers, ", ".join(sorted({a or "opened" for a in answers})))


@attempt("files.shadow", "read the password hashes")
def shadow(scene):
    judge_secret(["/etc/shadow", "/etc/gshadow"])


@attempt("files.host_keys", "read the host's private SSH keys")
def host_keys(scene):
    judge_secret(glob.glob("/etc/ssh/ssh_host_*_key"))


@attempt("files.hard_link", "hard links to files of root and of the neighbour (fs.protected_hardlinks)")
def hard_link(scene):
    public = "/tmp/kloigos-escape-public-%d" % scene.neighbour.uid
    # A link is on the file system of what it leads to.
    links = {"/etc/shadow": scene.me.home + "/" + scene.name, public: "/tmp/%s-link" % scene.name}
    answers = [error_of(lambda: os.link(source, link)) for source, link in links.items()]
    for link in links.values():
        error_of(lambda: os.unlink(link))
    judge(None in answers, "; ".join(a or "linked" for a in answers))


@attempt("files.symlink", "a symbolic link in /tmp that the neighbour writes through (fs.protected_symlinks)")
def symlink(scene):
    target, link = scene.me.home + "/" + scene.name, "/tmp/%s-symlink" % scene.name
    os.chmod(scene.me.home, 0o755)
    write(target, "")
    os.chmod(target, 0o666)
    os.symlink(target, link)
    try:
        answer = scene.neighbour_says("open", path=link, flags=os.O_RDWR, text="written by the neighbour")
        judge(read(target), "the neighbour's open: %s" % (answer["error"] or "followed the link"))
    finally:
        os.unlink(link)
        os.unlink(target)
        os.chmod(scene.me.home, 0o700)


@attempt("files.planted_file", "a file in /tmp into which the neighbour writes what it creates (fs.protected_regular)")
def planted_file(scene):
    path = "/tmp/%s-planted" % scene.name
    write(path, "")
    os.chmod(path, 0o666)
    try:
        answer = scene.neighbour_says("open", path=path, flags=os.O_RDWR | os.O_CREAT, text="written by the neighbour")
        judge(read(path), "the neighbour's open with O_CREAT: %s" % (answer["error"] or "wrote into it"))
    finally:
        os.unlink(path)


@attempt("files.planted_fifo", "a fifo in /tmp into which the neighbour writes what it creates (fs.protected_fifos)")
def planted_fifo(scene):
    path = "/tmp/%s-fifo" % scene.name
    os.mkfifo(path)
    os.chmod(path, 0o666)
    fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    try:
        answer = scene.neighbour_says("open", path=path, flags=os.O_RDWR | os.O_CREAT)
        judge(answer["error"] is None, "the neighbour's open with O_CREAT: %s" % (answer["error"] or "opened it"))
    finally:
        os.close(fd)
        os.unlink(path)


@attempt("files.sticky", "delete and rename the neighbour's file in /tmp")
def sticky(scene):
    public = "/tmp/kloigos-escape-public-%d" % scene.neighbour.uid
    answers = [error_of(lambda: os.rename(public, public + "-moved")), error_of(lambda: os.unlink(public)),
               error_of(lambda: write(public, "changed"))]
    judge(scene.ask("text_of", path=public) != "public", "; ".join(a or "it succeeded" for a in answers))


@attempt("files.process_root", "reach the neighbour's files through /proc/PID/root, cwd, fd and exe")
def process_root(scene):
    state = scene.neighbour_says("state")
    home = scene.neighbour.home + "/kloigos-escape-secret"
    judge_secret(["/proc/%d/root%s" % (state["main"], home), "/proc/%d/environ" % state["pid"],
                  "/proc/%d/maps" % state["main"], "/proc/%d/fd/0" % state["main"]])


@attempt("files.runtime_directory", "list the neighbour's /run/user directory, talk to its user manager and its bus")
def runtime_directory(scene):
    import socket
    directory = "/run/user/%d" % scene.neighbour.uid
    answers = [error_of(lambda: os.listdir(directory))]
    for name in ("bus", "systemd/private"):
        answers.append(error_of(lambda: socket.socket(socket.AF_UNIX).connect(directory + "/" + name)))
    judge(None in answers, "; ".join(a or "it succeeded" for a in answers))


@attempt("files.give_away", "give own files to the neighbour, whose quota they would use")
def give_away(scene):
    path = scene.me.home + "/" + scene.name
    write(path, "x")
    error = error_of(lambda: os.chown(path, scene.neighbour.uid, scene.neighbour.uid))
    uid = os.stat(path).st_uid
    os.unlink(path)
    judge(uid != scene.me.uid, error or "it succeeded")


@attempt("files.by_handle", "open files by handle, past all directories")
def by_handle(scene):
    handle = ctypes.create_string_buffer(b"\x08\0\0\0\x01\0\0\0\x02\0\0\0\0\0\0\0", 32)
    fd = os.open("/", os.O_RDONLY)
    refused(lambda: syscalls.syscall(syscalls.OPEN_BY_HANDLE_AT, fd, handle, os.O_RDONLY))


@attempt("files.userns_root", "read root's and the neighbour's files as root of an own user namespace")
def userns_root(scene):
    syscalls.unshare(syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWNS)
    judge_secret(["/etc/shadow", scene.neighbour.home + "/kloigos-escape-secret"])


@attempt("files.overlay", "change /etc by an overlay mount of an own user namespace")
def overlay(scene):
    base = scene.me.home + "/" + scene.name
    marker = "/etc/kloigos-escape-overlay"
    for name in ("/upper", "/work"):
        os.makedirs(base + name, exist_ok=True)
    syscalls.unshare(syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWNS)
    data = "lowerdir=/etc,upperdir=%s/upper,workdir=%s/work,userxattr" % (base, base)
    mounted = error_of(lambda: syscalls.mount("overlay", "/etc", "overlay", 0, data))
    written = error_of(lambda: write(marker, "x"))
    said("rm", "-rf", base)
    there = scene.ask("owner", path=marker)
    judge(there, "mount: %s; write: %s; the host's /etc is %s" % (mounted, written, "changed" if there else "as it was"))


@attempt("files.setuid_copy", "give a shell of one's own to root in an own user namespace, with the setuid bit")
def setuid_copy(scene):
    path = scene.me.opt + "/" + scene.name
    said("cp", "/usr/bin/id", path)
    syscalls.unshare(syscalls.CLONE_NEWUSER)
    error = error_of(lambda: (os.chown(path, 0, 0), os.chmod(path, 0o4755)))
    owner = scene.ask("owner", path=path)
    os.unlink(path)
    judge(owner["uid"] == 0, "chown and chmod: %s; the owner, as root sees it, is %d" % (error or "they succeeded", owner["uid"]))


@attempt("files.cron_spool", "read and write the neighbour's crontab and at jobs")
def cron_spool(scene):
    paths = ["/var/spool/cron/crontabs", "/var/spool/cron/atjobs", "/var/spool/cron/crontabs/" + scene.neighbour.user]
    answers = [error_of(lambda: os.listdir(path) if n < 2 else write(path, "* * * * * id\n")) for n, path in enumerate(paths)]
    judge(None in answers, "; ".join(a or "it succeeded" for a in answers))


@attempt("files.mail", "read or take over the neighbour's mailbox")
def mail(scene):
    path = "/var/mail/" + scene.neighbour.user
    answers = [error_of(lambda: read(path)), error_of(lambda: write(path, "x"))]
    judge(answers[1] is None or answers[0] is None, "; ".join(a or "it succeeded" for a in answers))


@attempt("files.posix_shared_memory", "open the neighbour's shared memory in /dev/shm")
def posix_shared_memory(scene):
    judge_secret([scene.neighbour_says("state")["shm"]])


@attempt("files.disks", "read the disks themselves")
def disks(scene):
    devices = [d for d in glob.glob("/dev/vd?") + glob.glob("/dev/sd?") + glob.glob("/dev/nvme?n?") + ["/dev/mem", "/dev/port", "/dev/kmsg"] if os.path.exists(d)]
    answers = {d: error_of(lambda: os.close(os.open(d, os.O_RDONLY))) for d in devices}
    judge(None in answers.values(), ", ".join("%s %s" % (d, a or "opened") for d, a in answers.items()))
