"""More processes and threads than the unit has."""
import os
import signal
import subprocess
import time

from suite import attempt, error_of, held, judge, python, read, said, write
from userservice import environment

FORKS = """
import os, time
pids = []
try:
    while len(pids) < int(sys.argv[1]):
        pid = os.fork()
        if pid == 0:
            time.sleep(60); os._exit(0)
        pids.append(pid)
    print(len(pids), 'all of them', flush=True)
except OSError as e:
    print(len(pids), e, flush=True)
sys.stdin.read()
for pid in pids: os.kill(pid, 9)
"""
THREADS = """
import threading, time
threading.stack_size(65536)
done = threading.Event(); n = 0
try:
    while n < int(sys.argv[1]):
        threading.Thread(target=done.wait, daemon=True).start(); n += 1
    print(n, 'all of them', flush=True)
except RuntimeError as e:
    print(n, e, flush=True)
sys.stdin.read()
"""


def bomb(scene, code, prefix=()):
    wanted = scene.me.tasks_max + 16
    process = subprocess.Popen([*prefix, *python(code, str(wanted))], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
    line = process.stdout.readline().strip()
    current = int(scene.slice("pids.current"))
    process.stdin.close()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
    number = line.split()[0] if line.split() else "0"
    if not number.isdigit():
        held(line)
    judge(int(number) > scene.me.tasks_max or current > scene.me.tasks_max,
          "%s; pids.current %d of %d" % (line, current, scene.me.tasks_max))


@attempt("tasks.fork", "fork more processes than pids.max", alone=True)
def fork(scene):
    bomb(scene, FORKS)


@attempt("tasks.threads", "start more threads than pids.max", alone=True)
def threads(scene):
    bomb(scene, THREADS)


@attempt("tasks.user_service", "fork in a user scope with TasksMax=infinity", alone=True)
def user_service(scene):
    environment()
    bomb(scene, FORKS, ["systemd-run", "--user", "-q", "--scope", "-p", "TasksMax=infinity"])


@attempt("tasks.pid_namespace", "fork in an own user and process namespace", alone=True)
def pid_namespace(scene):
    bomb(scene, FORKS, ["unshare", "-Urpf"])


@attempt("tasks.write_limit", "write max into pids.max of the slice")
def write_limit(scene):
    error = error_of(lambda: write("/sys/fs/cgroup%s/pids.max" % scene.me.cgroup, "max"))
    judge(scene.slice("pids.max") != str(scene.me.tasks_max), error or "it succeeded")


@attempt("tasks.pid_max", "raise or lower kernel.pid_max for everybody")
def pid_max(scene):
    from suite import refused
    refused(lambda: write("/proc/sys/kernel/pid_max", "400"))
