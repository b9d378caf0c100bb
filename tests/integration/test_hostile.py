"""hostile - a paired partner that sends points it should not: the job ends with the
reason on the honest side, and nothing of it is released.

Run as `test_hostile.py OVERLAP OVERLAPD HOSTILE_PARTNER`.
"""

import json
import subprocess
import sys
import unittest

import harness


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.past = harness.sample_world()
        assert cls.past.broker.stop() == harness.OK

    def play(self, mode, code):
        """The honest side's exit code is as said; its job, as a document or None."""
        world = self.past.copy()
        self.addCleanup(world.broker.kill)
        self.assertTrue(world.broker.start())
        honest = subprocess.Popen(
            list(map(str, world.a.command("run", world.b.name, "--wait", "5", "--json"))),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True)
        hostile = harness.finish([HOSTILE, world.b.home, mode], harness.OK)
        self.assertEqual(hostile.stdout.strip(), "sent")
        out, err = honest.communicate(timeout=harness.PATIENCE)
        self.assertEqual(honest.returncode, code, err)
        self.assertFalse(world.a.has_report(world.b))
        return json.loads(out) if out.strip() else None

    def refused(self, mode, reason):
        job = self.play(mode, harness.PEER)
        self.assertEqual((job["state"], job["status"]), ("failed", reason))

    def test_honest_points_are_no_fault(self):
        """The control: good points and nothing more, so the job waits."""
        self.assertIsNone(self.play("good", harness.WAITING))

    def test_random_bytes(self):
        self.refused("random", "E_PSI_POINT")

    def test_bit_255(self):
        self.refused("bit255", "E_PSI_POINT")

    def test_identity(self):
        self.refused("identity", "E_PSI_POINT")

    def test_duplicate(self):
        self.refused("duplicate", "E_PSI_DUPLICATE")

    def test_wrong_count(self):
        self.refused("short", "E_PROTO_COUNT")

    def test_another_legend(self):
        self.refused("legend", "E_PROTO_LEGEND")

    def test_another_transcript(self):
        self.refused("sealed", "E_CRYPTO_OPEN")


if __name__ == "__main__":
    HOSTILE = sys.argv.pop(3)
    harness.main()
