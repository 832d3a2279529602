"""The escape suite: see docs/isolation.md.

    escape.zip tenant '{...}' [ATTEMPT...]   run attempts, as the tenant; a JSON object a line
    escape.zip witness '{...}'               look from outside, as root, until killed
    escape.zip tidy                          end what a witness left
    escape.zip list                          what there is to try
"""
import json
import sys

import suite
import witness
import neighbour
import cpu, numa, memory, tasks, transfer, ports, files, quotas, identities, processes, jobs, logins, logs, kernel


def tenant(values, *chosen):
    broken = []

    def report(line):
        if line["verdict"] == "broken":
            broken.append(line["id"])
        print(json.dumps(line), flush=True)

    unknown = set(chosen) - set(suite.registry)
    if unknown:
        raise SystemExit("no such attempts: " + ", ".join(sorted(unknown)))
    suite.run(json.loads(values), report, chosen or None)
    if broken:
        raise SystemExit("came to no verdict: " + ", ".join(broken))


def main(role="", *arguments):
    if role == "tenant":
        tenant(*arguments)
    elif role == "witness":
        witness.serve(json.loads(arguments[0]))
    elif role == "neighbour":
        neighbour.serve(json.loads(arguments[0]))
    elif role == "tidy":
        witness.tidy()
    elif role == "list":
        for item in suite.registry.values():
            print(item.name + "\t" + item.tried)
    else:
        raise SystemExit(__doc__)


main(*sys.argv[1:])
