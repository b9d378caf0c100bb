"""points - every named write of the programs (common/db/crash.h) is one at which a test kills.

A company walks through all that its program can do; each verb dies before and after each
write that stands beside it, is run again after each death, as a person would, and ends as
if nothing had been.  The broker dies after each of its own, and the same call brings it
about.  What is tried elsewhere stands in ELSEWHERE.  A name in the source that is nowhere
fails the test; so does one here that is not passed.
"""

import contextlib
import json
import re
import signal
import unittest

import harness
from harness import OK, USAGE, WAITING

ELSEWHERE = {
    "client": {"job.conflict"},  # test_hostile.py: Second
    # unit/test_broker_job.c: the broker in a job, at each write by number
    "server": {"chunk.put", "job.report", "job.step", "stream.measure", "streams.erase",
               "view.chunk", "view.forget"},
}
WRITE = re.compile(r'(?:ov_db_commit|ov_tx_commit)\([^;"]*"([^"]+)"|OV_CRASH_POINT\("([^" ]+)')
POLICY = harness.POLICY.replace("customers: matches", "customers: counts")
OLD = {"OVERLAP_OLD_PROFILES": "1"}
DAYS = 86400


def names_of(*folders):
    return {a or b for folder in folders for path in (harness.SOURCE / folder).rglob("*.c")
            for a, b in WRITE.findall(path.read_text())}


