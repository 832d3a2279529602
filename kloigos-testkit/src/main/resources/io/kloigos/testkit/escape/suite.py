"""What an attempt to leave a unit is, and how all of them run."""
import errno
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import traceback

WITNESS = "/run/kloigos-escape/witness"
MIB = 1 << 20

registry = {}


class Verdict(Exception):
    """How an attempt ended, and what the kernel or a daemon said."""

    def __init__(self, name, answered):
        super().__init__(answered)
        self.name, self.answered = name, str(answered)


def held(answered):
    raise Verdict("held", answered)


def escaped(answered):
    raise Verdict("escaped", answered)


def not_applicable(reason):
    raise Verdict("not_applicable", reason)


def judge(left, answered):
    """Escaped if `left`; either way with what was seen."""
    (escaped if left else held)(answered)


def attempt(name, tried, alone=False, limit=60, registry=registry):
    """Registers an attempt: AREA.NAME, what it tries, whether it disturbs others, and the seconds it may take."""

    def register(function):
        if name in registry:
            raise ValueError("two attempts are called " + name)
        registry[name] = Attempt(name, tried, alone, limit, function, len(registry))
        return function

    return register


class Attempt:
    def __init__(self, name, tried, alone, limit, function, number):
        self.name, self.tried, self.alone, self.limit = name, tried, alone, limit
        self.function, self.number = function, number


def error_of(action):
    """Runs `action` and returns its error as text, or None if it succeeded."""
    try:
        action()
        return None
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e.errno)) + ": " + (e.strerror or str(e))


def refused(action):
    """For system calls whose own answer is the whole truth: held if refused, escaped if it succeeded."""
    error = error_of(action)
    judge(error is None, error or "it succeeded")


def missing(program):
    return not any(os.access(os.path.join(d, program), os.X_OK) for d in ("/usr/bin", "/bin", "/usr/sbin", "/sbin"))


def need(program):
    if missing(program):
        not_applicable(program + " is not installed")


def said(*argv, stdin="", seconds=50):
    """Runs a program and returns (exit code, what it said in one line). One that says nothing in time proves nothing."""
    environment = dict(os.environ, LC_ALL="C", SYSTEMD_COLORS="0", PATH="/usr/bin:/bin:/usr/sbin:/sbin")
    try:
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=seconds, env=environment)
    except OSError as e:
        return 127, str(e)
    text = " ".join((done.stdout + " " + done.stderr).split())
    return done.returncode, (text or "exit code %d" % done.returncode)[:300]


def python(code, *arguments):
    """Argument vector of a Python program that knows the suite's modules."""
    return [sys.executable, "-c", "import sys; sys.path.insert(0, %r)\n%s" % (archive(), code), *arguments]


def archive():
    return os.path.dirname(os.path.abspath(__file__)) if not __file__.count(".zip") else __file__.split(".zip")[0] + ".zip"


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def read(path):
    with open(path) as file:
        return file.read().strip()


