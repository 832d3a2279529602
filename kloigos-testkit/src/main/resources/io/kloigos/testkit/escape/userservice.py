"""Running something by the tenant's own systemd."""
import os

from suite import held, said, wait_for


def environment():
    os.environ.setdefault("XDG_RUNTIME_DIR", "/run/user/%d" % os.getuid())


def main_pid(name):
    _, text = said("systemctl", "--user", "show", "-p", "MainPID", "--value", name)
    return int(text) if text.isdigit() else 0


def run_in_user_service(scene, *argv, properties=(), then):
    """Starts a service of the user's manager and calls `then` with its pid and what systemd said; it is stopped after."""
    environment()
    name = scene.name + ".service"
    options = [word for each in properties for word in ("-p", each)]
    code, text = said("systemd-run", "--user", "--collect", "--unit=" + name, *options, *argv)
    if code:
        held("systemd: " + text)
    try:
        pid = wait_for(lambda: main_pid(name), 10)
        then(pid, "systemd: " + text) if pid else held("systemd: the service ended at once")
    finally:
        said("systemctl", "--user", "stop", "--no-block", name)
