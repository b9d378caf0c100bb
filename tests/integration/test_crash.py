"""crash - each program killed at its durable writes: the job goes on, with the same matches.

The writes have names (common/db/crash.h).  A first exchange lists those that each program
passes; then one exchange for each name, in which the program dies there and is started
again.  OVERLAP_CRASH_ALL=1 takes all names instead of a sample.
"""

import os
import signal
import subprocess
import sys
import unittest

import harness
from harness import OK, PATIENCE, WAITING

SAMPLE = 10  # names of each program, evenly spread over its exchange


def listed(path):
    """Names in the order in which they were first passed."""
    return list(dict.fromkeys(path.read_text().splitlines())) if path.exists() else []


def sample(names):
    if os.environ.get("OVERLAP_CRASH_ALL") or len(names) <= SAMPLE:
        return names
    return [names[i * (len(names) - 1) // (SAMPLE - 1)] for i in range(SAMPLE)]


def recover(company, partner, proposes):
    """Brings a company whose program died to its report, as a person or timer would."""
    for _ in range(PATIENCE):
        code = subprocess.run(
            list(map(str, company.command("agent", "--once", "--wait", "1"))),
            stdin=subprocess.DEVNULL, capture_output=True).returncode
        if code not in (OK, WAITING):
            raise AssertionError(f"agent after the crash: exit {code}")
        if company.has_report(partner):
            return
        if code == OK and proposes:
            company("run", partner.name)
            return
    raise AssertionError("no report")


class Crash(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.past = harness.sample_world()
        cls.past.broker.stop()
        world = cls.past.copy()
        lists = {who: world.path / f"{who}.points" for who in ("broker", "a", "b")}
        cls.exchange(world, {who: {"OVERLAP_CRASH_LIST": str(path)}
                             for who, path in lists.items()}, None)
        cls.expected = harness.pairs(world)
        cls.points = {who: listed(path) for who, path in lists.items()}

    @staticmethod
    def exchange(world, env, dies):
        """One job; env: of each program; dies: the one that is killed, or None."""
        if not world.broker.start(env.get("broker")):
            world.broker.start()  # died before it was ready
        running = {
            "a": world.a.spawn("run", world.b.name, env=env.get("a")),
            "b": world.b.spawn("agent", "--once", env=env.get("b")),
            "broker": world.broker.process,
        }
        died = False
        if dies == "broker":
            while running["a"].poll() is None or running["b"].poll() is None:
                try:
                    running["broker"].wait(0.05)
                except subprocess.TimeoutExpired:
                    continue
                if not died:
                    died = True
                    world.broker.start()
                break
        for who, partner in (("a", world.b), ("b", world.a)):
            code = running[who].wait(PATIENCE)
            company = getattr(world, who)
            if code == -signal.SIGKILL:
                died = died or who == dies
                recover(company, partner, who == "a")
            elif code != OK:
                raise AssertionError(f"{who}: exit {code}: {company.log.read_text()}")
        world.broker.stop()
        return died

    def dies_at_each_write(self, who):
        if not self.points[who]:
            self.skipTest("built without crash points")
        names = sample(self.points[who])
        print(f"{who}: {len(names)} of {len(self.points[who])} writes", file=sys.stderr)
        deaths = 0
        for name in names:
            with self.subTest(write=name):
                world = self.past.copy()
                self.addCleanup(world.broker.kill)
                deaths += self.exchange(world, {who: {"OVERLAP_CRASH_AT": name}}, who)
                self.assertEqual(harness.pairs(world), self.expected)
        self.assertGreaterEqual(deaths, len(names) * 3 // 4)  # it did die

    def test_the_proposer_dies(self):
        self.dies_at_each_write("a")

    def test_the_acceptor_dies(self):
        self.dies_at_each_write("b")

    def test_the_broker_dies(self):
        self.dies_at_each_write("broker")


if __name__ == "__main__":
    harness.main()
