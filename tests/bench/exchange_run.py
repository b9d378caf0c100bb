"""exchange_run - one whole job between a broker and two companies, measured: what
`exchange` and `peers` share."""

import json
import pathlib
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "tests" / "integration"))
import harness  # noqa: E402

MEASURE = TOP / "scripts" / "demo-run"
POLICY = """version: 1
populations: {customers: matches, prospects: matches, open_opportunities: matches}
caps: {slots: 16777216, minimum_list: 1}
"""


def items(first, n):
    """Websites number `first` and on: scattered, as real names are (lists are sorted by key
    inside)."""
    return [f"acct{i * 2654435761 % (1 << 32):08x}.com" for i in range(first, first + n)]


def both_sides(n):
    """The items of two companies of n each, half of them in both."""
    return items(0, n), items(n - n // 2, n)


def write_list(path, websites):
    with open(path, "w", encoding="ascii") as out:
        out.write("Account ID,Website\n")
        out.writelines(f"{i},{website}\n" for i, website in enumerate(websites))


class Straight:
    """In the place of the tests' proxy, which keeps every byte: companies call the broker."""

    def __init__(self):
        self.target = None

    @property
    def address(self):
        return self.target

    def close(self):
        pass


def look(pid):
    return json.loads(subprocess.check_output([MEASURE, "--look", str(pid)]))


def job(world, path):
    """Runs one; returns what each party took and what the clients said."""
    before, began = look(world.broker.process.pid), time.monotonic()
    commands = {"a": world.a.command("run", world.b.name, "--wait", "3600", "--json"),
                "b": world.b.command("agent", "--once", "--wait", "3600", "--json")}
    running = {who: subprocess.Popen(
        [MEASURE, path / f"{who}.usage", *map(str, command)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) for who, command in commands.items()}
    parties = {}
    for who, process in running.items():
        said = process.communicate()[0]
        if process.returncode != 0:
            sys.exit(f"exchange: {who} failed")
        parties[who] = json.loads((path / f"{who}.usage").read_text()) | json.loads(said)
    wall = time.monotonic() - began
    after = look(world.broker.process.pid)
    parties["broker"] = {
        "wall_s": round(wall, 3), "cpu_s": round(after["cpu_s"] - before["cpu_s"], 3),
        "peak_kib": after["peak_kib"],
        "bytes_sent": sum(parties[who]["bytes_received"] for who in "ab"),
        "bytes_received": sum(parties[who]["bytes_sent"] for who in "ab")}
    return wall, parties


def measure(build, n):
    """A job of n accounts a side, half of them in both, by the programs of a build."""
    harness.use(build / "client" / "overlap", build / "server" / "overlapd")
    world = harness.World(front=Straight())
    lists = world.path / "a.csv", world.path / "b.csv"
    for path, websites in zip(lists, both_sides(n)):
        write_list(path, websites)
    (world.path / "policy.yaml").write_text(POLICY)
    began = time.monotonic()
    world.build(world.path / "policy.yaml", lists)
    print(f"set up in {time.monotonic() - began:.1f} s", file=sys.stderr)
    wall, parties = job(world, world.path)
    world.close()
    if {parties[who]["matches"] for who in "ab"} != {n // 2}:
        sys.exit("exchange: wrong number of matches")
    return {"accounts": n, "matches": parties["a"]["matches"], "wall_s": round(wall, 3),
            "import_s": round(world.import_s, 3), "kernel": parties["a"]["kernel"],
            "cores": len(harness.os.sched_getaffinity(0)), "parties": parties}
