"""life - partners ask for more, are suspended, and part: what is deleted, and what counts on."""

import contextlib
import signal
import sqlite3
import subprocess
import sys
import unittest

import harness
from harness import OK, USAGE, WAITING
from test_terms import ALL, World

COUNTS = "populations: {customers: counts, prospects: matches}\n"
PASSES = 20  # more than ending has durable points


def query(path, sql):
    with contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute(sql).fetchall()


def left(home):
    """Rows that would tell of a job or of terms."""
    tables = ("job", "job_step", "job_match", "job_cell", "job_population", "egress", "sheet",
              "terms")
    return sum(query(home / "overlap.db", f"SELECT count(*) FROM {t}")[0][0] for t in tables)


def until_done(company, *words, env, codes):
    """Runs a verb that may be killed at a write; again, as a person would.  Deaths."""
    command = list(map(str, company.command(*words)))
    for deaths in range(2):
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                                env={**harness.os.environ, **(env if deaths == 0 else {})})
        if result.returncode != -signal.SIGKILL:
            if result.returncode not in codes:
                raise AssertionError(f"{words}: {result.returncode}: {result.stderr}")
            return deaths
    raise AssertionError("killed without a reason")


class Life(unittest.TestCase):
    def world(self, seed):
        world = World(seed)
        self.addCleanup(world.close)
        return world

    def partner(self, company):
        (found,) = company.json("partner", "list")["partners"]
        return found

    def test_a_person_answers_a_question(self):
        world = self.world(11)
        a, b = world.a, world.b
        world.agree(ALL, COUNTS)
        a.fails("partner", "ask", b.name, code=USAGE, says=["--level"])
        a("partner", "ask", b.name, "--level", "matches", "--text", "spring campaign")
        self.assertIn("spring campaign", b.mail())
        (asked,) = b.json("inbox")["asks"]
        self.assertEqual(asked["populations"], [{"name": "customers", "level": "matches"}])
        self.assertNotIn(b"spring", world.broker.front.seen)
        # nothing has changed by asking; the answer is another sheet
        self.assertEqual(world.terms(b, a)["you_give"]["populations"][0]["level"], "counts")
        b("inbox", "drop", "ask", a.name)
        self.assertEqual(b.json("inbox")["asks"], [])
        a("partner", "ask", b.name, "--level", "matches", "customers")
        b.mail()
        b("partner", "terms", a.name, "--policy", world.policy(b, ALL), "--yes", code=WAITING)
        a.mail()
        self.assertEqual(b.json("inbox")["asks"], [])
        self.assertEqual(world.terms(a, b)["state"], "in_force")

    def test_a_suspended_partner_waits_for_a_person(self):
        world = self.world(12)
        a, b = world.a, world.b
        world.agree(ALL, ALL)
        hold = a.json("partner", "suspend", b.name)["hold"]
        self.assertTrue(self.partner(a)["suspended"])
        a.fails("run", b.name, code=USAGE, says=["E_PARTNER_SUSPENDED"])
        self.assertIn("a person here suspended the partner", a("inbox"))
        a("inbox", "clear", hold)
        self.assertFalse(self.partner(a)["suspended"])
        world.inner.exchange()

    def test_partners_part_and_pair_anew(self):
        world = self.world(13)
        a, b, broker = world.a, world.b, world.broker
        world.agree(ALL, ALL)
        world.inner.exchange()
        a.fails("partner", "end", b.name, code=USAGE, says=["--yes"])
        self.assertTrue(a.has_report(b))
        plan = harness.finish(a.command("partner", "end", b.name), USAGE).stdout
        self.assertIn("1 report with 60 matches", plan)
        self.assertIn("what was charged", plan)
        ended = a.json("partner", "end", b.name, "--yes")
        self.assertEqual((ended["sent"], ended["reports"], ended["matches"]), (True, 1, 60))
        self.assertEqual(left(a.home), 0)
        self.assertFalse(a.has_report(b))
        a.fails("run", b.name, code=USAGE, says=["E_PARTNER_UNPAIRED"])
        self.assertIsNone(self.partner(a)["confirmed"])
        entries = [self.partner(a)["log_entry"]]  # which proofs: `lies`
        self.assertGreater(left(b.home), 0)  # until it takes the mail
        self.assertIn(f"{a.name} ended the partnership", b("inbox"))
        self.assertNotIn("ended the partnership", b("inbox"))
        self.assertEqual(left(b.home), 0)
        self.assertFalse(b.has_report(a))
        self.assertEqual((self.partner(b)["state"], self.partner(b)["ended_by"]),
                         ("ended", "partner"))
        a.mail()
        self.assertIsNotNone(self.partner(a)["confirmed"])
        entries.append(self.partner(b)["log_entry"])
        self.assertIn(f"entry {entries[0]} of the broker's log", a("partner", "list"))
        # the broker keeps log and ledger
        store = next(broker.home.glob("*.db"))
        for table in ("job", "step", "stream", "conflict"):
            self.assertEqual(query(store, f"SELECT count(*) FROM {table}")[0][0], 0, table)
        self.assertEqual(query(store, "SELECT count(*) FROM charge")[0][0], 1)
        self.assertEqual(query(store, "SELECT idx FROM leaf WHERE type = 4 ORDER BY idx"),
                         [(entry,) for entry in entries])
        # the same company again: what was charged counts on, here and there
        harness.pair(a, b)
        world.agree(ALL, ALL)
        world.inner.exchange(b, a)
        charged = a.json("report", b.name)["charged"]
        self.assertEqual((charged["runs_30_days"], charged["runs_30_days_own_count"]), (2, 2))

    def test_ending_killed_at_every_write(self):
        world = self.world(14)
        world.agree(ALL, ALL)
        world.inner.exchange()
        world.broker.stop()
        total = 0
        for k in range(1, PASSES):
            copy = world.inner.copy()
            try:
                self.assertTrue(copy.broker.start())
                env = {"OVERLAP_CRASH_AT": str(k)}
                deaths = until_done(copy.a, "partner", "end", copy.b.name, "--yes", env=env,
                                    codes=(OK, USAGE))
                for company in (copy.b, copy.a):
                    deaths += until_done(company, "inbox", env=env, codes=(OK,))
                    for each in (copy.a, copy.b, copy.a):  # whatever a kill kept back
                        each.mail()
                for company in (copy.a, copy.b):
                    self.assertEqual(left(company.home), 0)
                    self.assertEqual(self.partner(company)["state"], "ended")
                    self.assertIsNotNone(self.partner(company)["log_entry"])
                self.assertIsNotNone(self.partner(copy.a)["confirmed"])
            finally:
                copy.broker.kill()
            total += deaths
            if deaths == 0:
                break
        if total == 0:
            self.skipTest("built without crash points")
        print(f"{total} deaths in {k} passes", file=sys.stderr)
        self.assertGreater(total, 4)
        self.assertLess(k, PASSES - 1)


if __name__ == "__main__":
    harness.main()
