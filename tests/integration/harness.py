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
import time
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


def spawn(command, log, **options):
    """Starts a program whose standard error goes to the end of the file `log`."""
    with open(log, "ab") as err:
        process = subprocess.Popen(
            [str(c) for c in command], stdin=subprocess.DEVNULL, stderr=err, **options)
    _live.append(process)
    return process


class Failed(AssertionError):
    """A program ended otherwise than the test expects."""

    def __init__(self, command, result, log=""):
        self.code = result.returncode
        super().__init__(
            f"{' '.join(str(c) for c in command)}\n  exit {result.returncode}\n"
            f"  stdout: {result.stdout}\n  stderr: {result.stderr}{log}")


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
    """An `overlapd` of its own, reached through two proxies."""

    def __init__(self, work):
        self.home = pathlib.Path(work) / "broker"
        self.log = pathlib.Path(work) / "broker.log"
        self.front, self.door = Proxy(), Proxy()
        self.process = None
        self.command("init", self.home)

    def command(self, verb, *arguments, code=OK):
        command = [overlapd, verb, *map(str, arguments)]
        result = subprocess.run(command, capture_output=True, text=True,
                                stdin=subprocess.DEVNULL, timeout=PATIENCE)
        if result.returncode != code:
            raise Failed(command, result)
        return result.stdout

    def start(self, env=None):
        """Serves; returns when it says that it is ready."""
        self.process = spawn(
            [overlapd, "serve", self.home], self.log,
            stdout=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
        raise NotImplementedError

    def stop(self):
        """A clean shutdown."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE)
        return self.process.returncode if self.process else None

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def close(self):
        self.kill()
        self.front.close()
        self.door.close()
