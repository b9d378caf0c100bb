"""harness - a real broker and real companies for the integration tests.

A test program defines unittest cases and ends with `harness.main()`.  It is run as
`test_X.py OVERLAP OVERLAPD`: the two programs under test.  Everything lives in one
temporary directory that is removed at the end; OVERLAP_KEEP=1 keeps it and says where.
Processes are waited for by what they say, never by time; all ports are free ones.
"""

import atexit
import contextlib
import csv
import io
import json
import os
import pathlib
import queue
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DATA = SOURCE / "tests" / "data"
PATIENCE = int(os.environ.get("OVERLAP_PATIENCE", "120"))  # seconds; only failures need it
SAMPLES = DATA / "sample_a.csv", DATA / "sample_b.csv"

# `overlap`'s exit codes (client/exit.h)
OK, FAILURE, USAGE, PEER, WAITING, AGAIN = range(6)

overlap = overlapd = None
_live = []  # processes that must not outlive the test


def main():
    """Runs the cases of the calling program; its exit status is the test's."""
    if len(sys.argv) < 3:
        sys.exit(f"usage: {sys.argv[0]} OVERLAP OVERLAPD [UNITTEST ARGUMENTS]")
    use(*sys.argv[1:3])
    # a terminated test still ends what it started
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    unittest.main(argv=[sys.argv[0], "-v"] + sys.argv[3:], module="__main__",
                  warnings="ignore")  # of sockets that the end of the test closes


def use(client, broker):
    """Sets the programs under test."""
    global overlap, overlapd
    overlap, overlapd = (str(pathlib.Path(p).resolve()) for p in (client, broker))
    for program in (overlap, overlapd):
        if not os.access(program, os.X_OK):
            sys.exit(f"{program} is not a program")


def needs_clock():
    """Skips in a build whose clock cannot be moved."""
    with open(overlap, "rb") as f:
        if b"OVERLAP_CLOCK_SHIFT" not in f.read():
            raise unittest.SkipTest("built without crash points")


@atexit.register
def _end_all():
    for process in _live:
        if process.poll() is None:
            process.kill()
            process.wait()


