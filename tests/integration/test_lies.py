"""lies - a broker that lies to real companies: each lie is caught, the job ends with the
reason, nothing of it is shown, no list leaves, and the case is on record.

Run as `test_lies.py OVERLAP HOSTILE_BROKER`.  What it says is consistent in itself, so that the
check that a lie is about is the only one that can find it.
"""

import hashlib

import harness
from harness import OK, PEER, USAGE, WAITING
from liar import POLICY, Liar

# enum ov_job_state, ov_step, ov_stream, ov_leaf
MISBEHAVED = 12
CANCEL, REPORT, CLOSE = (4, 5), 12, (18, 19)
POINTS, ROSTER, VIEW = (1, 2), (3, 4), (7, 8)
LEAF_ENDED, LEAF_FAILED, LEAF_CLOSED = 4, 12, 13
TERMS_END, TERMS_ENDED = 7, 10  # enum ov_mail


class Reports(Liar):
    """P6: verified matches."""

    LIES = {
        "invent": "a match of two accounts that have none",
        "move": "a true match, with another account of the partner",
        "cross": "two true matches, each with the other's account",
        "swap-proofs": "the proofs of two true matches, exchanged",
        "proof": "one bit of a proof",
        "roster": "one bit of the MAC over rank and label",
        "relabel": "another population",
        "band": "another band of the population",
        "rank": "another kind of key",
        "beyond": "a position that the partner does not have",
        "twice": "a match twice",
        "two-keys": "a match twice, by two keys that the accounts do share",
        "number": "two matches of one number",
        "cell": "one pair more in a cell",
        "no-cell": "a cell left out",
        "cell-twice": "a cell twice",
        "no-zero": "a cell of zeros left out",
        "hidden": "a cell of a population that is not in the job",
        "hidden-other": "a cell of a population that the partner hides",
        "moved": "two cells in the other's place",
        "held-fit": "a number held back for no reason",
        "held-given": "a fit that the partner shows, held back",
        "noise": "an exact number that is said to be a guess",
        "own-fit": "more pairs that fit than there are pairs",
        "given-fit": "more pairs that fit the partner's ICP than there are pairs",
        "fewer-rows": "one match less than announced",
        "view-of-other": "the other side's view",
        "view-of-job": "a view of another job",
        "digest": "a digest that is not the view's",
        "transcript": "a report for another transcript",
        "report-of-job": "a report for another job",
        "completes": "a report over another stream",
        "key": "a report that the report key did not sign",
    }

    def caught(self, told, company, other, keeps_report=True):
        job = self.ends(told, PEER, "broker_misbehaved", "E_PROTO_MISBEHAVED")
        self.assertEqual(told["matches"], 0)
        self.stands_nowhere(company, other, job)
        # the company's own record: its verdict, signed, and where it is in the log
        (step, (close, leaf)), = self.steps(company, job, CLOSE).items()
        self.assertIn(b"E_PROTO_MISBEHAVED", close)
        self.assertEqual(len(self.steps(company, job, [REPORT])), keeps_report)
        # the broker's, which played along: state, and the leaf of the verdict
        self.assertEqual(self.store("SELECT state, reason FROM job WHERE id = ?", job),
                         [(MISBEHAVED, "E_PROTO_MISBEHAVED")])
        self.assertEqual(
            self.store("SELECT body FROM step WHERE job = ? AND step = ?", job, step),
            [(close,)])
        self.assertEqual(self.store("SELECT type FROM leaf WHERE idx = ?", leaf),
                         [(LEAF_CLOSED,)])
        # the end itself comes with the other side's CLOSE
        self.assertEqual(
            self.store("SELECT type FROM leaf WHERE idx > (SELECT max(leaf) FROM step WHERE"
                       " job = ? AND step IN (?, ?)) ORDER BY idx LIMIT 1", job, *CLOSE),
            [(LEAF_FAILED,)])

    def test_every_lie_is_caught(self):
        a, b = self.world.a, self.world.b
        for how, what in self.LIES.items():
            with self.subTest(how, what=what):
                self.lie("report", how, a.name)
                told, _ = self.exchange()
                self.caught(told, a, b, how != "key")

    def test_the_acceptor_catches_them_too(self):
        a, b = self.world.a, self.world.b
        for how in "invent", "relabel", "cell", "key":
            with self.subTest(how):
                self.lie("report", how, b.name)
                _, told = self.exchange()
                self.caught(told, b, a, how != "key")

    def test_a_view_that_is_not_of_the_report(self):
        """The view is a true one but for a match that is left out."""
        self.lie("other-view", "drop", self.world.a.name)
        told, _ = self.exchange()
        self.caught(told, self.world.a, self.world.b)

    def test_what_a_broker_can_do(self):
        """The honest limits: it can leave matches out and lie about a fit that only the
        partner knows, and no check of a report finds it.  But there is one report for both:
        if it tells them two, each finds another one named in the other's signed CLOSE."""
        a, b = self.world.a, self.world.b
        for company in a, b:
            company("inbox", "clear", "verdicts")  # of other cases
        self.exchange()
        rows = len(a.matches(b))
        for company in a, b:
            self.assertEqual(company.json("inbox")["verdicts"], [])
        for how, to in ("other-fit", "*"), ("drop", b.name):
            with self.subTest(how):
                self.lie("report", how, to)
                told = self.exchange()
                for one in told:
                    self.ends(one, OK, "closed", "OK")
                self.two_reports(told[0]["job"])
        self.assertEqual(told[1]["matches"], told[0]["matches"] - 1)
        self.assertIn(told[0]["matches"], range(rows - 5, rows + 6))

    def two_reports(self, job):
        """Together they have the proof, and each knows that there is one."""
        a, b = self.world.a, self.world.b
        told = {body for company in (a, b)
                for body, _ in self.steps(company, bytes.fromhex(job), [REPORT]).values()}
        self.assertEqual(len(told), 2)
        for company, partner in (a, b), (b, a):
            (note,) = company.json("inbox")["verdicts"]
            self.assertEqual((note["job"], note["mine"], note["verdict"]),
                             (job, False, "E_PROTO_EQUIVOCATION"))
            self.assertIn("told another report", company("inbox"))
            self.assertIn("told another report", company("report", partner.name))
            company("inbox", "clear", "verdicts")

    def test_a_second_report_ends_the_job(self):
        """A report, then, when the company comes back from a crash, another one: each true
        in itself, so that it would be taken if it came first."""
        harness.needs_clock()
        a, b = self.world.a, self.world.b
        answering = b.spawn("agent", "--once", "--wait", "30")
        dying = a.spawn("run", b.name, env={"OVERLAP_CRASH_AT": "job.forget before"})
        self.assertEqual(dying.wait(harness.PATIENCE), -9)
        self.assertEqual(answering.wait(harness.PATIENCE), OK)
        self.lie("report", "drop", a.name)
        (ident, stored), = self.home(
            a, "SELECT s.job, s.body FROM job_step s JOIN job j ON j.id = s.job"
            " WHERE j.state < 6 AND s.step = ?", REPORT)
        job = self.ends(self.told(self.start(a, "run", b.name)), PEER, "equivocation",
                        "E_PROTO_EQUIVOCATION")
        self.assertEqual(job, ident)
        self.stands_nowhere(a, b, job)
        # both are kept: two reports of one job that the broker signed
        self.assertEqual(
            self.home(a, "SELECT body FROM job_step WHERE job = ? AND step = ?", job, REPORT),
            [(stored,)])
        (other,), = self.home(
            a, "SELECT body FROM job_conflict WHERE job = ? AND step = ?", job, REPORT)
        self.assertNotEqual(other, stored)
        (close, _), = self.steps(a, job, CLOSE).values()
        self.assertIn(b"E_PROTO_EQUIVOCATION", close)
        # and the other side, whose report stands, is told
        b("agent", "--once", "--wait", "0")
        (note,) = b.json("inbox")["verdicts"]
        self.assertEqual((note["job"], note["verdict"]), (job.hex(), "E_PROTO_EQUIVOCATION"))
        b("inbox", "clear", "verdicts")


