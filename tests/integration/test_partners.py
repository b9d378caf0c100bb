"""partners - from two empty homes to terms in force, with every verb killed at every write.

Pass k kills each verb at the k-th durable point that it passes, then runs it again as a
person would.  The last pass is the one in which nothing dies any more.
"""

import json
import signal
import sys
import unittest

import harness
from harness import OK, USAGE, WAITING

PASSES = 80  # more than any verb has durable points


class Walk:
    """Two companies on their way; each verb dies at its k-th point, then runs again."""

    def __init__(self, k):
        self.path = harness.scratch()
        self.env = {"OVERLAP_CRASH_AT": str(k)} if k else {}
        self.deaths = 0
        self.broker = harness.Broker(self.path / "broker")
        self.broker.init()
        self.broker.start()
        self.a = harness.Company(self.path / "a", "Acme")
        self.b = harness.Company(self.path / "b", "Globex")

    def verb(self, company, *words, codes=(OK,)):
        result = harness.finish(company.command(*words), None, self.env)
        if result.returncode == -signal.SIGKILL:
            self.deaths += 1
            result = harness.finish(company.command(*words), None)
        if result.returncode not in codes:
            raise harness.Failed(list(map(str, words)), result)
        return result.stdout

    def enrol(self, company):
        self.verb(company, "init", codes=(OK, USAGE))
        token = self.broker.enroll(company.name)
        self.verb(company, "join", token, "--broker", self.broker.front.address, "--enrol",
                  self.broker.enrolment, codes=(OK, USAGE))

    def run(self):
        for company in (self.a, self.b):
            self.enrol(company)
        code = json.loads(self.verb(self.a, "partner", "invite", "--json"))["code"]
        self.verb(self.b, "partner", "accept", code)
        for company in (self.a, self.b):
            self.verb(company, "inbox")
        both = (OK, WAITING)
        self.verb(self.a, "partner", "terms", "Globex", "--yes", codes=both)
        self.verb(self.b, "partner", "terms", "Acme", "--yes", codes=both)
        for company in (self.a, self.b, self.a):
            self.verb(company, "inbox")

    def end(self):
        self.broker.kill()
        self.broker.front.close()


class Partners(unittest.TestCase):
    def check(self, walk):
        for company, other in ((walk.a, "Globex"), (walk.b, "Acme")):
            said = json.loads(company("partner", "list", "--json"))
            self.assertEqual([p["name"] for p in said["partners"]], [other])
            self.assertEqual(said["partners"][0]["terms"], "in_force")
            inbox = json.loads(company("inbox", "--json"))
            # nothing waits, of whatever kind
            self.assertEqual({k: v for k, v in inbox.items() if v}, {"fetched": True})

    def walk(self, k):
        walk = Walk(k)
        try:
            walk.run()
            self.check(walk)
        finally:
            walk.end()
        return walk.deaths

    def test_without_a_crash(self):
        self.assertEqual(self.walk(0), 0)

    def test_killed_at_every_write(self):
        total = deaths = 0
        for k in range(1, PASSES):
            with self.subTest(point=k):
                deaths = self.walk(k)
                total += deaths
            if deaths == 0:
                break
        if total == 0 and k == 1:
            self.skipTest("built without crash points")
        print(f"{total} deaths in {k} passes", file=sys.stderr)
        self.assertGreater(total, 30)
        self.assertLess(k, PASSES - 1)

    def test_a_code_is_good_once(self):
        walk = Walk(0)
        try:
            walk.enrol(walk.a)
            walk.enrol(walk.b)
            c = harness.Company(walk.path / "c", "Initech")
            walk.enrol(c)
            code = json.loads(walk.a("partner", "invite", "--json"))["code"]
            walk.b("partner", "accept", code)
            c("partner", "accept", code)
            walk.a("inbox")
            said = json.loads(walk.a("partner", "list", "--json"))
            self.assertEqual([p["name"] for p in said["partners"]], ["Globex"])
            mail = json.loads(walk.a("inbox", "--json"))["mail"]
            self.assertEqual([m["refused"] for m in mail], ["E_PAIR_EXPIRED"])
            c("inbox")
            self.assertEqual(json.loads(c("partner", "list", "--json"))["partners"], [])
            walk.a.fails("partner", "terms", "Initech", code=USAGE,
                         says=["E_PARTNER_UNKNOWN"])
        finally:
            walk.end()


if __name__ == "__main__":
    harness.main()