def scratch():
    """A new directory, removed when the test program ends."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="overlap-test-"))
    if os.environ.get("OVERLAP_KEEP"):
        print(f"kept: {path}", file=sys.stderr)
    else:
        atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def spawn(command, log, env=None, **options):
    """Starts a program whose standard error goes to the end of the file `log`."""
    with open(log, "ab") as err:
        process = subprocess.Popen(
            [str(c) for c in command], stdin=subprocess.DEVNULL, stderr=err,
            env={**os.environ, **(env or {})}, **options)
    _live.append(process)
    return process


class Failed(AssertionError):
    """A program ended otherwise than the test expects."""

    def __init__(self, command, result):
        self.code = result.returncode
        super().__init__(
            f"{' '.join(command)}\n  exit {result.returncode}\n"
            f"  stdout: {result.stdout}\n  stderr: {result.stderr}")


def finish(command, code, env=None):
    """Runs a program to its end and demands its exit code (None: any)."""
    command = [str(c) for c in command]
    result = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        env={**os.environ, **(env or {})}, timeout=PATIENCE)
    if code is not None and result.returncode != code:
        raise Failed(command, result)
    return result


class Connection:
    """One TCP connection through a proxy."""

    def __init__(self, proxy, near, far):
        self.ends = near, far
        self.ended = threading.Event()
        self.copiers = 2
        for source, sink in ((near, far), (far, near)):
            threading.Thread(
                target=self._copy, args=(proxy, source, sink), daemon=True).start()

    def _copy(self, proxy, source, sink):
        try:
            while data := source.recv(1 << 16):
                proxy.keep(data)
                sink.sendall(data)
        except OSError:
            pass
        # both copiers come here: the first wakes the other, the last closes
        for end in self.ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with proxy.lock:
            self.copiers -= 1
            if self.copiers == 0:
                for end in self.ends:
                    end.close()
        self.ended.set()


class Proxy:
    """Forwards TCP between companies and broker and keeps every byte of both ways.

    Its address stays while the broker behind it may be killed and come back elsewhere.
    """

    def __init__(self):
        self.target = None
        self.seen = bytearray()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.connections = queue.Queue()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                host, port = self.target.rsplit(":", 1)
                far = socket.create_connection((host, int(port)))
            except (OSError, AttributeError):
                near.close()  # no broker there
                continue
            self.connections.put(Connection(self, near, far))

    def keep(self, data):
        with self.lock:
            self.seen += data

    def next_connection(self):
        """The oldest that was not asked for yet; waits for one."""
        return self.connections.get(timeout=PATIENCE)

    def forget(self):
        """Connections so far are of no interest to next_connection."""
        while not self.connections.empty():
            self.connections.get()

    def close(self):
        self.listener.close()


class Broker:
    """An `overlapd` of its own, reached by companies through a proxy."""

    def __init__(self, home, front=None):
        self.home = pathlib.Path(home)
        self.log = self.home.with_suffix(".log")
        self.front = front or Proxy()
        self.enrolment = None
        self.process = None

    def init(self):
        self("init", "--host", "127.0.0.1")

    def __call__(self, verb, *words, code=OK):
        """Runs `overlapd VERB --home HOME WORDS...`; returns what it prints."""
        return finish([overlapd, verb, "--home", self.home, *words], code).stdout

    def start(self, env=None):
        """Serves; returns when it says that it is ready.  False if it died first."""
        self.process = spawn(
            [overlapd, "serve", "--home", self.home, "--listen", "127.0.0.1:0",
             "--enrolment", "127.0.0.1:0", "--verbose"],
            self.log, env=env, stdout=subprocess.PIPE, text=True)
        ports = {}
        for line in self.process.stdout:
            if line.strip() == "ready":
                break
            name, port = line.split()
            ports[name] = "127.0.0.1:" + port
        else:
            return False
        self.front.target = ports["companies"]
        self.enrolment = ports["enrolment"]
        return True

    def stop(self):
        """A clean shutdown; returns the exit code."""
        self.process.terminate()
        self.process.stdout.close()
        return self.process.wait(PATIENCE)

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.stdout.close()
            self.process.wait(PATIENCE)

    def enroll(self, name):
        return self("enroll", name).strip()


class Company:
    """One company's `overlap` and its home."""

    def __init__(self, home, name):
        self.home, self.name = pathlib.Path(home), name
        self.log = self.home.with_suffix(".log")
        self.env = {}  # of everything that it runs

    def command(self, *words):
        return [overlap, "--home", self.home, *words]

    def __call__(self, *words, code=OK, env=None):
        """Runs a verb, which must end with this exit code; returns what it prints."""
        return finish(self.command(*words), code, {**self.env, **(env or {})}).stdout

    def fails(self, *words, code, says=()):
        """Runs a verb that must fail so and tell the user these things."""
        text = finish(self.command(*words), code, self.env).stderr
        for word in says:
            if word not in text:
                raise AssertionError(f"{words}: not told {word!r} but: {text}")
        return text

    def json(self, *words):
        return json.loads(self(*words, "--json"))

    def spawn(self, *words, env=None):
        return spawn(self.command(*words), self.log, env={**self.env, **(env or {})},
                     stdout=subprocess.DEVNULL)

    def join(self, broker, token=None):
        self("join", token or broker.enroll(self.name), *self._addresses(broker))

    def join_fails(self, broker, token, name):
        self.fails("join", token, *self._addresses(broker), code=USAGE, says=[name])

    @staticmethod
    def _addresses(broker):
        return "--broker", broker.front.address, "--enrol", broker.enrolment

    def mail(self):
        """Fetches and works on what waits at the broker."""
        return self("inbox")

    def matches(self, partner):
        """The rows of `overlap matches --csv`."""
        text = self("matches", partner.name, "--csv", "-")
        return list(csv.DictReader(io.StringIO(text, newline="")))

    def has_report(self, partner):
        command = list(map(str, self.command("report", partner.name)))
        code = subprocess.run(command, capture_output=True).returncode
        if code not in (OK, USAGE, WAITING):
            raise AssertionError(f"report: exit {code}")
        return code == OK

    def keys(self):
        """The normalised keys of its book, as the home's database has them."""
        with contextlib.closing(sqlite3.connect(self.home / "overlap.db")) as db:
            for (packed,) in db.execute("SELECT keys FROM book_record"):
                while packed:  # rank, source, length, value
                    yield packed[3:3 + packed[2]].decode()
                    packed = packed[3 + packed[2]:]


