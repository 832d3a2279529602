"""Logs, mail and terminals of others."""
import os
import socket
import time

from suite import attempt, error_of, escaped, held, judge, missing, need, not_applicable, read, refused, said, wait_for, write


@attempt("logs.journal", "read the journal of the system and of others")
def journal(scene):
    uid = str(os.getuid())
    code, text = said("journalctl", "-q", "--no-pager", "-o", "verbose", "--output-fields=_UID", "-n", "200")
    others = [word for word in text.split() if word.startswith("_UID=") and word != "_UID=" + uid]
    files = said("find", "/var/log/journal", "/run/log/journal", "-name", "system*.journal", "-readable")[1]
    judge(others or ".journal" in files.replace("find:", ""), "entries of others: %s; readable system journals: %s" % (
        sorted(set(others)) or "none", ".journal" in files))


@attempt("logs.files", "read the files of /var/log that others wrote")
def files(scene):
    interesting = [p for p in ("/var/log/syslog", "/var/log/auth.log", "/var/log/kern.log", "/var/log/btmp", "/var/log/messages") if os.path.exists(p)]
    if not interesting:
        held("there are none: the journal has everything")
    answers = [error_of(lambda: read(p)) for p in interesting]
    judge(None in answers, "; ".join(a or "read" for a in answers))


@attempt("logs.kernel", "read the kernel's messages")
def kernel(scene):
    code, text = said("dmesg")
    judge(code == 0, text)


@attempt("logs.forge", "log in the name of sshd")
def forge(scene):
    need("logger")
    marker = "%s Accepted publickey for root %d" % (scene.name, time.time())
    said("logger", "-t", "sshd", "-p", "auth.info", marker)
    entries = scene.ask("journal", marker=marker)
    if not entries:
        held("the journal did not take it")
    entry = entries[0]
    judge(entry["SYSLOG_IDENTIFIER"] == "sshd",
          "the journal shows it as %s's; its trusted field says _UID=%s" % (entry["SYSLOG_IDENTIFIER"], entry["_UID"]))


@attempt("logs.forge_trusted", "log with forged trusted fields: another user id, another unit")
def forge_trusted(scene):
    marker = "%s trusted %d" % (scene.name, time.time())
    message = "MESSAGE=%s\nPRIORITY=6\n_UID=0\n_SYSTEMD_UNIT=ssh.service\nSYSLOG_IDENTIFIER=x\n" % marker
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.sendto(message.encode(), "/run/systemd/journal/socket")
    entries = scene.ask("journal", marker=marker)
    if not entries:
        held("the journal did not take it")
    judge(entries[0]["_UID"] != str(os.getuid()), "the journal says _UID=%s" % entries[0]["_UID"])


@attempt("logs.erase", "erase, rotate or vacuum the journal")
def erase(scene):
    code, text = said("journalctl", "--rotate", "--vacuum-size=1")
    answers = [error_of(lambda: os.unlink("/var/log/" + name)) for name in ("wtmp", "lastlog", "btmp")]
    judge(code == 0 and "Vacuuming done" in text and "freed 0B" not in text or None in answers, "%s; %s" % (text, "; ".join(a or "deleted" for a in answers)))


@attempt("logs.terminal", "write to the neighbour's terminal")
def terminal(scene):
    path = scene.ask("terminal")
    error = error_of(lambda: write(path, scene.name))
    said("wall", scene.name)
    seen = wait_for(lambda: scene.name in scene.ask("terminal_said"), 1)
    judge(seen, "open %s: %s; what came there: %s" % (path, error or "opened", "the message" if seen else "nothing"))


@attempt("logs.terminal_input", "type into the neighbour's terminal (TIOCSTI)")
def terminal_input(scene):
    import fcntl
    path = scene.ask("terminal")

    def action():
        fd = os.open(path, os.O_RDONLY | os.O_NOCTTY)
        fcntl.ioctl(fd, 0x5412, b"x")

    refused(action)


@attempt("logs.mail_spool", "put a mailbox of the neighbour's name into /var/mail before there is one")
def mail_spool(scene):
    path = "/var/mail/" + scene.neighbour.user
    error = error_of(lambda: os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)))
    error is None and os.unlink(path)
    judge(error is None, error or "made")
