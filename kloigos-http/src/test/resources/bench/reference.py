"""An application of the shape that Kloigos replaces, to compare with: FastAPI, one SQLite table, a commit for each status.

Usage: reference.py DATABASE PORT UNITS
"""

import json
import os
import sqlite3
import sys
from typing import Any, Dict, List, Optional

import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

database, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
COLUMNS = ["compute_id", "hostname", "ip", "region", "zone", "cpu_range", "cpu_count", "ports_range", "status", "tags"]


class AllocateRequest(BaseModel):
    cpu_count: Optional[int] = 4
    region: Optional[str] = None
    zone: Optional[str] = None
    tags: Dict[str, Any] = {}
    ssh_public_key: str = ""


class ComputeUnit(BaseModel):
    compute_id: str
    hostname: str
    ip: str
    region: str
    zone: str
    cpu_range: str
    cpu_count: int
    ports_range: str
    status: str
    tags: Dict[str, Any]


def connect() -> sqlite3.Connection:
    connection = sqlite3.connect(database, timeout=30)
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def create() -> None:
    connection = connect()
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute(
        "CREATE TABLE units (compute_id TEXT PRIMARY KEY, hostname TEXT, ip TEXT, region TEXT, zone TEXT,"
        " cpu_range TEXT, cpu_count INTEGER, ports_range TEXT, status TEXT, tags TEXT)"
    )
    connection.execute("CREATE INDEX by_status ON units (status, cpu_count)")
    connection.executemany("INSERT INTO units VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", map(unit, range(count)))
    connection.commit()
    connection.close()


def unit(index: int) -> tuple:
    host, place = f"host{index // 63}", index % 63 * 4 + 4
    cpus = f"{place}-{place + 3}"
    ports = f"{2000 + index % 63 * 200}-{2200 + index % 63 * 200}"
    return f"{host}_{cpus}", host, "10.0.0.1", "eu", "a", cpus, 4, ports, "free", "{}"


def answer(row: tuple) -> ComputeUnit:
    fields = dict(zip(COLUMNS, row))
    fields["tags"] = json.loads(fields["tags"])
    return ComputeUnit(**fields)


def run_playbook(found: tuple) -> None:
    """The host takes no time here either."""


app = FastAPI()


@app.post("/api/compute_units/allocate", response_model=ComputeUnit)
def allocate(request: AllocateRequest) -> ComputeUnit:
    connection = connect()
    try:
        found = connection.execute(
            "SELECT * FROM units WHERE status = 'free' AND cpu_count = ? LIMIT 1", (request.cpu_count,)
        ).fetchone()
        if found is None:
            raise HTTPException(status_code=409, detail="No free compute unit")
        change(connection, found[0], "allocating", request.tags)
        run_playbook(found)
        change(connection, found[0], "allocated", request.tags)
        return answer(connection.execute("SELECT * FROM units WHERE compute_id = ?", (found[0],)).fetchone())
    finally:
        connection.close()


def change(connection: sqlite3.Connection, compute_id: str, status: str, tags: Dict[str, Any]) -> None:
    connection.execute(
        "UPDATE units SET status = ?, tags = ? WHERE compute_id = ?", (status, json.dumps(tags), compute_id)
    )
    connection.commit()


@app.get("/api/compute_units", response_model=List[ComputeUnit])
def units() -> List[ComputeUnit]:
    connection = connect()
    try:
        return [answer(row) for row in connection.execute("SELECT * FROM units")]
    finally:
        connection.close()


@app.get("/api/healthz")
def healthz() -> Dict[str, str]:
    return {"status": "ok"}


if not os.path.exists(database):
    create()
uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