def wait_for(condition, seconds):
    """Returns the first true value of `condition`, or its last one after that many seconds."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.1)


def cpu_list(text):
    """The CPUs of a list such as 0-3,8."""
    cpus = set()
    for part in filter(None, text.strip().split(",")):
        first, _, last = part.partition("-")
        cpus.update(range(int(first), int(last or first) + 1))
    return cpus


class Unit:
    """A tenant as the control plane sees it."""

    def __init__(self, values):
        self.user, self.uid = values["user"], values["uid"]
        self.cpus, self.nodes = cpu_list(values["cpus"]), cpu_list(values["nodes"])
        self.first_port, self.last_port = values["ports"]
        self.home, self.opt, self.mnt = values["directories"]
        self.memory_max, self.tasks_max = values["memory_max"], values["tasks_max"]
        self.disks, self.io = values["disks"], values["io"]
        self.cgroup = "/user.slice/user-%d.slice" % self.uid


class Scene:
    """What an attempt knows: who it is, who its neighbour is, and whom to ask what really happened."""

    def __init__(self, values, number=0):
        self.values = values
        self.me, self.neighbour = Unit(values["tenant"]), Unit(values["neighbour"])
        self.number = number
        self.all_cpus = cpu_list(read("/sys/devices/system/cpu/online"))
        self.all_nodes = cpu_list(read("/sys/devices/system/node/online"))
        self.foreign_cpus = self.all_cpus - self.me.cpus
        # One for each attempt, so that they can run side by side.
        self.nobodys_port = 18000 + number
        self.neighbours_port = self.neighbour.first_port + 20 + number % 120
        self.name = "kloigos-escape-%d-%d" % (self.me.uid, number)

    def ask(self, question, **arguments):
        """What the witness, who is root and outside the unit, sees."""
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(WITNESS)
        except OSError as e:
            not_applicable("no witness to ask: %s" % e)
        with connection:
            connection.sendall(json.dumps(dict(arguments, question=question)).encode() + b"\n")
            answer = json.loads(connection.makefile().readline() or '{"error": "the witness fell silent"}')
        if "error" in answer:
            raise RuntimeError("the witness cannot answer %s %s: %s" % (question, arguments, answer["error"]))
        return answer["answer"]

    def neighbour_says(self, question, **arguments):
        """What the neighbour, in its own unit, sees."""
        answer = self.ask("ask_neighbour", arguments=dict(arguments, question=question))
        if isinstance(answer, dict) and "broken" in answer:
            raise RuntimeError("the neighbour cannot answer %s: %s" % (question, answer["broken"]))
        return answer

    def keep(self, name, value):
        """Has the witness remember something beyond the release of the unit."""
        self.ask("keep", name=name, value=value)

    def kept(self, name):
        return self.ask("kept", name=name)

    def slice(self, file):
        """A file of the unit's own slice, as root reads it."""
        return self.ask("slice", file=file)

    def left_slice(self, pid):
        """Where a process is, if that is outside the unit's slice or CPUs; else None."""
        place = self.ask("where", pid=pid)
        if place is None:
            return None
        if not (place["cgroup"] + "/").startswith(self.me.cgroup + "/"):
            return "in " + place["cgroup"]
        outside = [cpus for cpus in place["cpus"] if cpu_list(cpus) - self.me.cpus]
        return "on CPUs " + ", ".join(outside) if outside else None

    def judge_place(self, pid, said=""):
        """Held if the process still is in the unit's slice and on its CPUs."""
        left = self.left_slice(pid)
        place = self.ask("where", pid=pid)
        if place is None:
            held("%s; the process ended" % said)
        seen = "%s; runs in %s on CPUs %s" % (said, place["cgroup"], ",".join(sorted(set(place["cpus"]))))
        judge(left, seen.lstrip("; "))


def spawn(*argv, **options):
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)


def sleeper(seconds=60):
    return spawn("sleep", str(seconds))


class Running:
    """An attempt in a process and a process group of its own."""

    def __init__(self, item, values):
        self.item = item
        self.reader, writer = os.pipe()
        self.began = time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            os.close(self.reader)
            os.write(writer, json.dumps(outcome(item, values)).encode())
            os._exit(0)
        os.close(writer)

    def is_late(self):
        return time.monotonic() - self.began > self.item.limit

    def end(self):
        """Returns its report, after whatever it left in its group is gone."""
        data = b""
        while select.select([self.reader], [], [], 0)[0]:
            part = os.read(self.reader, 65536)
            if not part:
                break
            data += part
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except OSError:
            pass
        os.waitpid(self.pid, 0)
        os.close(self.reader)
        report = json.loads(data) if data else {"verdict": "broken", "answered": "no verdict within %d s" % self.item.limit}
        area, _, _ = self.item.name.partition(".")
        return {"id": self.item.name, "area": area, "tried": self.item.tried,
                "answered": report["answered"], "verdict": report["verdict"],
                "seconds": round(time.monotonic() - self.began, 1)}


def outcome(item, values):
    try:
        item.function(Scene(values, item.number))
        return {"verdict": "broken", "answered": "it came to no verdict"}
    except Verdict as verdict:
        return {"verdict": verdict.name, "answered": verdict.answered}
    except BaseException:
        return {"verdict": "broken", "answered": " ".join(traceback.format_exc().split())[-600:]}


def run(values, report, items, side_by_side=6):
    """Runs the attempts, those that disturb others last and one by one, and reports each as it ends."""
    for item in items:
        if item.function.__dict__.get("begin"):
            item.function.begin(Scene(values, item.number))
    run_some([item for item in items if not item.alone], values, report, side_by_side)
    run_some([item for item in items if item.alone], values, report, 1)


def run_some(waiting, values, report, side_by_side):
    # The longest first, so that none is left to run alone at the end.
    waiting = sorted(waiting, key=lambda item: item.limit)
    running = []
    while waiting or running:
        while waiting and len(running) < side_by_side:
            running.append(Running(waiting.pop(), values))
        ready, _, _ = select.select([each.reader for each in running], [], [], 0.5)
        for each in list(running):
            if each.reader in ready or each.is_late():
                running.remove(each)
                report(each.end())