class Counts(Liar):
    """P6, of what is only counted: B gives counts of two populations and matches of one.  The
    numbers are the broker's word; everything else about them is not."""

    policy = POLICY
    other = POLICY.replace("customers: matches", "customers: counts").replace(
        "open_opportunities: matches", "open_opportunities: counts")

    LIES = {
        "count-small": "a number below what is shown",
        "count-sure": "no plus-minus",
        "count-surer": "less plus-minus than the terms' noise has",
        "count-no-cell": "a cell left out",
        "count-hidden": "a cell of a population that the partner hides",
        "count-silent": "a number held back for no reason",
        "count-reason": "a reason for what is not held back",
        "count-uncharged": "a view that was not charged",
        "count-dearer": "another charge than the terms'",
        "count-withheld": "a view that was charged, held back",
    }

    def a_view_is_due(self):
        """As if no job had been."""
        for company in self.world.a, self.world.b:
            self.forget(company, "DELETE FROM charge")
        self.change(self.world.broker.home / "broker.db", "DELETE FROM charge")

    def caught(self, told):
        job = self.ends(told, PEER, "broker_misbehaved", "E_PROTO_MISBEHAVED")
        self.stands_nowhere(self.world.a, self.world.b, job)
        self.assertEqual(self.home(
            self.world.a, "SELECT count(*) FROM job_held WHERE job = ?", job), [(0,)])
        (close, _), = self.steps(self.world.a, job, CLOSE).values()
        self.assertIn(b"E_PROTO_MISBEHAVED", close)
        self.change_list()

    def test_every_lie_is_caught(self):
        for how, what in self.LIES.items():
            with self.subTest(how, what=what):
                self.a_view_is_due()
                self.lie("report", how, self.world.a.name)
                self.caught(self.exchange()[0])

    def test_a_view_that_the_partner_did_not_allow(self):
        self.a_view_is_due()
        for told in self.exchange():
            self.ends(told, OK, "closed", "OK")
        self.lie("report", "count-drawn", self.world.a.name)
        self.caught(self.exchange()[0])

    def test_what_a_broker_can_do(self):
        """It can say any number, and keep a view back, but not without being seen to: the
        report says that this home, which was told that a view may be drawn, counted it."""
        a, b = self.world.a, self.world.b
        for how, differs in ("count-number", False), ("count-denied", True):
            self.a_view_is_due()
            self.lie("report", how, a.name)
            self.ends(self.exchange()[0], OK, "closed", "OK")
            self.assertEqual(a.json("report", b.name)["charged"]["differs"], differs)
        views = a.json("report", b.name)["charged"]["my_views"]
        self.assertEqual((views["epsilon_milli_365_days"],
                          views["epsilon_milli_365_days_own_count"],
                          views["epsilon_milli_left"]), (0, 333, 4000))


