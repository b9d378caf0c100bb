"""harness - a real broker and real companies for the integration tests.

A test program defines unittest cases and ends with `harness.main()`.  It is run as
`test_X.py OVERLAP OVERLAPD`: the two programs under test.  Everything lives in one
temporary directory that is removed at the end; OVERLAP_KEEP=1 keeps it and says where.
Processes are waited for by what they say, never by time; all ports are free ones.
"""

import atexit
import csv
import io
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DATA = SOURCE / "tests" / "data"
PATIENCE = int(os.environ.get("OVERLAP_PATIENCE", "120"))  # seconds; only failures need it
SKIPPED = 77  # what ctest takes for a skipped test

# `overlap`'s exit codes (client/exit.h)
OK, FAILURE, USAGE, PEER, WAITING, AGAIN = range(6)

overlap = overlapd = None
_live = []  # processes that must not outlive the test


def main():
    """Runs the cases of the calling program; its exit status is the test's."""
    global overlap, overlapd
    if len(sys.argv) < 3:
        sys.exit(f"usage: {sys.argv[0]} OVERLAP OVERLAPD [UNITTEST ARGUMENTS]")
    overlap, overlapd = (str(pathlib.Path(p).resolve()) for p in sys.argv[1:3])
    for program in (overlap, overlapd):
        if not os.access(program, os.X_OK):
            sys.exit(f"{program} is not a program")
    # a terminated test still ends what it started
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    unittest.main(argv=[sys.argv[0], "-v"] + sys.argv[3:], module="__main__")


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
    """Runs a program to its end and demands its exit code."""
    command = [str(c) for c in command]
    result = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        env={**os.environ, **(env or {})}, timeout=PATIENCE)
    if result.returncode != code:
        raise Failed(command, result)
    return result


class Proxy:
    """Forwards TCP between companies and broker and keeps every byte of both ways.

    Its address stays while the broker behind it may be killed and come back elsewhere.
    """

    def __init__(self, target=None):
        self.target = target
        self.seen = bytearray()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.pairs = []
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
                near.close()
                continue
            with self.lock:
                self.pairs.append((near, far))
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=(a, b), daemon=True).start()

    def _copy(self, source, sink):
        try:
            while True:
                data = source.recv(1 << 16)
                if not data:
                    break
                with self.lock:
                    self.seen += data
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        """Ends all connections; new ones are still taken."""
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                end.close()

    def close(self):
        self.listener.close()
        self.cut()


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
             "--enrolment", "127.0.0.1:0"],
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
        return self.process.wait(PATIENCE)

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait(PATIENCE)

    def enroll(self, name):
        return self("enroll", name).strip()


class Company:
    """One company's `overlap` and its home."""

    def __init__(self, home, name):
        self.home, self.name = pathlib.Path(home), name
        self.log = self.home.with_suffix(".log")

    def command(self, *words):
        return [overlap, "--home", self.home, *words]

    def __call__(self, *words, code=OK, env=None):
        """Runs a verb, which must end with this exit code; returns what it prints."""
        return finish(self.command(*words), code, env).stdout

    def fails(self, *words, code, says=()):
        """Runs a verb that must fail so and tell the user these things."""
        text = finish(self.command(*words), code).stderr
        for word in says:
            if word not in text:
                raise AssertionError(f"{words}: not told {word!r} but: {text}")
        return text

    def json(self, *words):
        return json.loads(self(*words, "--json"))

    def spawn(self, *words, env=None):
        return spawn(self.command(*words), self.log, env=env, stdout=subprocess.DEVNULL)

    def join(self, broker):
        self("init")
        self("join", broker.front.address, "--enrolment", broker.enrolment,
             broker.enroll(self.name))

    def matches(self, partner):
        """The rows of `overlap matches --csv`."""
        text = self("matches", partner.name, "--csv")
        return list(csv.DictReader(io.StringIO(text, newline="")))


def pair(a, b):
    """Makes two companies partners, both without further questions."""
    code = a("partner", "invite", b.name).split()[-1]
    b("partner", "accept", code)
    a("agent", "--once")
    b("agent", "--once")


def agree(a, b, policy):
    """Puts terms in force between partners."""
    for x, y in ((a, b), (b, a)):
        x("partner", "terms", y.name, "--policy", policy, "--yes")
    for x in (a, b, a, b):
        x("agent", "--once", "--wait", "0")


class World:
    """A broker that serves, and two companies: partners with terms and lists."""

    def __init__(self, path=None, front=None):
        self.path = pathlib.Path(path or scratch())
        self.broker = Broker(self.path / "broker", front)
        self.a = Company(self.path / "a", "Alder")
        self.b = Company(self.path / "b", "Birch")

    def build(self, policy, lists):
        self.broker.init()
        self.broker.start()
        for company, path in zip((self.a, self.b), lists):
            company.join(self.broker)
            company("import", path)
        pair(self.a, self.b)
        agree(self.a, self.b, policy)
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
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        _live.append(answering)
        proposed = first.json("run", second.name)
        out, err = answering.communicate(timeout=PATIENCE)
        if answering.returncode != OK:
            raise AssertionError(f"agent: {answering.returncode}: {err.decode()}")
        return proposed, json.loads(out)

    def close(self):
        self.broker.kill()
        self.broker.front.close()
