"""profiles - two releases with different matching rules exchange under those that both have."""

import contextlib
import sqlite3
import unittest

import harness

OLD = {"OVERLAP_OLD_PROFILES": "1"}  # a release that has not the current profile
CLOSED, UNCHANGED, REFUSED = 6, 7, 8  # proto/steps.h


def jobs(company):
    """{state: digests of the profiles of the jobs that ended so}."""
    found = {}
    with contextlib.closing(sqlite3.connect(company.home / "overlap.db")) as db:
        for state, profile in db.execute("SELECT state, hex(profile) FROM job"):
            found.setdefault(state, []).append(profile)
    return found


class Profiles(unittest.TestCase):
    def setUp(self):
        self.world = harness.sample_world()
        self.addCleanup(self.world.close)
        self.a, self.b = self.world.a, self.world.b

    def downgrade(self, company):
        """The same home as the release before would have made it."""
        company.env = OLD
        company("accounts", "rebuild")

    def found(self):
        return harness.rows_of(harness.pairs(self.world)) & harness.truth()

    def test_the_proposer_meets_an_older_release_in_the_same_run(self):
        self.downgrade(self.b)
        proposed, answered = self.world.exchange()
        self.assertEqual((proposed["state"], answered["state"]), ("closed", "closed"))
        self.assertEqual(proposed["job"], answered["job"])
        self.assertTrue(self.found())
        first = jobs(self.a)
        self.assertEqual({state: len(set(p)) for state, p in first.items()},
                         {REFUSED: 1, CLOSED: 1})
        self.assertNotEqual(first[REFUSED], first[CLOSED])
        self.assertEqual(jobs(self.b), {CLOSED: first[CLOSED]})

        # it remembers: no second refusal
        proposed, _ = self.world.exchange()
        self.assertEqual(proposed["state"], "unchanged")
        self.assertEqual(jobs(self.a), {**first, UNCHANGED: first[CLOSED]})

        # until the partner has upgraded and shows it; the book is made anew by itself
        self.b.env = {}
        proposed, _ = self.world.exchange(self.b, self.a)
        self.assertEqual(proposed["state"], "closed")
        proposed, _ = self.world.exchange()
        self.assertEqual(proposed["state"], "unchanged")
        last = jobs(self.a)
        self.assertEqual(last[REFUSED], first[REFUSED])
        self.assertEqual(set(last[CLOSED] + last[UNCHANGED]),
                         set(first[CLOSED] + first[REFUSED]))

    def test_a_newer_release_answers_under_the_older_profile(self):
        self.downgrade(self.a)
        proposed, answered = self.world.exchange()
        self.assertEqual((proposed["state"], answered["state"]), ("closed", "closed"))
        self.assertTrue(self.found())
        self.assertEqual(jobs(self.a), jobs(self.b))
        self.assertEqual(list(jobs(self.a)), [CLOSED])


if __name__ == "__main__":
    harness.main()