class Charges(Liar):
    """What a report says was charged is shown beside the own count; the stricter holds."""

    LIES = {  # what is said otherwise, and whether that is shown
        "charge-left": ("runs_left", False),
        "charge-runs": ("runs_30_days", True),
        "charge-slots": ("slots", True),
        "charge-theirs": ("their_slots", True),
        "charge-month": ("their_slots_30_days", True),
    }

    def charged(self, how=None):
        a, b = self.world.a, self.world.b
        self.lie(*(("report", how, a.name) if how else ()))
        self.ends(self.exchange()[0], OK, "closed", "OK")
        return a.json("report", b.name)["charged"]

    def test_what_differs_is_shown_and_the_stricter_holds(self):
        a, b = self.world.a, self.world.b
        honest = self.charged()  # the control
        self.assertFalse(honest["differs"])
        self.assertNotIn("do not count the same", a("report", b.name))
        for runs, (how, (key, differs)) in enumerate(self.LIES.items(), 1):
            with self.subTest(how):
                said = self.charged(how)
                self.assertEqual(said["differs"], differs)
                self.assertEqual("do not count the same" in a("report", b.name), differs)
                if differs:
                    self.assertNotEqual(said[key], said[key + "_own_count"])
                self.assertEqual(said["runs_30_days_own_count"],
                                 honest["runs_30_days_own_count"] + runs)
                self.assertEqual(said["runs_left"], honest["runs_left"] - runs)


