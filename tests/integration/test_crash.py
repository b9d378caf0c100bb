"""crash - each program killed at its durable writes: the job goes on, with the same matches.

The writes have names (common/db/crash.h).  A first exchange lists those that each program
passes; then one exchange for each, in which the program dies there and is started again.
OVERLAP_CRASH_ALL=1 takes all writes instead of a sample.
"""

import os
import signal
import subprocess
import sys
import unittest
from concurrent.futures import ThreadPoolExecutor

import harness
from harness import OK, PATIENCE, WAITING

SAMPLE = 16  # writes of each program, evenly spread over its exchange


def writes(path):
    """Each named write where it is first passed, and by number where it is last."""
    names = path.read_text().splitlines() if path.exists() else []
    first = {name: number for number, name in reversed(list(enumerate(names, 1)))}
    last = {name: number for number, name in enumerate(names, 1)}
    at = sorted({*first.values(), *last.values()})
    return [(names[n - 1], str(n) if first[names[n - 1]] != n else names[n - 1]) for n in at]


def sample(points):
    if os.environ.get("OVERLAP_CRASH_ALL") or len(points) <= SAMPLE:
        return points
    return [points[i * (len(points) - 1) // (SAMPLE - 1)] for i in range(SAMPLE)]


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
                             for who, path in lists.items()})
        cls.expected = harness.pairs(world)
        cls.points = {who: writes(path) for who, path in lists.items()}

    @staticmethod
    def exchange(world, env):
        """One job; env: of each program.  Who dies is started again, without it.

        Returns how many died.
        """
        died = []

        def keep_broker():
            while world.broker.process.wait() == -signal.SIGKILL:
                died.append("broker")
                world.broker.start()

        def keep_company(company, partner, *words, env):
            process = company.spawn(*words, env=env)
            code = process.wait(PATIENCE)
            if code == -signal.SIGKILL:
                died.append(company.name)
                recover(company, partner, words[0] == "run")
            elif code != OK:
                raise AssertionError(f"{words}: exit {code}: {company.log.read_text()}")

        if not world.broker.start(env.get("broker")):
            died.append("broker")
            world.broker.start()
        a, b = world.a, world.b
        with ThreadPoolExecutor() as threads:
            broker = threads.submit(keep_broker)
            parties = (
                threads.submit(keep_company, b, a, "agent", "--once", env=env.get("b")),
                threads.submit(keep_company, a, b, "run", b.name, env=env.get("a")))
            try:
                for party in parties:
                    party.result(PATIENCE)
            finally:
                world.broker.stop()
                broker.result(PATIENCE)
        return len(died)

    def dies_at_each_write(self, who):
        if not self.points[who]:
            self.skipTest("built without crash points")
        points = sample(self.points[who])
        print(f"{who}: {len(points)} of {len(self.points[who])} writes", file=sys.stderr)
        deaths = 0
        for name, at in points:
            with self.subTest(write=name, at=at):
                world = self.past.copy()
                self.addCleanup(world.broker.kill)
                deaths += self.exchange(world, {who: {"OVERLAP_CRASH_AT": at}})
                self.assertEqual(harness.pairs(world), self.expected)
        # by number, a write may be missed: what waits for what is not the same each time
        self.assertGreaterEqual(deaths, len(points) * 3 // 4)

    def test_the_proposer_dies(self):
        self.dies_at_each_write("a")

    def test_the_acceptor_dies(self):
        self.dies_at_each_write("b")

    def test_the_broker_dies(self):
        self.dies_at_each_write("broker")


if __name__ == "__main__":
    harness.main()
