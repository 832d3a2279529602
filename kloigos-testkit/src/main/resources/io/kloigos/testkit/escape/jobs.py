"""What is started later by somebody else: where does it run?"""
import os
import smtplib
import subprocess
import time

from suite import attempt, cpu_list, error_of, escaped, held, judge, missing, need, not_applicable, read, refused, said, wait_for, write
from userservice import environment

# A job says where it runs: its cgroup and its CPUs.
TELL = "(cat /proc/self/cgroup; grep Cpus_allowed_list /proc/self/status) > %s.part && mv %s.part %s"


def result_file(scene):
    return scene.me.home + "/" + scene.name


def command(scene):
    path = result_file(scene)
    return TELL % (path, path, path)


def judge_job(scene, seconds, said=""):
    path = result_file(scene)
    if not wait_for(lambda: os.path.exists(path), seconds):
        not_applicable("%s; the job did not run within %d s" % (said, seconds))
    lines = read(path).splitlines()
    os.unlink(path)
    cgroup, cpus = lines[0].split("::")[1], lines[1].split()[1]
    judge(not cgroup.startswith(scene.me.cgroup + "/") or cpu_list(cpus) - scene.me.cpus,
          "%sran in %s on CPUs %s" % (said + "; " if said else "", cgroup, cpus))


def begins(setup):
    """Lets an attempt be prepared before all others, since cron looks once a minute."""

    def mark(function):
        function.begin = setup
        return function

    return mark


def plant_crontab(scene):
    if missing("crontab"):
        return
    error_of(lambda: os.unlink(result_file(scene)))
    said("crontab", "-", stdin="* * * * * [ -e %s ] || { %s; }\n" % (result_file(scene), command(scene)))


@attempt("jobs.cron", "a crontab", limit=110)
@begins(plant_crontab)
def cron(scene):
    need("crontab")
    try:
        judge_job(scene, 100)
    finally:
        said("crontab", "-r")


def plant_at(scene):
    if not missing("at"):
        error_of(lambda: os.unlink(result_file(scene)))
        said("at", "now", stdin=command(scene) + "\n")


@attempt("jobs.at", "an at job", limit=110)
@begins(plant_at)
def at(scene):
    need("at")
    judge_job(scene, 100)


def plant_batch(scene):
    if not missing("batch"):
        error_of(lambda: os.unlink(result_file(scene)))
        said("batch", stdin=command(scene) + "\n")


@attempt("jobs.batch", "a batch job, which waits for a low load", limit=110)
@begins(plant_batch)
def batch(scene):
    need("batch")
    judge_job(scene, 100)


@attempt("jobs.user_timer", "a timer of the user manager")
def user_timer(scene):
    environment()
    code, text = said("systemd-run", "--user", "--collect", "--on-active=1s", "--timer-property=AccuracySec=100ms", "--unit=" + scene.name,
                      "sh", "-c", command(scene))
    if code:
        held("systemd: " + text)
    judge_job(scene, 20)


@attempt("jobs.path_unit", "a path unit of the user manager")
def path_unit(scene):
    environment()
    watched = scene.me.home + "/%s-watched" % scene.name
    code, text = said("systemd-run", "--user", "--collect", "--path-property=PathExists=" + watched, "--unit=" + scene.name, "sh", "-c",
                      "%s; rm %s" % (command(scene), watched))
    if code:
        held("systemd: " + text)
    write(watched, "")
    judge_job(scene, 20)


@attempt("jobs.system_crontab", "write into /etc/cron.d and the crontabs of others")
def system_crontab(scene):
    answers = [error_of(lambda: write(path, "* * * * * root id\n")) for path in
               ("/etc/cron.d/kloigos-escape", "/etc/crontab", "/etc/cron.hourly/kloigos-escape", "/var/spool/cron/crontabs/root")]
    judge(None in answers, "; ".join(a or "written" for a in answers))


@attempt("jobs.crontab_of_neighbour", "crontab -u of the neighbour")
def crontab_of_neighbour(scene):
    need("crontab")
    code, text = said("crontab", "-u", scene.neighbour.user, "-", stdin="* * * * * id\n")
    judge(code == 0, text)


@attempt("survival.double_fork", "a daemon in a session of its own, whose parents have gone")
def double_fork(scene):
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.setsid()
            os.write(writer, b"%d" % os.getpid())
            time.sleep(20)
        os._exit(0)
    os.wait()
    scene.judge_place(int(os.read(reader, 20)), "reparented")


@attempt("survival.user_namespace", "a daemon in own user, process, mount and cgroup namespaces")
def user_namespace(scene):
    process = subprocess.Popen(["unshare", "-UrmpCf", "sleep", "20"], stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    if process.poll() is not None:
        held(process.stderr.read())
    scene.judge_place(process.pid, "unshared")


@attempt("jobs.mail_forward", "mail to itself, which ~/.forward gives to a program")
def mail_forward(scene):
    if missing("sendmail"):
        not_applicable("no mail transfer agent is installed")
    forward, script = scene.me.home + "/.forward", result_file(scene) + ".sh"
    write(script, "#!/bin/sh\ncat > /dev/null\n" + command(scene) + "\n")
    os.chmod(script, 0o700)
    write(forward, '"|%s"\n' % script)
    address = scene.me.user + "@localhost"
    try:
        # From the daemon, not from a program of the unit's own, if that is possible.
        smtplib.SMTP("127.0.0.1", timeout=10).sendmail(address, [address], "Subject: kloigos-escape\n\nhello\n")
        answer = "sent by SMTP"
    except OSError as e:
        answer = "SMTP: %s; sendmail: %s" % (e, said("sendmail", address, stdin="Subject: kloigos-escape\n\nhello\n")[1])
    try:
        judge_job(scene, 40, answer)
    finally:
        os.unlink(forward)
        os.unlink(script)
