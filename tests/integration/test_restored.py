"""restored - a broker that goes on from a backup: a new log, which a person has to take.

What it forgot since the backup (charges, revocations) is what SECURITY.md says.
"""

import contextlib
import sqlite3
import unittest

import harness
from harness import PEER, USAGE, Company

POLICY = harness.POLICY + "  runs_per_30_days: 2\n"


class Restored(unittest.TestCase):
    def setUp(self):
        self.world = world = harness.World()
        policy = world.path / "policy.yaml"
        policy.write_text(POLICY)
        world.build(policy, harness.SAMPLES)
        self.addCleanup(world.close)
        self.a, self.b = world.a, world.b

    def restore(self, backup):
        """The operator's part, after the machine was lost."""
        self.world.broker.stop()
        said = self.world.broker("restore", backup)
        self.assertIn("new log id", said)
        self.assertIn("revoked since", said)
        self.assertTrue(self.world.broker.start())

    def shorter_list(self, rows):
        text = harness.SAMPLES[0].read_text(encoding="utf-8-sig").splitlines(True)
        path = self.world.path / "shorter.csv"
        path.write_text("".join(text[:1] + text[rows:]), encoding="utf-8")
        self.a("import", path)

    @staticmethod
    def hold(company):
        """The number of the only hold, and its reason."""
        (hold,) = company.json("inbox", "--offline")["holds"]
        return hold["number"], hold["reason"]

    @staticmethod
    def log_id(company):
        with contextlib.closing(sqlite3.connect(company.home / "overlap.db")) as db:
            return db.execute("SELECT log FROM pin").fetchone()

    def take_new_log(self):
        """What a person of each company does who was told that it is a backup."""
        for company in self.a, self.b:
            company.fails("agent", "--once", "--wait", "0", code=PEER, says=["E_LOG_IDENTITY"])
            company("inbox", "clear", self.hold(company)[0], "--accept-new-log")

    def test_a_broker_that_lost_the_last_job_runs_it_again(self):
        """Neither list changed, but what `unchanged` would name is no job of the broker's any
        more.  The control: before, the second night was unchanged."""
        harness.needs_clock()
        world, a = self.world, self.a
        backup = world.path / "backup.db"
        world.broker("backup", backup)
        first = world.exchange()[0]
        found = harness.pairs(world)
        self.assertEqual([told["state"] for told in world.exchange()], ["unchanged"] * 2)
        self.restore(backup)
        self.take_new_log()
        world.at(1)
        proposed, answered = world.exchange()
        self.assertEqual((proposed["state"], answered["state"]), ("closed", "closed"))
        self.assertEqual(harness.pairs(world), found)
        self.assertNotEqual(proposed["job"], first["job"])
        report = a.json("report", self.b.name)
        self.assertEqual(report["job"], proposed["job"])
        # no run was wasted on a job that failed
        self.assertEqual((report["charged"]["runs_30_days"],
                          report["charged"]["runs_30_days_own_count"]), (1, 2))

    def test_a_restored_broker_waits_for_a_person_of_each_company(self):
        world, a, b = self.world, self.a, self.b
        cedar = Company(world.path / "cedar", "Cedar")
        cedar("init")
        cedar.join(world.broker)
        backup = world.path / "backup.db"
        world.broker("backup", backup)
        world.exchange()
        before = harness.pairs(world)
        world.broker("revoke", "Cedar")
        cedar.fails("agent", "--once", "--wait", "0", code=USAGE, says=["revoked"])

        self.restore(backup)
        self.shorter_list(6)
        a.fails("run", b.name, code=PEER, says=["E_LOG_IDENTITY"])
        b.fails("agent", "--once", code=PEER, says=["E_LOG_IDENTITY"])
        for company in a, b:
            number, reason = self.hold(company)
            self.assertEqual(reason, "E_LOG_IDENTITY")
            self.assertIn(f"inbox clear {number} --accept-new-log", company("inbox", "--offline"))
            # who only looked, and did not take the new log, is where he was
            company("inbox", "clear", number)
            company.fails("agent", "--once", "--wait", "0", code=PEER, says=["E_LOG_IDENTITY"])
            number, reason = self.hold(company)
            self.assertEqual(reason, "E_LOG_IDENTITY")
            old = self.log_id(company)
            company("inbox", "clear", number, "--accept-new-log")
            self.assertEqual(company.json("inbox")["holds"], [])
            self.assertNotEqual(self.log_id(company), old)

        proposed, answered = world.exchange()
        self.assertEqual((proposed["state"], answered["state"]), ("closed", "closed"))
        self.assertLess(harness.pairs(world), before)

        # the broker forgot a run, the companies did not: the stricter count holds
        charged = a.json("report", b.name)["charged"]
        self.assertEqual((charged["runs_30_days"], charged["runs_30_days_own_count"],
                          charged["runs_left"], charged["differs"]), (1, 2, 0, True))
        self.shorter_list(12)
        a.fails("run", b.name, code=USAGE, says=["E_CAP_RUNS"])
        # and it forgot whom it had put out, until the operator says so again
        cedar.fails("agent", "--once", "--wait", "0", code=PEER, says=["E_LOG_IDENTITY"])
        cedar("inbox", "clear", self.hold(cedar)[0], "--accept-new-log")
        cedar("agent", "--once", "--wait", "0")
        world.broker("revoke", "Cedar")
        cedar.fails("agent", "--once", "--wait", "0", code=USAGE, says=["revoked"])


if __name__ == "__main__":
    harness.main()
