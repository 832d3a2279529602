"""The escape suite: see docs/isolation.md.

    escape.zip tenant '{...}' [ATTEMPT...]   run attempts, as the tenant; a JSON object a line
    escape.zip plant '{...}'                 leave what is to outlive the tenant's release, as the tenant
    escape.zip let_go '{...}' NAME           have the neighbour close what keeps the unit from being released
    escape.zip survivors '{...}'             say what of it is there, as the next tenant; a JSON object a line
    escape.zip witness '{...}'               look from outside, as root, until killed
    escape.zip tidy                          end what a witness left
    escape.zip list                          what there is to try
"""
import json
import sys

import suite
import survival
import witness
import neighbour
import cpu, numa, memory, tasks, transfer, ports, files, quotas, identities, processes, jobs, logins, logs, kernel


def tenant(values, *chosen):
    unknown = set(chosen) - set(suite.registry)
    if unknown:
        raise SystemExit("no such attempts: " + ", ".join(sorted(unknown)))
    run(values, [item for item in suite.registry.values() if not chosen or item.name in chosen])


def plant(values):
    for item in survival.registry.values():
        item.function.plant(suite.Scene(json.loads(values), item.number))


def let_go(values, name):
    suite.Scene(json.loads(values)).neighbour_says("let_go", name=name)


def run(values, items):
    broken = []

    def report(line):
        if line["verdict"] == "broken":
            broken.append(line["id"])
        print(json.dumps(line), flush=True)

    suite.run(json.loads(values), report, items)
    if broken:
        raise SystemExit("came to no verdict: " + ", ".join(broken))


def main(role="", *arguments):
    if role == "tenant":
        tenant(*arguments)
    elif role == "plant":
        plant(*arguments)
    elif role == "let_go":
        let_go(*arguments)
    elif role == "survivors":
        run(arguments[0], list(survival.registry.values()))
    elif role == "witness":
        witness.serve(json.loads(arguments[0]))
    elif role == "neighbour":
        neighbour.serve(json.loads(arguments[0]))
    elif role == "tidy":
        witness.tidy()
    elif role == "list":
        for item in [*suite.registry.values(), *survival.registry.values()]:
            print(item.name + "\t" + item.tried)
    else:
        raise SystemExit(__doc__)


main(*sys.argv[1:])