class Streams(Liar):
    """P3, P4: what the broker does to the points between the partners."""

    LIES = {  # what happens to the partner's points: reason, and what may have left by then
        "legend": ("a bit of the first chunk", "E_CRYPTO_OPEN", set()),
        "point": ("a bit of the last point", "E_CRYPTO_OPEN", {ROSTER}),
        "cut": ("a point less", "E_PROTO_COUNT", {ROSTER}),
        "last": ("the first chunk is the last", "E_PROTO_COUNT", set()),
        "order": ("chunks exchanged", "E_PROTO_COUNT", set()),
        "reflect": ("the company's own points", "E_CRYPTO_OPEN", set()),
        "replay": ("points of an earlier job", "E_CRYPTO_OPEN", set()),
        "tags": ("the partner's tags in their place", "E_PROTO_COUNT", set()),
        "roster": ("the partner's roster in their place", "E_PROTO_COUNT", set()),
    }

    def test_points_are_the_partners_for_this_job_or_nothing_leaves(self):
        self.exchange()  # of which the broker keeps the points
        for number, company in enumerate((self.world.a, self.world.b)):
            for how, (what, reason, streams) in self.LIES.items():
                with self.subTest(how, what=what, to=company.name):
                    self.lie("points", how, company.name)
                    told = self.exchange()[number]
                    job = self.ends(told, PEER, "failed", reason)
                    left = self.left(company, job) - {POINTS[number]}
                    self.assertLessEqual(left, {stream[number] for stream in streams})
                    self.assertFalse(self.steps(company, job, CLOSE))

    def test_points_that_never_come_are_waited_for(self):
        self.lie("lose", "-", self.world.a.name)
        a, b = self.exchange(wait=1)
        self.assertEqual((a["exit"], b["exit"]), (WAITING, WAITING))
        self.lie()
        for told in self.exchange():
            self.ends(told, OK, "closed", "OK")

    def test_nobody_ever_asks_for_rosters_or_tags(self):
        """Nor for the other's view.  The control: points and the own view are asked for."""
        self.exchange()
        asked = {tuple(line.split()) for line in
                 self.lie_file.with_suffix(".asked").read_text().splitlines()}
        want = {(company.name, role, str(stream))
                for company, role, n in ((self.world.a, "A", 0), (self.world.b, "B", 1))
                for stream in (POINTS[1 - n], VIEW[n])}
        self.assertEqual(asked, want)

    def test_an_error_gets_no_accusation_signed(self):
        """unit/test_advance.c tries every status; here two that would be one."""
        a = self.world.a
        for status in "E_CRYPTO_OPEN", "E_PROTO_MISBEHAVED":
            self.lie("error", status, a.name)
            told, _ = self.exchange(wait=1)
            self.assertEqual(told["exit"], PEER, told["said"])
            (job,), = self.home(a, "SELECT id FROM job WHERE state < 6")
            self.assertFalse(self.steps(a, job, CANCEL + CLOSE))
            self.assertEqual(self.left(a, job), {POINTS[0]})
        self.lie()
        for told in self.exchange():
            self.ends(told, OK, "closed", "OK")


