"""jobs - what the rules of a job promise when companies are late, crossed, killed or robbed,
or their clocks differ.

Run as `test_jobs.py OVERLAP HOSTILE_BROKER THIEF`; the broker is honest but where a test says
otherwise.
"""

import pathlib
import shutil
import struct
import sys

import harness
from harness import OK, PEER, WAITING
from liar import POLICY, Liar

# enum ov_job_state, ov_step
CANCELLED, REFUSED, EXPIRED = 9, 8, 10
REPORT = 12
MINUTES, HOURS = 60, 3600
THIEF = None


class Clocks(Liar):
    @classmethod
    def setUpClass(cls):
        harness.needs_clock()
        super().setUpClass()

    @staticmethod
    def clock(seconds):
        return {"OVERLAP_CLOCK_SHIFT": str(seconds)}

    def shift(self, company, seconds):
        company.env.update(self.clock(seconds))
        self.addCleanup(company.env.clear)

    def restart(self, env=None):
        self.world.broker.stop()
        self.world.broker.start(env)

    def newest(self):
        return self.store("SELECT id, state, reason FROM job ORDER BY seq DESC LIMIT 1")[0]

    def test_they_may_differ_by_five_minutes(self):
        for company in self.world.a, self.world.b:
            for minutes in 4, -4:
                with self.subTest(company=company.name, minutes=minutes):
                    self.shift(company, minutes * MINUTES)
                    for told in self.exchange():
                        self.ends(told, OK, "closed", "OK")
                    company.env.clear()

    def test_a_proposer_who_is_six_minutes_ahead_is_told(self):
        a, b = self.world.a, self.world.b
        self.shift(a, 6 * MINUTES)
        a.fails("run", b.name, "--wait", "0", code=PEER, says=["E_PROTO_CLOCK", "clocks"])
        self.lie("lax")  # and by the partner, where the broker lets it through
        told, _ = self.exchange()
        self.ends(told, PEER, "refused", "E_JOB_REFUSED")
        self.assertEqual(self.newest()[1:], (REFUSED, "E_PROTO_CLOCK"))

    def test_an_acceptor_who_is_six_minutes_behind_refuses(self):
        """All others are ahead of it: a certificate would not be valid yet the other way."""
        self.restart(self.clock(6 * MINUTES))
        self.addCleanup(self.restart)
        self.shift(self.world.a, 6 * MINUTES)
        told, _ = self.exchange()
        self.ends(told, PEER, "refused", "E_JOB_REFUSED")
        self.assertEqual(self.newest()[1:], (REFUSED, "E_PROTO_CLOCK"))

    def test_an_acceptor_who_is_six_minutes_ahead_is_told(self):
        self.shift(self.world.b, 6 * MINUTES)
        _, told = self.exchange()
        self.ends(told, PEER, "failed", "E_PROTO_CLOCK")
        self.lie("lax")
        told, _ = self.exchange()
        job = self.ends(told, PEER, "failed", "E_PROTO_CLOCK")
        self.assertEqual(self.left(self.world.a, job), set())

    def test_a_proposal_ends_with_its_time_whatever_the_broker_says(self):
        """To the broker it is open: its clock stands."""
        a, b = self.world.a, self.world.b
        a("run", b.name, "--wait", "0", code=WAITING)
        for company in a, b:
            self.shift(company, 73 * HOURS)
        self.assertEqual(self.newest()[1], 1)
        b("agent", "--once", "--wait", "0")
        job, state, reason = self.newest()
        self.assertEqual((state, reason), (REFUSED, "E_PROTO_EXPIRED"))
        self.assertEqual(self.left(b, job), set())
        told = self.told(self.start(a, "run", b.name, "--wait", 0))
        self.assertEqual(told["exit"], PEER, told["said"])
        self.assertEqual(self.home(a, "SELECT state FROM job WHERE id = ?", job),
                         [(REFUSED,)])

    def test_a_proposal_without_an_answer_expires_here(self):
        a, b = self.world.a, self.world.b
        a("run", b.name, "--wait", "0", code=WAITING)
        (job,), = self.home(a, "SELECT id FROM job WHERE state < 6")
        self.shift(a, 73 * HOURS)
        told = self.told(self.start(a, "run", b.name, "--wait", 0))
        self.assertEqual(self.home(a, "SELECT state FROM job WHERE id = ?", job), [(1,)])
        # nothing but time tells A: the broker's own clock does
        self.restart(self.clock(73 * HOURS))
        self.addCleanup(self.restart)
        told = self.told(self.start(a, "run", b.name, "--wait", 0))
        self.ends(told, PEER, "expired", "E_PROTO_EXPIRED")
        self.assertEqual(self.store("SELECT state FROM job WHERE id = ?", job), [(EXPIRED,)])


