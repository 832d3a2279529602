"""Other CPUs, and more of the CPU than others get."""
import ctypes
import os
import struct
import threading
import time

import syscalls
from suite import (attempt, cpu_list, error_of, held, escaped, judge, need, not_applicable, read, refused, said, sleeper, spawn,
                   wait_for, write)
from userservice import run_in_user_service

CGROUPS = "/sys/fs/cgroup"


def my_cgroup():
    return CGROUPS + read("/proc/self/cgroup").split("::")[1]


def foreign(scene):
    if not scene.foreign_cpus:
        not_applicable("the unit has every CPU of the host")
    return scene.foreign_cpus


@attempt("cpu.taskset", "taskset -pc to every CPU of the host")
def taskset(scene):
    need("taskset")
    foreign(scene)
    process = sleeper()
    _, text = said("taskset", "-pc", "0-%d" % max(scene.all_cpus), str(process.pid))
    scene.judge_place(process.pid, text)


@attempt("cpu.one_foreign_cpu", "sched_setaffinity to each CPU outside the unit, one by one")
def one_foreign_cpu(scene):
    answers = {error_of(lambda: os.sched_setaffinity(0, {cpu})) for cpu in foreign(scene)}
    judge(None in answers, ", ".join(sorted(a or "it succeeded" for a in answers)))


@attempt("cpu.run_elsewhere", "sched_setaffinity to all CPUs, then busy threads on whatever CPU they get")
def run_elsewhere(scene):
    foreign(scene)
    error = error_of(lambda: os.sched_setaffinity(0, scene.all_cpus))
    seen, end = set(), time.monotonic() + 1.5

    def burn():
        os.sched_setaffinity(0, scene.all_cpus)
        while time.monotonic() < end:
            seen.add(syscalls.libc.sched_getcpu())

    threads = [threading.Thread(target=burn) for _ in range(6)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    judge(seen - scene.me.cpus, "%s; ran on CPUs %s" % (error or "the call succeeded", sorted(seen)))


@attempt("cpu.cpuset_write", "write every CPU into cpuset.cpus of the unit's slice")
def cpuset_write(scene):
    path = CGROUPS + scene.me.cgroup + "/cpuset.cpus"
    error = error_of(lambda: write(path, "0-%d" % max(scene.all_cpus)))
    process = sleeper()
    if error is None:
        scene.judge_place(process.pid, "the write succeeded")
    judge(scene.left_slice(process.pid), error)


def move(scene, target):
    process = sleeper()
    error = error_of(lambda: write(CGROUPS + target + "/cgroup.procs", str(process.pid)))
    scene.judge_place(process.pid, error or "the write succeeded")


@attempt("cpu.move_to_root_cgroup", "write a process into the root's cgroup.procs")
def move_to_root_cgroup(scene):
    move(scene, "")


@attempt("cpu.move_to_system_slice", "write a process into system.slice")
def move_to_system_slice(scene):
    move(scene, "/system.slice/cron.service")


@attempt("cpu.move_to_user_slice", "write a process into user.slice, above the unit")
def move_to_user_slice(scene):
    move(scene, "/user.slice")


@attempt("cpu.move_to_neighbour", "write a process into the neighbour's user manager")
def move_to_neighbour(scene):
    n = scene.neighbour
    move(scene, "%s/user@%d.service" % (n.cgroup, n.uid))


@attempt("cpu.make_cgroup_above", "mkdir of a cgroup beside the unit's slice")
def make_cgroup_above(scene):
    refused(lambda: os.mkdir(CGROUPS + "/user.slice/" + scene.name))


@attempt("cpu.user_service_cpus", "systemd-run --user -p AllowedCPUs= with every CPU")
def user_service_cpus(scene):
    foreign(scene)
    run_in_user_service(scene, "sleep", "60", properties=["AllowedCPUs=0-%d" % max(scene.all_cpus)],
                        then=lambda pid, text: scene.judge_place(pid, text))


@attempt("cpu.user_slice", "a slice of the user's own manager for a service")
def user_slice(scene):
    run_in_user_service(scene, "sleep", "60", properties=["Slice=escape.slice", "CPUWeight=10000"],
                        then=lambda pid, text: scene.judge_place(pid, text))


@attempt("cpu.enable_cpuset", "switch the cpuset controller on in the delegated subtree and widen it")
def enable_cpuset(scene):
    delegated = "%s%s/user@%d.service" % (CGROUPS, scene.me.cgroup, scene.me.uid)
    child = delegated + "/" + scene.name
    error = error_of(lambda: write(delegated + "/cgroup.subtree_control", "+cpuset"))
    try:
        os.mkdir(child)
        process = sleeper()
        wider = error_of(lambda: write(child + "/cpuset.cpus", "0-%d" % max(scene.all_cpus)))
        moved = error_of(lambda: write(child + "/cgroup.procs", str(process.pid)))
        scene.judge_place(process.pid, "+cpuset: %s; cpuset.cpus: %s; move: %s" % (error, wider, moved))
    except OSError as e:
        judge(error is None, "+cpuset: %s; mkdir: %s" % (error, e))


@attempt("cpu.partition", "make the own cgroup a cpuset partition root")
def partition(scene):
    delegated = "%s%s/user@%d.service" % (CGROUPS, scene.me.cgroup, scene.me.uid)
    answers = [error_of(lambda: write(path + "/cpuset.cpus.partition", "root"))
               for path in (CGROUPS + scene.me.cgroup, delegated)]
    effective = scene.slice("cpuset.cpus.effective")
    judge(cpu_list(effective) != scene.me.cpus, "%s; effective CPUs %s" % ("; ".join(map(str, answers)), effective))


@attempt("cpu.cgroup_namespace", "mount cgroup2 in an own user and cgroup namespace and write there")
def cgroup_namespace(scene):
    process = sleeper()
    error = error_of(lambda: syscalls.unshare(syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWCGROUP | syscalls.CLONE_NEWNS))
    if error:
        held("unshare: " + error)
    answers = []
    error = error_of(lambda: syscalls.mount("none", "/mnt", "cgroup2"))
    answers.append("mount: %s" % error)
    for file, text in (("cpuset.cpus", "0-%d" % max(scene.all_cpus)), ("pids.max", "max"), ("memory.max", "max"),
                       ("cgroup.procs", str(process.pid)), ("../cgroup.procs", str(process.pid))):
        answers.append("%s: %s" % (file, error_of(lambda: write("/mnt/" + file, text))))
    changed = scene.slice("pids.max") != str(scene.me.tasks_max)
    judge(scene.left_slice(process.pid) or changed, "; ".join(answers))


@attempt("cpu.realtime", "SCHED_FIFO, which would starve everybody else on a CPU")
def realtime(scene):
    refused(lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50)))


