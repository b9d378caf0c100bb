"""collusion - a partner and the broker put together all that they have of a job.

They learn of each token that the partner listed whether the other side has it, in which
population and how it fits, whatever the level says; and nothing of the other's tokens
that were not listed.

Run as `test_collusion.py OVERLAP OVERLAPD COLLUDER`.
"""

import contextlib
import os
import sqlite3
import struct
import subprocess
import sys
import unittest

import harness
from harness import OK

COLLUDER = None
POLICY = """version: 1
populations:
  customers: matches
  prospects: counts
caps:
  minimum_list: 10
"""
AT_THE_END = {"OVERLAP_CRASH_AT": "job.forget before"}  # report read, secrets not yet deleted


class Collusion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = world = harness.World()
        cls.addClassCleanup(world.close)
        policy, all_of_it = world.path / "policy.yaml", world.path / "all.yaml"
        policy.write_text(POLICY)
        all_of_it.write_text(harness.POLICY)
        world.build(policy, harness.SAMPLES, all_of_it)
        answering = world.b.spawn("agent", "--once", "--wait", "30", env=AT_THE_END)
        died = world.a.spawn("run", world.b.name, env=AT_THE_END).wait(harness.PATIENCE)
        answering.wait(harness.PATIENCE)
        if died == OK:
            raise unittest.SkipTest("built without crash points")
        cls.streams = world.path / "streams"
        with contextlib.closing(sqlite3.connect(world.broker.home / "broker.db")) as db, \
                open(cls.streams, "wb") as f:
            for job, stream, index, body in db.execute(
                    "SELECT job, stream, idx, body FROM chunk ORDER BY stream, idx"):
                f.write(job + struct.pack(">BII", stream, index, len(body)) + body)
        cls.a, cls.b = (cls.frozen(company) for company in (world.a, world.b))

    @staticmethod
    def colluder(*words):
        return subprocess.run([COLLUDER, *map(os.fspath, words)], check=True,
                              capture_output=True, text=True).stdout.splitlines()

    @classmethod
    def frozen(cls, company):
        """{token: what its owner sent of it}"""
        return dict(line.split("\t", 1) for line in cls.colluder("list", company.home))

    def known(self, tokens, *victim):
        """What B and the broker together know of A's side, by token."""
        keys = self.world.path / "keys"
        keys.write_text("".join(token + "\n" for token in tokens))
        told = self.colluder("ask", self.world.b.home, self.streams, keys, *victim)
        self.assertEqual(len(told), len(tokens))
        return {token: None if what == "-" else what for token, what in zip(tokens, told)}

    def test_what_the_partner_listed_is_known_whatever_the_level(self):
        known = self.known(self.b)
        self.assertEqual(known, {token: self.a.get(token) for token in self.b})
        populations = {what.split("\t")[0] for what in known.values() if what}
        self.assertEqual(populations, {"1", "2"})  # the second is only counted for B
        self.assertIn(None, known.values())

    def test_what_it_did_not_list_is_not(self):
        others = [token for token in self.a if token not in self.b]
        self.assertGreater(len(others), 100)
        self.assertEqual(set(self.known(others).values()), {None})
        # the control: with A's secret it would be, by the same questions
        self.assertEqual(self.known(others, self.world.a.home),
                         {token: self.a[token] for token in others})


if __name__ == "__main__":
    COLLUDER = sys.argv.pop(3)
    harness.main()
