"""identity - a company changes its identity: partners follow its statement, terms are signed
again, jobs run; certificates are renewed; what is forged, old or repeated is refused."""

import contextlib
import shutil
import signal
import sqlite3
import threading
import unittest

import harness
from harness import OK, USAGE, WAITING


def change(company, broker, token, *words, code=OK, env=None):
    return company("identity", "change", token, "--enrol", broker.enrolment, *words, code=code,
                   env=env)


class World(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.past = harness.sample_world()
        cls.addClassCleanup(cls.past.close)
        cls.past.exchange()
        cls.past.broker.stop()

    def setUp(self):
        self.world = self.past.copy()
        self.broker, self.a, self.b = self.world.broker, self.world.a, self.world.b
        self.broker.start()
        self.addCleanup(self.broker.kill)

    def settle(self):
        """Mail until nothing moves any more."""
        for company in (self.b, self.a, self.b, self.a, self.b):
            company.mail()

    def partner(self, company):
        (p,) = company.json("partner", "list")["partners"]
        return p

    def sql(self, company, statement, *values):
        with contextlib.closing(sqlite3.connect(company.home / "overlap.db")) as db:
            rows = db.execute(statement, values).fetchall()
            db.commit()
            return rows

    def assert_in_force(self):
        for company in (self.a, self.b):
            self.assertEqual(self.partner(company)["terms"], "in_force")


class Change(World):
    def test_a_partner_follows_and_everything_goes_on(self):
        before, matches = self.partner(self.b), self.b.matches(self.a)
        charges = self.sql(self.b, "SELECT count(*) FROM charge")
        reports = {c: c.json("report", other.name)
                   for c, other in ((self.a, self.b), (self.b, self.a))}
        text = change(self.a, self.broker, self.broker.enroll("Alder again"))
        self.assertIn("overlapd revoke Alder", text)
        self.broker("revoke", "Alder")
        self.assertNotEqual(self.partner(self.a)["terms"], "in_force")
        self.settle()
        self.assert_in_force()
        after = self.partner(self.b)
        self.assertNotEqual(after["company"], before["company"])
        self.assertEqual((after["name"], after["state"], after["suspended"]),
                         ("Alder", "paired", False))
        self.assertGreater(after["terms_in_force"], before["terms_in_force"])
        self.assertIsNotNone(after["identity_changed"])
        # nothing that was kept is lost, and the ledger goes on
        for company, other in ((self.a, self.b), (self.b, self.a)):
            report = company.json("report", other.name)
            for said in (report, reports[company]):
                del said["partner_id"]
            self.assertEqual(report, reports[company])
        self.assertEqual(self.b.matches(self.a), matches)
        self.assertEqual(self.sql(self.b, "SELECT count(*) FROM charge WHERE partner = ?",
                                  bytes.fromhex(after["company"])), charges)
        # it is shown until somebody has looked
        (note,) = self.b.json("inbox")["identities"]
        self.assertEqual((note["partner"], note["was"], note["company"]),
                         ("Alder", before["company"], after["company"]))
        self.assertIn("changed its identity", self.b("inbox"))
        self.assertIn("its identity changed", self.b("partner", "list"))
        self.b("inbox", "clear", "identities")
        self.assertEqual(self.b.json("inbox")["identities"], [])
        # a job both ways, and not `unchanged`: nothing was exchanged under these terms
        for first, second in ((self.a, self.b), (self.b, self.a)):
            self.assertIn(self.world.exchange(first, second)[0]["state"], ("closed", "unchanged"))
        self.assertEqual(len(self.b.matches(self.a)), len(matches))
        self.assertEqual(len(self.sql(self.b, "SELECT 1 FROM charge")), charges[0][0] + 1)

    def test_the_old_secrets_are_gone(self):
        sealed = self.sql(self.a, "SELECT identity_sealed, envelope_sealed FROM home")[0]
        change(self.a, self.broker, self.broker.enroll("Alder again"))
        content = b"".join(p.read_bytes() for p in self.a.home.iterdir() if p.is_file())
        for secret in sealed:
            self.assertNotIn(secret, content)

    def test_a_revoked_company_comes_back_under_its_name(self):
        self.broker("remove", "Alder")
        self.a.fails("run", "Birch", code=USAGE)
        text = change(self.a, self.broker, self.broker.enroll("Alder"))
        self.assertNotIn("overlapd revoke", text)
        self.settle()
        self.assert_in_force()
        self.assertEqual(self.world.exchange()[0]["state"], "closed")

    def test_a_partner_that_was_revoked_hears_of_it_when_it_is_back(self):
        self.broker("revoke", "Birch")
        said = self.a.json("identity", "change", self.broker.enroll("Alder again"), "--enrol",
                           self.broker.enrolment)
        self.assertEqual(said["statements_waiting"], 1)
        self.a.mail()
        self.assertEqual(self.waiting_statements(), 1)
        self.b("join", self.broker.enroll("Birch"), "--enrol", self.broker.enrolment)
        self.settle()
        self.assertEqual(self.waiting_statements(), 0)
        self.assert_in_force()

    def test_an_end_that_could_not_be_said_is_said_by_the_new_identity(self):
        self.broker("revoke", "Alder")
        self.assertFalse(self.a.json("partner", "end", "Birch", "--yes")["sent"])
        self.broker("remove", "Alder")
        change(self.a, self.broker, self.broker.enroll("Alder"))
        self.settle()
        self.assertEqual(self.partner(self.b)["state"], "ended")
        self.assertEqual(self.sql(self.b, "SELECT count(*) FROM job"), [(0,)])
        self.assertEqual(self.sql(self.a, "SELECT count(*) FROM ended WHERE confirmed > 0"),
                         [(1,)])

    def test_an_end_right_after_a_change_is_understood(self):
        """The statement and the end wait at the broker together."""
        change(self.a, self.broker, self.broker.enroll("Alder again"))
        self.a("partner", "end", "Birch", "--yes")
        self.settle()
        self.assertEqual(self.partner(self.b)["state"], "ended")

    def test_an_end_waits_for_a_partner_that_was_revoked(self):
        self.broker("revoke", "Birch")
        self.a("partner", "end", "Birch", "--yes")
        self.a.mail()
        self.b("join", self.broker.enroll("Birch"), "--enrol", self.broker.enrolment)
        self.settle()
        self.assertEqual(self.partner(self.b)["state"], "ended")

    def waiting_statements(self):
        return self.sql(self.a, "SELECT count(*) FROM mail_out WHERE kind = 9"
                        " AND sent IS NULL AND refused IS NULL AND length(body) > 0")[0][0]

    def test_one_that_is_ahead_of_the_clock_waits(self):
        harness.needs_clock()
        before = self.partner(self.b)["company"]
        change(self.a, self.broker, self.broker.enroll("Alder again"),
               env={"OVERLAP_CLOCK_SHIFT": "600"})
        self.a.mail()
        self.b.mail()
        self.assertEqual(self.partner(self.b)["company"], before)
        self.assertNotIn(9, [m["kind"] for m in self.b.json("inbox")["mail"]])  # nor refused
        self.b("inbox", env={"OVERLAP_CLOCK_SHIFT": "600"})
        self.assertNotEqual(self.partner(self.b)["company"], before)
        self.settle()
        self.assert_in_force()

    def test_open_jobs_end_and_the_next_one_runs(self):
        self.b("accounts", "alias", "add", self.b.matches(self.a)[0]["account_id"].split(";")[0],
               "--domain", "another-of-test.com")
        self.b("run", "Alder", "--wait", "0", code=WAITING)
        token = self.broker.enroll("Alder again")
        change(self.a, self.broker, token)
        self.settle()
        ((job,),) = self.sql(
            self.b, "SELECT id FROM job WHERE reason = 'E_IDENTITY_CHANGED'")
        # the broker was told, so that no report can come of it
        with contextlib.closing(sqlite3.connect(self.broker.home / "broker.db")) as db:
            self.assertEqual(
                db.execute("SELECT state, reason FROM job WHERE id = ?", (job,)).fetchall(),
                [(9, "E_IDENTITY_CHANGED")])
        self.assertEqual(self.world.exchange(self.b, self.a)[0]["state"], "closed")

    def test_a_token_for_a_taken_name_or_of_another_broker(self):
        token = self.broker.enroll("Alder")
        self.a.fails("identity", "change", token, "--enrol", self.broker.enrolment, code=USAGE,
                     says=["E_BROKER_EXISTS", "removes the old company"])
        other = harness.Broker(self.world.path / "other")
        other.init()
        self.addCleanup(other.kill)
        other.start()
        text = harness.finish(self.a.command(
            "identity", "change", other.enroll("Alder"), "--enrol", other.enrolment), None)
        self.assertIn("of another broker", text.stderr)
        self.assertEqual(self.partner(self.a)["terms"], "in_force")
        self.assertIn(self.world.exchange()[0]["state"], ("closed", "unchanged"))


class Meanwhile(harness.Proxy):
    """In front of a listener: something happens before the first bytes go through."""

    def __init__(self, target, happens):
        super().__init__()
        self.target, self.happens, self.once = target, happens, threading.Lock()

    def keep(self, data):
        with self.once:
            happens, self.happens = self.happens, None
            if happens:
                happens()


class Crossing(World):
    """Both change, and neither has taken the other's statement."""

    def cross(self, second_can_look=True):
        """B has taken its mail, and enrols; only now A changes, from start to end."""
        tokens = [self.broker.enroll(name) for name in ("Alder again", "Birch again")]

        def of_a():
            change(self.a, self.broker, tokens[0])
            if not second_can_look:
                self.broker("revoke", "Birch")

        enrolment = Meanwhile(self.broker.enrolment, of_a)
        self.addCleanup(enrolment.close)
        self.b("identity", "change", tokens[1], "--enrol", enrolment.address)
        self.assertIsNone(enrolment.happens)

    def test_two_partners_that_change_at_once_find_each_other(self):
        before = [self.partner(c)["company"] for c in (self.a, self.b)]
        self.cross()
        self.settle()
        self.assert_in_force()
        after = [self.partner(c)["company"] for c in (self.a, self.b)]
        self.assertFalse(set(before) & set(after))
        for company in (self.a, self.b):
            self.assertEqual(company.json("inbox")["mail"], [])  # nothing was refused
            self.assertEqual(len(company.json("inbox")["identities"]), 1)
        self.assertEqual(self.world.exchange()[0]["state"], "closed")

    def test_control_who_cannot_look_back_loses_the_other(self):
        self.cross(second_can_look=False)
        self.settle()
        for company in (self.a, self.b):
            self.assertNotEqual(self.partner(company)["terms"], "in_force")


class Refused(World):
    """What B does not believe, or does not do, of statements that reach it."""

    def spoil(self, how, *values):
        """A changes, and its statement is not what it was when it leaves."""
        self.broker.front.target, target = None, self.broker.front.target  # nothing leaves yet
        change(self.a, self.broker, self.broker.enroll("Alder again"))
        self.broker.front.target = target
        ((body,),) = self.sql(self.a, "SELECT body FROM mail_out WHERE kind = 9 AND sent IS NULL")
        self.sql(self.a, "UPDATE mail_out SET body = ? WHERE kind = 9 AND sent IS NULL", how(body))
        self.a.mail()
        return body

    def refusals(self):
        return [m["refused"] for m in self.b.json("inbox")["mail"] if m["kind"] == 9]

    def test_a_forged_one(self):
        before = self.partner(self.b)
        self.spoil(lambda body: body[:-17] + bytes([body[-17] ^ 1]) + body[-16:])
        self.assertEqual(self.refusals(), ["E_CRYPTO_SIGNATURE"])
        self.assertEqual(self.partner(self.b), before)

    def test_one_for_somebody_else(self):
        before = self.partner(self.b)
        self.spoil(lambda body: body[:-16] + bytes(16))
        self.assertEqual(self.refusals(), ["E_PROTO_MISMATCH"])
        self.assertEqual(self.partner(self.b), before)

    def test_a_partnership_that_was_suspended_stays_so(self):
        company = bytes.fromhex(self.partner(self.b)["company"])
        self.sql(self.b, "INSERT INTO hold(kind, company, reason, since)"
                 " VALUES (2, ?, 'E_PARTNER_SUSPENDED', 1)", company)
        change(self.a, self.broker, self.broker.enroll("Alder again"))
        self.settle()
        after = self.partner(self.b)
        self.assertNotEqual(bytes.fromhex(after["company"]), company)
        self.assertTrue(after["suspended"])
        self.assertNotEqual(after["terms"], "in_force")

    def test_a_partnership_that_ended_stays_so(self):
        self.sql(self.b, "UPDATE partner SET state = 2")
        before = self.partner(self.b)
        change(self.a, self.broker, self.broker.enroll("Alder again"))
        self.settle()
        self.assertEqual(self.partner(self.b), before)
        self.assertEqual(self.refusals(), ["E_PARTNER_UNPAIRED"])

    def test_one_that_was_taken_before(self):
        body = self.spoil(lambda body: body)
        self.settle()
        self.assert_in_force()
        before = self.partner(self.b)
        for again in range(2):  # what led to the present identity says nothing; one that is past
            with self.subTest(changes=again + 1):
                if again:
                    change(self.a, self.broker, self.broker.enroll("Alder thrice"))
                    self.settle()
                    self.assert_in_force()
                    before = self.partner(self.b)
                with contextlib.closing(sqlite3.connect(self.b.home / "overlap.db")) as db:
                    ((company,),) = db.execute(
                        "SELECT company FROM mail_in WHERE kind = 9 ORDER BY id LIMIT 1")
                    db.execute(
                        "INSERT INTO mail_in(seq, company, mail, kind, sent, received, body,"
                        " state) VALUES (?, ?, ?, 9, 1, 1, ?, 1)",
                        (100000 + again, company, bytes(16), body))
                    db.commit()
                self.b.mail()
                self.assertEqual(self.refusals(), ["E_IDENTITY_OLD"] * again)
                self.assertEqual(self.partner(self.b), before)


class Killed(World):
    def test_at_each_write_of_both_sides(self):
        listed = self.world.path / "points"
        token = self.broker.enroll("Alder again")
        words = ("identity", "change", token, "--enrol", self.broker.enrolment)
        self.broker.stop()
        trial = self.world.copy()
        trial.broker.start()
        trial.a("identity", "change", token, "--enrol", trial.broker.enrolment,
                env={"OVERLAP_CRASH_LIST": str(listed)})
        trial.broker.stop()
        if not listed.exists():
            self.skipTest("built without crash points")
        points = [p for p in listed.read_text().splitlines()
                  if p.split()[0] in ("identity.drawn", "home.joining", "identity.change")]
        self.assertEqual(len(points), 6)
        for point in points:
            with self.subTest(of="change", point=point):
                world = self.world.copy()
                world.broker.start()
                command = world.a.command(*words[:-1], world.broker.enrolment)
                died = harness.finish(command, None, {"OVERLAP_CRASH_AT": point})
                self.assertEqual(died.returncode, -signal.SIGKILL)
                world.a(*words[:-1], world.broker.enrolment)
                if point == points[-1]:
                    self.take_over(world)
                self.follow(world)
                world.broker.stop()

    def take_over(self, world):
        """B dies before and after it takes the statement."""
        for point in ("identity.taken before", "identity.taken after"):
            died = harness.finish(world.b.command("inbox"), None, {"OVERLAP_CRASH_AT": point})
            self.assertEqual(died.returncode, -signal.SIGKILL)

    def follow(self, world):
        for company in (world.b, world.a, world.b, world.a):
            company.mail()
        for company in (world.a, world.b):
            (p,) = company.json("partner", "list")["partners"]
            self.assertEqual(p["terms"], "in_force")
            self.assertEqual(company.json("inbox")["mail"], [])


class Renewal(World):
    def test_the_certificate_is_new_and_the_old_one_ends(self):
        before = self.partner(self.b)
        old = self.world.path / "old"
        shutil.copytree(self.a.home, old)
        text = self.a("join", self.broker.enroll("Alder"), "--enrol", self.broker.enrolment)
        self.assertIn("Renewed", text)
        self.assertIn(self.world.exchange()[0]["state"], ("closed", "unchanged"))
        self.assertEqual(self.partner(self.b), before)
        stale = harness.Company(old, "Alder")
        self.assertNotEqual(harness.finish(stale.command("run", "Birch"), None).returncode, OK)

    def test_of_a_company_that_was_revoked_if_the_operator_gives_a_token(self):
        self.broker("revoke", "Alder")
        self.a("join", self.broker.enroll("Alder"), "--enrol", self.broker.enrolment)
        self.assertIn(self.world.exchange()[0]["state"], ("closed", "unchanged"))

    def test_a_token_from_before_does_not_undo_a_revocation(self):
        for again in range(2):  # a second `revoke` withdraws what came after the first
            early = self.broker.enroll("Alder")
            self.broker("revoke", "Alder")
            self.a.fails("join", early, "--enrol", self.broker.enrolment, code=USAGE,
                         says=["E_BROKER_TOKEN"])
            self.a.fails("run", "Birch", code=USAGE, says=["revoked"])
        self.a("join", self.broker.enroll("Alder"), "--enrol", self.broker.enrolment)
        self.assertIn(self.world.exchange()[0]["state"], ("closed", "unchanged"))

    def test_not_under_another_name(self):
        self.a.fails("join", self.broker.enroll("Other"), "--enrol", self.broker.enrolment,
                     code=USAGE, says=["E_BROKER_EXISTS"])
        self.assertIn(self.world.exchange()[0]["state"], ("closed", "unchanged"))


if __name__ == "__main__":
    harness.main()