class Crossing(Liar):
    """Of two proposals the first one is answered, by whoever made the second."""

    def own_proposal(self, company):
        return self.home(
            company, "SELECT state, reason FROM job WHERE role = 0 ORDER BY created DESC, state")

    def become_one_job(self, *second):
        a, b = self.world.a, self.world.b
        first = self.start(a, "run", b.name, "--wait", 20)
        told = self.told(second[0]), self.told(first)
        for one in told:
            self.ends(one, OK, "closed", "OK")
        self.assertEqual(told[0]["job"], told[1]["job"])
        self.assertEqual(self.own_proposal(b)[0], (CANCELLED, "E_DB_CONFLICT"))
        self.change_list()

    def test_found_in_the_mail(self):
        a, b = self.world.a, self.world.b
        died = b.spawn("run", a.name, "--wait", "0",
                       env={"OVERLAP_CRASH_AT": "job.create after"}).wait(harness.PATIENCE)
        if died == WAITING:
            self.skipTest("built without crash points")
        a("run", b.name, "--wait", "0", code=WAITING)
        self.become_one_job(self.start(b, "run", a.name, "--wait", 20))

    def test_told_by_the_broker(self):
        a, b = self.world.a, self.world.b
        a("run", b.name, "--wait", "0", code=WAITING)
        self.lie("no-mail", "-", b.name)
        self.become_one_job(self.start(b, "run", a.name, "--wait", 20))


class Retries(Liar):
    def test_the_report_is_the_stored_one(self):
        """A dies while it reads its view, the broker is restarted: the same report again,
        released once and charged once."""
        a, b = self.world.a, self.world.b
        answering = self.start(b, "agent", "--once", "--wait", 20)
        died = a.spawn("run", b.name, "--wait", "20",
                       env={"OVERLAP_CRASH_AT": "job.matches before"}).wait(harness.PATIENCE)
        other = self.told(answering)
        self.ends(other, OK, "closed", "OK")
        if died == OK:
            self.skipTest("built without crash points")
        job = bytes.fromhex(other["job"])
        query = "SELECT body, leaf FROM step WHERE job = ? AND step = ?"
        before = self.store(query, job, REPORT)
        view = self.store("SELECT stream, idx, body FROM chunk WHERE job = ? AND stream = 7", job)
        self.assertTrue(before and view)
        self.world.broker.stop()
        self.world.broker.start()
        told = self.told(self.start(a, "run", b.name, "--wait", 20))
        self.assertEqual(self.ends(told, OK, "closed", "OK"), job)
        self.assertEqual(told["matches"], other["matches"])
        self.assertEqual(self.store(query, job, REPORT), before)
        for company in a, b:
            (body, leaf), = self.steps(company, job, [REPORT]).values()
            self.assertEqual([(body, leaf)], before)
        # each of the rows that A has now was in the view of before
        numbers = {struct.unpack_from(">I", body, at + 10)[0]
                   for _, index, body in view if index > 0 for at in range(0, len(body), 30)}
        self.assertEqual({n for n, in self.home(
            a, "SELECT number FROM job_match WHERE job = ?", job)}, numbers)
        for charges in (self.store("SELECT count(*) FROM charge WHERE job = ?", job),
                        self.home(a, "SELECT count(*) FROM charge WHERE job = ?", job)):
            self.assertEqual(charges, [(1,)])
        self.change_list()


    def test_newer_terms_take_no_report_that_is_made(self):
        """B has read its report, then gives less; A, who died over its own, comes back when
        that is in force."""
        a, b = self.world.a, self.world.b
        answering = self.start(b, "agent", "--once", "--wait", 20)
        died = a.spawn("run", b.name, "--wait", "20",
                       env={"OVERLAP_CRASH_AT": "job.matches before"}).wait(harness.PATIENCE)
        other = self.told(answering)
        if died == OK:
            self.skipTest("built without crash points")
        less = self.world.path / "less.yaml"
        less.write_text("populations: {customers: counts}\ncaps: {runs_per_30_days: 900}\n")
        before = self.sequence()
        self.offer(less)
        self.assertGreater(self.sequence(), before)
        told = self.told(self.start(a, "run", b.name, "--wait", 20))
        self.assertEqual(self.ends(told, OK, "closed", "OK"), bytes.fromhex(other["job"]))
        self.assertEqual(told["matches"], other["matches"])
        self.offer(self.world.path / "policy.yaml")
        self.change_list()

    def offer(self, policy):
        """B's new policy, until it is in force."""
        a, b = self.world.a, self.world.b
        b("partner", "terms", a.name, "--policy", policy, "--yes", code=harness.WAITING)
        for company in b, a, b, a:
            company.mail()

    def sequence(self):
        (partner,) = self.world.a.json("partner", "list")["partners"]
        return partner["terms_in_force"]