def invitation(company):
    return company.json("partner", "invite")["code"]


def accept(inviter, company, code):
    company("partner", "accept", code)
    inviter.mail()
    company.mail()


def pair(a, b):
    """Makes two companies partners."""
    accept(a, b, invitation(a))


def agree(a, b, policy, other=None):
    """Puts terms in force between partners; b's policy is the other one, if given."""
    terms = "partner", "terms"
    a(*terms, b.name, "--policy", policy, "--yes", code=WAITING)
    b.mail()
    code = finish(b.command(*terms, a.name, "--policy", other or policy, "--yes"),
                  None).returncode
    if code not in (OK, WAITING):
        raise AssertionError(f"terms: exit {code}")
    for company in (a, b, a):
        company.mail()


class World:
    """A broker that serves, and two companies: partners with terms and lists."""

    def __init__(self, path=None, front=None):
        self.path = pathlib.Path(path or scratch())
        self.broker = Broker(self.path / "broker", front)
        self.a = Company(self.path / "a", "Alder")
        self.b = Company(self.path / "b", "Birch")

    def build(self, policy, lists, other=None):
        self.broker.init()
        if not self.broker.start():
            raise AssertionError(f"the broker did not start: {self.broker.log.read_text()}")
        for company in (self.a, self.b):
            company("init")
            company.join(self.broker)
        began = time.monotonic()
        for company, path in zip((self.a, self.b), lists):
            company("import", path)
        self.import_s = (time.monotonic() - began) / 2
        pair(self.a, self.b)
        agree(self.a, self.b, policy, other)
        return self

    def copy(self):
        """A world of the same past with a future of its own.  This one must not serve."""
        other = World(scratch(), self.broker.front)
        for name in ("broker", "a", "b"):
            shutil.copytree(self.path / name, other.path / name)
        return other

    def exchange(self, first=None, second=None):
        """One job, proposed by `first`; returns what both printed, as documents."""
        first, second = first or self.a, second or self.b
        answering = subprocess.Popen(
            list(map(str, second.command("agent", "--once", "--json"))),
            env={**os.environ, **second.env},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        _live.append(answering)
        proposed = first.json("run", second.name)
        out, err = answering.communicate(timeout=PATIENCE)
        if answering.returncode != OK:
            raise AssertionError(f"agent: {answering.returncode}: {err.decode()}")
        return proposed, json.loads(out)

    def at(self, days):
        """Lets everybody's clock stand so many days from now; in builds for tests only."""
        shift = {"OVERLAP_CLOCK_SHIFT": str(round(days * 86400))}
        for company in (self.a, self.b):
            company.env.update(shift)
        self.broker.stop()
        if not self.broker.start(shift):
            raise AssertionError(f"the broker did not start: {self.broker.log.read_text()}")

    def close(self):
        self.broker.kill()
        self.broker.front.close()


# --- the sample lists of tests/data ---

POLICY = """version: 1
populations:
  customers: matches
  open_opportunities: matches
  prospects: matches
icp_fit: yes
caps:
  minimum_list: 10
"""


def sample_world(lists=SAMPLES):
    world = World()
    policy = world.path / "policy.yaml"
    policy.write_text(POLICY)
    return world.build(policy, lists)


def pairs(world):
    """{(ids of A's account, ids of B's account)}: one match number is one pair."""
    mine = {row["match"]: row["account_id"] for row in world.a.matches(world.b)}
    theirs = {row["match"]: row["account_id"] for row in world.b.matches(world.a)}
    if mine.keys() != theirs.keys() or not mine:
        raise AssertionError("the two sides do not have the same matches")
    return {(mine[n], theirs[n]) for n in mine}


def rows_of(found):
    """Pairs of rows that pairs of accounts stand for."""
    return {(x, y) for a, b in found for x in a.split(";") for y in b.split(";")}


def truth():
    """Pairs of rows that are one company, written down by hand."""
    with open(DATA / "sample_a.truth.csv", encoding="utf-8", newline="") as f:
        return {(row["id_a"], row["id_b"]) for row in csv.DictReader(f)}
