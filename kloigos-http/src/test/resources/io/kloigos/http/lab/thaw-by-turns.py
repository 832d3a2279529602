# Freezes and thaws a slice by turns, half a second each: thaw-by-turns.py SECONDS SLICE
# Prints when each turn that counts began and ended, on the monotonic clock, in microseconds: frozen|thawed BEGIN END
# What happens right after a change counts for neither.
import sys, time

TURN, SETTLED = 0.5, 0.15
freeze = f"/sys/fs/cgroup/user.slice/{sys.argv[2]}/cgroup.freeze"
end = time.monotonic() + float(sys.argv[1])
frozen = False
while time.monotonic() < end:
    frozen = not frozen
    with open(freeze, "w") as file:
        file.write("1" if frozen else "0")
    time.sleep(SETTLED)
    begin = time.monotonic()
    time.sleep(TURN - SETTLED)
    print("frozen" if frozen else "thawed", round(begin * 1e6), round(time.monotonic() * 1e6))
with open(freeze, "w") as file:
    file.write("0")