class Unchanged(Liar):
    def test_only_if_nothing_changed_on_either_side(self):
        a, b = self.world.a, self.world.b

        def run():
            told = [self.told(process) for process in (
                self.start(b, "agent", "--once", "--wait", 20),
                self.start(a, "run", b.name, "--wait", 20))]
            self.assertEqual([one["exit"] for one in told], [OK, OK], told)
            self.assertEqual(told[0]["state"], told[1]["state"])
            return told[0]["state"], bytes.fromhex(told[0]["job"])

        def runs():
            return [company.json("run", partner.name, "--dry-run")["runs_30_days"]
                    for company, partner in ((a, b), (b, a))]

        self.assertEqual(run()[0], "closed")
        before, cells = runs(), a.json("report", b.name)["cells"]
        state, job = run()
        self.assertEqual(state, "unchanged")
        self.assertEqual(self.left(a, job) | self.left(b, job), set())
        self.assertEqual(runs(), before)  # nothing is charged
        self.assertEqual(a.json("report", b.name)["cells"], cells)

        fewer = self.fewer(harness.SAMPLES[1])
        for company, path in ((a, self.lists[0]), (b, fewer)):  # other lists
            company("import", path)
            self.assertEqual(run()[0], "closed")
            self.assertEqual(run()[0], "unchanged")
        policy = self.world.path / "other.yaml"  # other terms
        policy.write_text(POLICY.replace("1000", "999"))
        harness.agree(a, b, policy)
        self.assertEqual(run()[0], "closed")
        self.assertEqual(run()[0], "unchanged")
        self.lie("points", "legend", a.name)  # a job that failed since
        b("import", harness.SAMPLES[1])
        told, _ = self.exchange()
        self.assertEqual(told["state"], "failed")
        self.lie()
        b("import", fewer)
        self.assertEqual(run()[0], "closed")


class Theft(Liar):
    """Who records what crosses the wire and steals a home afterwards reads nothing."""

    @staticmethod
    def files(home):
        return b"".join(path.read_bytes() for path in sorted(pathlib.Path(home).rglob("*"))
                        if path.is_file())

    def opened(self, home):
        return harness.finish([THIEF, home, self.recorded], OK).stdout.strip()

    def steal(self, company, when):
        return shutil.copytree(company.home, self.world.path / f"{company.name} {when}")

    def test_no_key_of_a_closed_job_is_left(self):
        a, b = self.world.a, self.world.b
        answering = self.start(b, "agent", "--once", "--wait", 20,
                               env={"OVERLAP_CRASH_AT": "job.forget before"})
        died = a.spawn("run", b.name, "--wait", "20",
                       env={"OVERLAP_CRASH_AT": "job.forget before"}).wait(harness.PATIENCE)
        self.told(answering)
        if died == OK:
            self.skipTest("built without crash points")
        self.recorded = self.world.path / "recorded"
        with open(self.recorded, "wb") as f:
            for job, stream, index, body in self.store(
                    "SELECT job, stream, idx, body FROM chunk WHERE stream <= 2"):
                f.write(job + struct.pack(">BII", stream, index, len(body)) + body)
        seeds, before = {}, {}
        for company in a, b:
            (seeds[company],), = self.home(company, "SELECT seeds FROM job")
            before[company] = self.steal(company, "before")
            # the control: now it is all there
            self.assertEqual(self.opened(before[company]), "4 of 4")
            self.assertIn(seeds[company], self.files(before[company]))
        told = [self.told(process) for process in (
            self.start(b, "agent", "--once", "--wait", 20),
            self.start(a, "run", b.name, "--wait", 20))]
        for one in told:
            self.ends(one, OK, "closed", "OK")
        for company in a, b:
            after = self.steal(company, "after")
            self.assertEqual(self.opened(after), "0 of 4")
            # in no page of the database and not in its write-ahead log either
            self.assertNotIn(seeds[company], self.files(after))
            self.assertNotIn(seeds[company][-32:], self.files(after))


if __name__ == "__main__":
    THIEF = sys.argv.pop(3)
    harness.main()