class Log(Liar):
    """P 3: what cannot be proven stops all jobs until a person has looked."""

    LIES = {
        "shrunk": ("a head of fewer leaves", "E_LOG_ROLLBACK"),
        "growth": ("no proof that it only grew", "E_LOG_ROLLBACK"),
        "id": ("another log", "E_LOG_IDENTITY"),
        "signature": ("a head that is not signed", "E_LOG_PROOF"),
        "proof": ("a wrong path to the step's leaf", "E_LOG_PROOF"),
        "salt": ("another leaf", "E_LOG_PROOF"),
        "type": ("a leaf of another kind", "E_LOG_PROOF"),
    }

    def test_every_lie_stops_all_jobs_until_a_person_looked(self):
        a, b = self.world.a, self.world.b
        for how, (what, reason) in self.LIES.items():
            with self.subTest(how, what=what):
                self.lie("log", how, a.name)
                a.fails("run", b.name, "--wait", "0", code=PEER, says=[reason])
                holds = self.holds(a)
                self.assertEqual(set(holds), {reason})
                self.lie()  # the broker is honest again, but nobody has looked
                a.fails("run", b.name, "--wait", "0", code=PEER, says=[reason])
                for job, state in self.home(a, "SELECT id, state FROM job"):
                    self.assertEqual((state, self.left(a, job)), (1, set()))
                a("inbox", "clear", holds[reason])
        for told in self.exchange():
            self.ends(told, OK, "closed", "OK")

    def test_the_side_that_answers_stops_too(self):
        a, b = self.world.a, self.world.b
        before = self.home(b, "SELECT id FROM job")
        self.lie("log", "shrunk", b.name)
        a.fails("run", b.name, "--wait", "0", code=WAITING)
        b.fails("agent", "--once", "--wait", "0", code=PEER, says=["E_LOG_ROLLBACK"])
        holds = self.holds(b)
        self.assertEqual(set(holds), {"E_LOG_ROLLBACK"})
        self.lie()
        b.fails("agent", "--once", "--wait", "0", code=PEER, says=["E_LOG_ROLLBACK"])
        self.assertEqual(self.home(b, "SELECT id FROM job"), before)  # no answer
        b("inbox", "clear", holds["E_LOG_ROLLBACK"])
        for told in self.exchange():
            self.ends(told, OK, "closed", "OK")

    def test_two_partners_find_a_split_view(self):
        """To B the broker shows a second history with one leaf more, as consistent as the
        first.  B sees nothing wrong until its head and A's meet."""
        a, b = self.world.a, self.world.b
        self.exchange()
        self.lie("log", "fork", b.name)
        b("inbox")
        self.assertEqual(self.holds(b), {})
        told = self.exchange(wait=2)
        found = {company.name: set(self.holds(company)) for company in (a, b)}
        self.assertIn({"E_LOG_ROLLBACK"}, found.values(), told)
        # what B accepted before A had looked are points that only A can open
        for job, in self.home(a, "SELECT id FROM job WHERE state < 6"):
            self.assertEqual(self.left(a, job), set())
            self.assertLessEqual(self.left(b, job), {POINTS[1]})
        self.lie()  # and B, whose pin is of the other history, finds the real one wrong
        b.fails("agent", "--once", "--wait", "0", code=PEER, says=["E_LOG_"])


class Ends(Liar):
    """P 6.5: what a side says of the end of a partnership has its place in the log, or all
    jobs stop."""

    LIES = {**Log.LIES, "fork": ("a history with a leaf more", "E_LOG_ROLLBACK"),
            "omit": ("no proof at all", "E_LOG_PROOF")}
    del LIES["growth"]  # there is no such proof in this answer

    def entry(self, company):
        (partner,) = company.json("partner", "list")["partners"]
        return partner["log_entry"]

    def is_proven(self, company, kind):
        """What it keeps is what it said, and the leaf is of that."""
        (said,), = self.home(company, "SELECT statement FROM ended_proof WHERE kind = ?"
                                      " ORDER BY rowid DESC LIMIT 1", kind)
        digest = hashlib.sha512(b"".join(
            len(part).to_bytes(8, "big") + part for part in (said[:-64], said[-64:]))).digest()
        self.assertEqual(
            self.store("SELECT type, body FROM leaf WHERE idx = ?", self.entry(company)),
            [(LEAF_ENDED, digest)])

    def test_every_lie_stops_all_jobs_and_the_word_is_sent_again(self):
        a, b = self.world.a, self.world.b
        for how, (what, reason) in self.LIES.items():
            with self.subTest(how, what=what):
                self.lie("end", how, a.name)
                self.assertFalse(a.json("partner", "end", b.name, "--yes")["sent"])
                holds = self.holds(a)
                self.assertEqual(set(holds), {reason})
                self.assertIsNone(self.entry(a))
                self.lie()
                a("inbox", "clear", holds[reason])
                leaves = self.store("SELECT count(*) FROM leaf")
                a.mail()
                self.assertEqual(self.store("SELECT count(*) FROM leaf"), leaves)
                self.is_proven(a, TERMS_END)
                self.lie("end", how, b.name)
                b("inbox")
                holds = self.holds(b)
                self.assertEqual(set(holds), {reason})
                self.lie()
                b("inbox", "clear", holds[reason])
                b.mail()
                self.is_proven(b, TERMS_ENDED)
                a.mail()
                harness.pair(a, b)


