# What NeighbourBench measures, on this machine's own first two CPUs and without units: separation.py [LOAD...]
# The measured program has the one CPU; what burns, everything else that runs here, and the kernel's unbound work, as init has it,
# the other. So it says what hardware does where an emulated host cannot. Needs root. With UNBOUND=anywhere the kernel's work
# stays on both. Prints a row for each load: medians of the pairs, and the ratio of the 99th percentiles.
import glob, os, signal, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
LOADS = ["cpu", "memory", "forks", "disk", "network", "everything"]
PAIRS, SECONDS, TURN, SETTLED = 5, 10, 0.5, 0.15
PORT = 21100
WORKQUEUES = "/sys/devices/virtual/workqueue/cpumask"


def on(cpu, *argv, **options):
    return subprocess.Popen(["taskset", "-c", str(cpu), *argv], **options)


def confine(cpus):
    """Lets every process that is there run on these CPUs only. Kernel threads that belong to a CPU stay there."""
    for task in glob.glob("/proc/[0-9]*/task/[0-9]*"):
        try:
            os.sched_setaffinity(int(os.path.basename(task)), cpus)
        except OSError:
            pass


def burners(group):
    """The processes of the group, but for zombies."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            fields = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(pid))
    return found


def turns(group, seconds):
    """Stops and continues what burns by turns. When each turn that counts began and ended, in microseconds."""
    told, stopped, end = [], False, time.monotonic() + seconds
    while time.monotonic() < end:
        stopped = not stopped
        os.killpg(group, signal.SIGSTOP if stopped else signal.SIGCONT)
        time.sleep(SETTLED)
        begin = time.monotonic()
        time.sleep(TURN - SETTLED)
        told.append((stopped, begin * 1e6, time.monotonic() * 1e6))
    os.killpg(group, signal.SIGCONT)
    return told


def latency(answers, told, stopped):
    took = sorted(t for due, t in answers if any(s == stopped and begin <= due < end for s, begin, end in told))
    return took[len(took) // 2], took[len(took) * 99 // 100]


def pair(group, number):
    program = on(1, "python3", f"{HERE}/latency.py", str(SECONDS + 1), str(PORT + number), stdout=subprocess.PIPE, text=True)
    told = turns(group, SECONDS)
    answers = [tuple(map(int, line.split())) for line in program.communicate()[0].splitlines()]
    return latency(answers, told, True), latency(answers, told, False)


def measure(load):
    with tempfile.TemporaryDirectory() as home:
        burner = on(0, "sh", f"{HERE}/burn.sh", load, start_new_session=True, env={**os.environ, "HOME": home})
        group = burner.pid
        burner.wait()
        pairs = [pair(group, number) for number in range(1 + PAIRS)][1:]
        while burners(group):
            os.killpg(group, signal.SIGKILL)
            time.sleep(0.1)
    alone, beside = zip(*pairs)
    ratios = [b[1] / a[1] for a, b in pairs]
    middle = statistics.median
    print(
        f"{load:12} {middle(a[0] for a in alone):12.0f} / {middle(a[1] for a in alone):7.0f}"
        f" {middle(b[0] for b in beside):12.0f} / {middle(b[1] for b in beside):7.0f}"
        f"   {middle(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})",
        flush=True,
    )


os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(50))
print(f"{'burning':12} {'alone median/p99 us':>22} {'beside median/p99 us':>22}   p99 ratio (min-max)", flush=True)
confine({0})
unbound = open(WORKQUEUES).read()
if os.environ.get("UNBOUND") != "anywhere":
    open(WORKQUEUES, "w").write("1")
try:
    for name in sys.argv[1:] or LOADS:
        measure(name)
finally:
    open(WORKQUEUES, "w").write(unbound)
    confine({0, 1})