class Points(unittest.TestCase):
    tried = {"client": set(), "server": set()}

    @classmethod
    def setUpClass(cls):
        harness.needs_clock()
        cls.world = world = harness.World()
        cls.addClassCleanup(world.close)
        world.broker.init()
        world.broker.start()
        (world.path / "policy.yaml").write_text(POLICY)

    def dies(self, command, names, codes=(OK,), env=None, of="client"):
        """Runs a program that dies around each of these writes (NAME!: at the point itself),
        and then, unless no code is right, once more."""
        for name in names.split():
            for where in ("",) if name[-1] == "!" else (" before", " after"):
                point = name.rstrip("!") + where
                result = harness.finish(command, None, {**(env or {}), "OVERLAP_CRASH_AT": point})
                if result.returncode != -signal.SIGKILL:
                    raise AssertionError(f"{point} is not passed by {command}: {result}")
            self.tried[of].add(name.rstrip("!"))
        if not codes:
            return None
        result = harness.finish(command, None, env)
        if result.returncode not in codes:
            raise harness.Failed(list(map(str, command)), result)
        return result.stdout

    def verb(self, company, names, *words, codes=(OK,)):
        return self.dies(company.command(*words), names, codes, company.env)

    def broker_dies(self, names, action, env=None):
        """The broker dies after each of these writes, which `action` brings about."""
        broker = self.world.broker
        for name in names.split():
            broker.stop()
            if broker.start({**(env or {}), "OVERLAP_CRASH_AT": f"{name} after"}):
                action(None)
            self.assertEqual(broker.process.wait(harness.PATIENCE), -signal.SIGKILL, name)
            self.tried["server"].add(name)
            self.assertTrue(broker.start(env))
        return action(OK)

    # --- the walk, in order ---

    def test_1_homes_and_pairing(self):
        world, verb = self.world, self.verb
        a, b, c = world.a, world.b, harness.Company(world.path / "c", "Cedar")
        for company, names in (a, "db.migrate home.key home.init"), (b, ""), (c, ""):
            verb(company, names, "init", codes=(OK, USAGE))
        for company, names in (a, "home.joining home.join"), (b, ""), (c, ""):
            verb(company, names, "join", world.broker.enroll(company.name),
                 *company._addresses(world.broker), codes=(OK, USAGE))
        verb(a, "home.renew", "join", world.broker.enroll(a.name),
             "--enrol", world.broker.enrolment, codes=(OK, USAGE))  # the token was used
        b("partner", "accept", json.loads(verb(a, "pair.invite", "partner", "invite", "--json"))
          ["code"])
        verb(a, "mail.stored pair.request mail.done", "inbox")
        b.mail()
        verb(a, "pair.accept mail.sent", "partner", "accept", harness.invitation(c))
        c.mail()
        verb(a, "pair.reply", "inbox")
        self.assertEqual({p["state"] for p in a.json("partner", "list")["partners"]}, {"paired"})

    def test_2_books(self):
        verb, a = self.verb, self.world.a
        rows = harness.SAMPLES[0].read_text(encoding="utf-8").splitlines(True)
        small = self.world.path / "small.csv"
        small.write_text("".join(rows[:3]), encoding="utf-8")
        verb(a, "job.accounts book.import", "import", harness.SAMPLES[0])
        self.world.b("import", harness.SAMPLES[1])
        verb(a, "icp.store", "icp", harness.DATA / "sample_a.icp.yaml")
        verb(a, "book.alias", "accounts", "alias", "add", "0015g00000dB112", "--domain",
             "kfw-example.com")
        verb(a, "book.erase", "accounts", "erase", "0015g00000dB112", "--yes",
             codes=(OK, USAGE))
        verb(a, "book.unerase", "accounts", "erase", "--undo", "0015g00000dB112",
             codes=(OK, USAGE))
        verb(a, "book.keep_out", "accounts", "erase", "not-there", "--absent", "--yes",
             codes=(OK, USAGE))
        verb(a, "book.rebuild", "accounts", "rebuild")
        a.fails("import", small, code=WAITING)
        verb(a, "inbox.import", "inbox", "drop", "import", codes=(OK, USAGE))
        a("import", harness.SAMPLES[0])

    def test_3_terms(self):
        verb, a, b = self.verb, self.world.a, self.world.b
        terms = ("--policy", self.world.path / "policy.yaml", "--yes")
        verb(a, "terms.consent", "partner", "terms", b.name, *terms, codes=(WAITING,))
        b.mail()
        harness.finish(b.command("partner", "terms", a.name, *terms), None)
        verb(a, "terms.offered terms.signed log.pin terms.in_force", "inbox")
        b.mail()
        for company in a, b:
            (partner,) = [p for p in company.json("partner", "list")["partners"]
                          if p["name"] in (a.name, b.name)]
            self.assertEqual(partner["terms"], "in_force")
        verb(a, "ask.send", "partner", "ask", b.name, "--level", "matches", "customers")
        a.mail()
        verb(b, "ask.taken", "inbox")
        verb(b, "ask.forget", "inbox", "drop", "ask", a.name, codes=(OK, USAGE))
        verb(a, "hold.set", "partner", "suspend", b.name)
        (hold,) = a.json("inbox", "--offline")["holds"]
        verb(a, "hold.clear", "inbox", "clear", hold["number"], codes=(OK, USAGE))
        verb(a, "mail.forget", "inbox", "clear", "mail")
        verb(a, "identity.seen", "inbox", "clear", "identities")
        verb(a, "verdict.seen", "inbox", "clear", "verdicts")

    def test_4_jobs(self):
        verb, a, b = self.verb, self.world.a, self.world.b
        answering = b.spawn("agent", "--once", "--wait", "60")
        verb(a, "job.create job.proof job.step job.state job.populations job.egress job.charge"
             " job.size job.forget job.matches job.report", "run", b.name, codes=())
        self.assertEqual(answering.wait(harness.PATIENCE), OK)  # has given its verdict
        with self.answering(b):
            verb(a, "job.verdict", "run", b.name)
            verb(a, "job.unchanged", "run", b.name)
            match = a.matches(b)[0]["match"]
            verb(a, "matches.wrong", "matches", b.name, "--wrong", match)
        b.env = OLD  # a release that has not the current profile
        b("accounts", "rebuild")
        with self.answering(b):
            verb(a, "job.profile book.previous", "run", b.name)
        b.env = {}
        self.assertGreater(len(a.matches(b)), 10)

    @contextlib.contextmanager
    def answering(self, company):
        agent = company.spawn("agent")
        try:
            yield
        finally:
            agent.terminate()
            agent.wait(harness.PATIENCE)

    def test_5_ends(self):
        verb, a, b = self.verb, self.world.a, self.world.b
        token = self.world.broker.enroll("Alder again")
        verb(a, "identity.drawn identity.change terms.again", "identity", "change", token,
             "--enrol", self.world.broker.enrolment)
        a.mail()
        verb(b, "identity.taken", "inbox")
        for company in a, b, a:
            company.mail()
        verb(a, "partner.end", "partner", "end", b.name, "--yes", codes=(OK, USAGE))
        a.mail()
        verb(b, "partner.ended", "inbox")
        b.mail()
        verb(a, "partner.confirmed", "inbox")

    def test_6_the_broker(self):
        world, finish = self.world, harness.finish
        b, d = world.b, harness.Company(world.path / "d", "Dogwood")
        home = "--home", world.broker.home
        d("init")
        token = self.broker_dies("token.add", lambda code: finish(
            [harness.overlapd, "enroll", *home, d.name], code).stdout).strip()
        self.broker_dies("enrol", lambda code: finish(
            d.command("join", token, *d._addresses(world.broker)), code))
        code = harness.invitation(d)
        b("partner", "accept", code)
        self.broker_dies("mail.drop mail.put", lambda code: finish(d.command("inbox"), code))
        b.mail()
        policy = world.path / "policy.yaml"
        for one, other in (b, d), (d, b):
            finish(one.command("partner", "terms", other.name, "--policy", policy, "--yes"), None)
        self.broker_dies("terms.put", lambda code: finish(b.command("inbox"), code))
        d.mail()
        b.mail()
        b("run", d.name, "--wait", "0", code=WAITING)
        later = {"OVERLAP_CLOCK_SHIFT": str(4 * DAYS)}
        self.broker_dies("job.expire store.expire", lambda code: None, later)
        for names in "company.revoke", "token.withdraw":  # the second time there is no more
            self.broker_dies(names, lambda code: finish(
                [harness.overlapd, "revoke", *home, d.name], code))
        self.assertIn("revoked", world.broker("orgs"))

    def test_7_the_brokers_home(self):
        new = self.world.path / "new"
        command = [harness.overlapd, "init", "--home", new, "--host", "127.0.0.1"]
        self.dies(command, "log.id site.create!", of="server")
        backup = self.world.path / "backup"
        self.world.broker("backup", backup)
        self.world.broker.stop()
        self.dies([harness.overlapd, "restore", "--home", self.world.broker.home, backup],
                  "site.restore!", of="server")
        self.assertTrue(self.world.broker.start())

    def test_9_none_is_forgotten(self):
        for of, folders in (("client", ("client", "common")), ("server", ("server",))):
            self.assertEqual(names_of(*folders) - ELSEWHERE[of], self.tried[of])
        self.assertGreater(len(names_of("client")), 50)  # the pattern finds them


if __name__ == "__main__":
    harness.main()