class Terms(Liar):
    """P 6: terms are what both signed, whatever the broker answers."""

    def test_old_terms_and_other_tables_bring_nothing_into_force(self):
        a, b = self.world.a, self.world.b
        policy = self.world.path / "other.yaml"
        policy.write_text(POLICY.replace("1000", "900"))

        def sequences(company):
            return [n for n, in self.home(
                company, "SELECT sequence FROM terms WHERE state = 5 ORDER BY sequence")]

        before = sequences(a)
        self.lie("terms", "old", a.name)
        for company, partner in ((a, b), (b, a)):
            harness.finish(company.command("partner", "terms", partner.name, "--policy",
                                           policy, "--yes"), None)
        for company in (a, b, a):
            harness.finish(company.command("inbox"), None)
        self.assertEqual(sequences(a), before)
        # a table that was not signed is not what the company goes by
        self.lie("terms", "release", a.name)
        for company in (a, b, a):
            company("inbox")
        self.assertEqual(len(sequences(a)), len(before) + 1)
        self.assertEqual(sequences(a), sequences(b))
        self.assertEqual(a.json("run", b.name, "--dry-run")["runs_allowed"], 900)
        self.lie()
        for told in self.exchange():
            self.ends(told, OK, "closed", "OK")


class Impersonation(Liar):
    """P 5: a partner is who holds the secret of the invitation, or nobody."""

    met = 0

    def strangers(self):
        """Two new companies, not paired."""
        pair = []
        for _ in range(2):
            Impersonation.met += 1
            company = harness.Company(
                self.world.path / f"stranger{self.met}", f"Stranger {self.met}")
            company("init")
            company.join(self.world.broker)
            pair.append(company)
        return pair

    def nobody_is_paired(self, inviter, company):
        for one, other in ((inviter, company), (company, inviter)):
            self.assertEqual(one.json("partner", "list")["partners"], [])
            one.fails("partner", "terms", other.name, "--yes", code=USAGE,
                      says=["E_PARTNER_UNKNOWN"])
            one.fails("run", other.name, code=USAGE, says=["E_PARTNER_UNKNOWN"])

    def test_another_identity_in_the_brokers_answer(self):
        inviter, company = self.strangers()
        code = harness.invitation(inviter)
        self.lie("who", "identity")
        company.fails("partner", "accept", code, code=PEER, says=["E_PAIR_PROOF"])
        self.lie()
        self.nobody_is_paired(inviter, company)

    def test_another_envelope_key_in_the_brokers_answer(self):
        """With it the broker could read what is sealed for the inviter."""
        inviter, company = self.strangers()
        code = harness.invitation(inviter)
        self.lie("who", "envelope")
        company("partner", "accept", code)
        self.lie()
        refused = inviter.json("inbox")["mail"]
        self.assertEqual([mail["refused"] for mail in refused], ["E_PAIR_PROOF"])
        company.mail()
        self.nobody_is_paired(inviter, company)

    def test_other_keys_in_the_mails_of_pairing(self):
        for how in "identity", "envelope":
            for to in 0, 1:  # the inviter gets another request, the acceptor another reply
                with self.subTest(how, to=to):
                    pair = self.strangers()
                    code = harness.invitation(pair[0])
                    pair[1]("partner", "accept", code)
                    self.lie("pair-mail", how)
                    if to == 1:
                        self.lie()
                        pair[0].mail()
                        self.lie("pair-mail", how)
                    refused = pair[to].json("inbox")["mail"]
                    self.assertEqual([m["refused"] for m in refused], ["E_PAIR_PROOF"])
                    self.lie()
                    self.assertEqual(pair[to].json("partner", "list")["partners"], [])
                    # no override: the same invitation does not do it a second time
                    pair[1]("partner", "accept", code)
                    for company in pair:
                        company.mail()
                    if to == 1:
                        self.assertEqual(pair[1].json("partner", "list")["partners"], [])


if __name__ == "__main__":
    harness.main()