@attempt("cpu.deadline", "SCHED_DEADLINE, which outranks even that")
def deadline(scene):
    attributes = struct.pack("IIQiIQQQ", 48, 6, 0, 0, 0, 10**7, 3 * 10**7, 3 * 10**7)
    refused(lambda: syscalls.syscall(syscalls.SCHED_SETATTR, 0, ctypes.c_char_p(attributes), 0))


@attempt("cpu.nice", "a negative nice value")
def nice(scene):
    refused(lambda: os.setpriority(os.PRIO_PROCESS, 0, -10))


@attempt("cpu.realtime_limit", "raise RLIMIT_RTPRIO and RLIMIT_NICE")
def realtime_limit(scene):
    import resource
    answers = []
    for name, number in (("RTPRIO", 14), ("NICE", 13)):
        try:
            resource.setrlimit(number, (99, 99))
            answers.append(None)
        except (OSError, ValueError) as e:
            answers.append(name + ": " + str(e))
    judge(None in answers, "; ".join(a or "raised" for a in answers))


@attempt("cpu.io_priority", "the realtime class of ionice")
def io_priority(scene):
    refused(lambda: syscalls.syscall(syscalls.IOPRIO_SET, 1, 0, 1 << 13))


@attempt("cpu.io_uring_worker", "a kernel worker of io_uring, made by the unit, on another CPU")
def io_uring_worker(scene):
    import uring
    foreign(scene)
    ring = uring.Ring()
    for _ in range(4):
        ring.read_pipe_asynchronously()
    workers = wait_for(lambda: uring.threads_named("iou-wrk"), 5)
    if not workers:
        not_applicable("io_uring made no worker")
    scene.judge_place(os.getpid(), "workers " + ", ".join("%s on %s" % w for w in workers))


@attempt("cpu.io_uring_poller", "a polling kernel thread of io_uring (SQPOLL), which spins on any CPU it likes")
def io_uring_poller(scene):
    import uring
    foreign(scene)
    ring = uring.Ring(uring.SQPOLL)
    pollers = wait_for(lambda: uring.threads_named("iou-sqp"), 5)
    if not pollers:
        not_applicable("io_uring made no poller")
    scene.judge_place(os.getpid(), "pollers " + ", ".join("%s on %s" % p for p in pollers))


@attempt("cpu.io_uring_pinned_poller", "a polling thread of io_uring pinned to a neighbour's CPU (SQ_AFF)")
def io_uring_pinned_poller(scene):
    import uring
    foreign(scene)
    cpu = min(scene.neighbour.cpus)
    try:
        ring = uring.Ring(uring.SQPOLL | uring.SQ_AFF, cpu)
    except OSError as e:
        held("io_uring_setup: %s" % e)
    pollers = wait_for(lambda: uring.threads_named("iou-sqp"), 5)
    scene.judge_place(os.getpid(), "pollers " + ", ".join("%s on %s" % p for p in pollers or []))
