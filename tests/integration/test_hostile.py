"""hostile - a company that cheats, paired or not, against a real company: the job ends with
the reason, on record, and nothing of it is released.

Run as `test_hostile.py OVERLAP HOSTILE_BROKER HOSTILE_PARTNER`.  The broker is honest, but
where it says "lax" it lets everything through, so that only the company is in the way.
"""

import sys

import harness
from harness import OK, PEER, USAGE, WAITING
from liar import POLICY, Liar

# enum ov_stream, ov_step, ov_leaf, ov_job_state
POINTS_A, POINTS_B, ROSTER_A, TAGS_A = 1, 2, 3, 5
PROPOSE, ACCEPT, REFUSE, CANCEL_A, CLOSE_B = 1, 2, 3, 4, 19
CANCEL = CANCEL_A, 5
LEAF_PROPOSED, LEAF_ACCEPTED, LEAF_FAILED = 5, 6, 12
CANCELLED = 9
HOSTILE = None  # the program


class Hostile(Liar):
    """A is honest, B is not."""

    def play(self, *mode, wait=20):
        """A proposes and B answers in this mode; what A printed, and B."""
        a, b = self.world.a, self.world.b
        honest = self.start(a, "run", b.name, "--wait", wait)
        hostile = harness.finish([HOSTILE, b.home, *mode], OK).stdout.strip()
        told = self.told(honest)
        if told.get("state") == "closed":
            self.change_list()
        return told, hostile

    def refused(self, mode, reason, left=(), code=PEER):
        """A ends the job for this reason; of its streams at most these have left."""
        told, _ = self.play(mode)
        job = self.ends(told, code, "failed", reason)
        self.assertLessEqual(self.left(self.world.a, job), {POINTS_A, *left})
        self.stands_nowhere(self.world.a, self.world.b, job)
        return job


    def propose(self, mode):
        """What B's proposal came to at the broker."""
        return harness.finish(
            [HOSTILE, self.world.b.home, mode, self.world.a.name], OK).stdout.strip()


class Answers(Hostile):
    """P2 to P5, by the one who answers."""

    def test_1_an_honest_one_is_no_fault(self):
        """The control of all that follows: the same program, without its one change."""
        told, hostile = self.play("honest")
        self.ends(told, OK, "closed", "OK")
        self.assertEqual(hostile, "sent")
        self.assertGreater(told["matches"], 50)

    def test_points_that_are_none(self):
        for mode in "random", "bit255", "negative", "above-p", "identity":
            with self.subTest(mode):
                job = self.refused(mode, "E_PSI_POINT", {ROSTER_A})
                # said in the log, too
                self.assertIn(b"E_PSI_POINT", self.steps(
                    self.world.a, job, [CANCEL_A])[CANCEL_A][0])

    def test_points_twice_or_too_few(self):
        self.refused("duplicate", "E_PSI_DUPLICATE", {ROSTER_A, TAGS_A})
        self.refused("short", "E_PROTO_COUNT", {ROSTER_A})

    def test_more_points_than_promised(self):
        """The broker counts them."""
        told, hostile = self.play("long")
        job = self.ends(told, PEER, "cancelled", "E_JOB_CANCELLED")
        self.assertNotEqual(hostile, "sent")
        self.assertLessEqual(self.left(self.world.a, job), {POINTS_A, ROSTER_A})

    def test_another_legend(self):
        self.refused("legend", "E_PROTO_LEGEND")

    def test_another_transcript(self):
        self.refused("sealed", "E_CRYPTO_OPEN")

    def test_points_of_known_scalars_match_nothing(self):
        """Multiples of the base point, A's own points, A's points of another job: good
        points all of them, so A tags them, and nothing is found."""
        note = self.world.path / "points"
        self.ends(self.play("keep", note)[0], OK, "closed", "OK")
        for mode in ("base",), ("mirror",), ("replay", note):
            with self.subTest(mode[0]):
                told, hostile = self.play(*mode)
                self.ends(told, OK, "closed", "OK")
                self.assertEqual((told["matches"], hostile), (0, "sent"))

    def test_a_legend_says_what_is_in_the_terms(self):
        for mode in "legend", "legend-long", "legend-tail":
            with self.subTest(mode):
                self.refused(mode, "E_PROTO_LEGEND")

    def test_rosters_and_tags_that_the_terms_do_not_know(self):
        """The broker refuses to join them."""
        for mode in "roster-label", "roster-rank", "roster-record", "roster-fit", "tags":
            with self.subTest(mode):
                told, _ = self.play(mode)
                job = self.ends(told, PEER, "failed", "E_JOB_FAILED")
                reason = "E_PSI_DUPLICATE" if mode == "tags" else "E_PROTO_ROSTER"
                self.assertEqual(
                    self.store("SELECT reason FROM job WHERE id = ?", job), [(reason,)])
                self.stands_nowhere(self.world.a, self.world.b, job)

    def test_tags_at_other_positions_cost_the_report(self):
        """Each is proved, and each claims of one of A's slots what is true of another: A finds
        padding among its matches, and no number of that report is shown."""
        told, hostile = self.play("tags-moved")
        job = self.ends(told, PEER, "broker_misbehaved", "E_PROTO_MISBEHAVED")
        self.assertEqual(hostile, "sent")
        self.stands_nowhere(self.world.a, self.world.b, job)

    def test_a_complete_that_does_not_fit(self):
        """The digest of the points is the sender's word, which only A can check."""
        self.refused("digest", "E_PROTO_DIGEST", {ROSTER_A, TAGS_A})
        told, hostile = self.play("th")
        self.ends(told, PEER, "cancelled", "E_JOB_CANCELLED")
        self.assertEqual(hostile, "E_PROTO_MISMATCH")

    def test_an_answer_outside_the_terms(self):
        """Each is refused by the broker, and by A where the broker is lax."""
        for mode, reason, code in (("slots", "E_LIST_TOO_LARGE", USAGE),
                                   ("terms", "E_PROTO_MISMATCH", PEER),
                                   ("clock", "E_PROTO_CLOCK", PEER),
                                   ("version", "E_PROTO_VERSION", PEER),
                                   ("unpadded", "E_PROTO_COUNT", PEER),
                                   ("since", "E_WIRE_RANGE", PEER),
                                   ("mirror", "E_PROTO_MISMATCH", PEER)):
            with self.subTest(mode):
                self.lie("lax")
                job = self.refused(f"accept-{mode}", reason, code=code)
                self.assertEqual(self.left(self.world.a, job), set())
                self.lie()
                if mode != "mirror":  # keys and commitments are nothing to the broker
                    told, hostile = self.play(f"accept-{mode}")
                    self.ends(told, PEER, "refused", "E_JOB_REFUSED")
                    # which of the rules that it breaks the broker names is its own
                    self.assertEqual(hostile, {"version": "E_PROTO_MISMATCH",
                                               "unpadded": "E_WIRE_RANGE"}.get(mode, reason))

    def test_two_answers_end_the_job(self):
        told, hostile = self.play("accept-twice")
        self.assertEqual(hostile, "E_PROTO_EQUIVOCATION")
        job = self.ends(told, PEER, "equivocation", "E_PROTO_EQUIVOCATION")
        self.assertLessEqual(self.left(self.world.a, job), {POINTS_A})
        # the second one is kept as evidence
        self.assertEqual(
            self.store("SELECT step FROM conflict WHERE job = ?", job), [(ACCEPT,)])

    def test_cancel_after_a_look_is_charged(self):
        a, b = self.world.a, self.world.b
        runs = a.json("run", b.name, "--dry-run")["runs_30_days"]
        told, hostile = self.play("cancel")
        self.assertEqual(hostile, "sent")
        job = self.ends(told, PEER, "cancelled", "E_JOB_CANCELLED")
        self.assertEqual(self.left(a, job), {POINTS_A, ROSTER_A, TAGS_A})
        self.assertEqual(a.json("run", b.name, "--dry-run")["runs_30_days"], runs + 1)
        for charges in (self.home(a, "SELECT count(*) FROM charge WHERE job = ?", job),
                        self.store("SELECT count(*) FROM charge WHERE job = ?", job)):
            self.assertEqual(charges, [(1,)])

    def looked_first(self, mode):
        """B looks at its report and does this, while A, who was killed before it read its
        own, is not there; then A comes back."""
        a, b = self.world.a, self.world.b
        killed = a.spawn("run", b.name, "--wait", 20,
                         env={"OVERLAP_CRASH_AT": "job.forget before"})
        hostile = harness.finish([HOSTILE, b.home, mode], OK).stdout.strip()
        if killed.wait(harness.PATIENCE) == OK:
            self.skipTest("built without crash points")
        self.assertEqual(hostile, "sent")
        told = self.told(self.start(a, "run", b.name, "--wait", 20))
        self.change_list()
        job = self.ends(told, OK, "closed", "OK")
        self.assertGreater(told["matches"], 50)
        self.assertEqual(len(a.matches(b)), told["matches"])
        return job

    def test_a_verdict_after_a_look_takes_nobody_elses_report(self):
        a, b = self.world.a, self.world.b
        job = self.looked_first("verdict")
        # the word of B is on record, for A's people too, and ends the job at the broker
        self.assertEqual(self.store("SELECT state, reason FROM job WHERE id = ?", job),
                         [(12, "E_PROTO_MISBEHAVED")])
        self.assertEqual(a.json("report", b.name)["partner_verdict"], "E_PROTO_MISBEHAVED")
        self.assertIn("Yours passed all its checks", " ".join(a("report", b.name).split()))
        self.assertIn(b"E_PROTO_MISBEHAVED", self.steps(a, job, [CLOSE_B])[CLOSE_B][0])
        (note,) = a.json("inbox")["verdicts"]
        self.assertEqual((note["job"], note["partner"], note["mine"], note["verdict"]),
                         (job.hex(), b.name, False, "E_PROTO_MISBEHAVED"))
        self.assertIn("verdicts", a.json("status")["warnings"])
        a("inbox", "clear", "verdicts")
        self.assertNotIn("verdicts", a.json("status")["warnings"])
        self.assertEqual(a.json("inbox")["verdicts"], [])
        # and the next job is one like any other
        self.ends(self.play("honest")[0], OK, "closed", "OK")
        self.assertIsNone(a.json("report", b.name)["partner_verdict"])

    def test_a_second_answer_after_a_look_takes_nobody_elses_report(self):
        job = self.looked_first("verdict-accept")
        self.assertEqual(
            self.store("SELECT step FROM conflict WHERE job = ?", job), [(ACCEPT,)])
        self.assertEqual(self.store("SELECT state FROM job WHERE id = ?", job), [(6,)])


class Changed(Hostile):
    """B looks at its report, and then is another company: what A did not read yet, A still
    reads; and only then takes B's statement."""

    def setUp(self):
        super().setUp()
        a, b = self.world.a, self.world.b
        killed = a.spawn("run", b.name, "--wait", 20,
                         env={"OVERLAP_CRASH_AT": "job.forget before"})
        self.assertEqual(harness.finish([HOSTILE, b.home, "look"], OK).stdout.strip(), "sent")
        if killed.wait(harness.PATIENCE) == OK:
            self.skipTest("built without crash points")
        (self.job,), = self.home(a, "SELECT id FROM job WHERE state < 6")

    def changes(self):
        self.world.b("identity", "change", self.world.broker.enroll("Birch again"), "--enrol",
                     self.world.broker.enrolment)

    def test_it_takes_nobodys_report_away(self):
        a, b = self.world.a, self.world.b
        before = a.json("partner", "list")["partners"]
        self.changes()
        self.world.broker("remove", b.name)
        b.mail()
        a.mail()  # the statement is there, and what follows it
        self.assertEqual(a.json("partner", "list")["partners"], before)
        told = self.told(self.start(a, "run", b.name, "--wait", 20))
        self.assertEqual(self.ends(told, OK, "closed", "OK"), self.job)
        self.assertGreater(told["matches"], 50)
        for company in a, b, a, b, a:
            company.mail()
        (partner,) = a.json("partner", "list")["partners"]
        self.assertNotEqual(partner["company"], before[0]["company"])
        self.assertEqual((partner["terms"], partner["name"]), ("in_force", b.name))
        self.assertEqual(a.json("inbox")["mail"], [])  # nothing was refused
        self.assertEqual(len(a.matches(b)), told["matches"])


class Cancelled(Hostile):
    """CANCEL before the first chunk of either: the job was for nothing, and costs nothing."""

    def costs_nothing(self, job, runs):
        a, b = self.world.a, self.world.b
        for company in a, b:
            self.assertEqual(self.left(company, job), set())
            self.assertEqual(
                self.home(company, "SELECT (SELECT count(*) FROM charge WHERE job = ?1) +"
                                   " (SELECT count(*) FROM pledge WHERE job = ?1)", job),
                [(0,)])
            self.stands_nowhere(company, b if company is a else a, job)
        for table in "charge", "chunk":
            self.assertEqual(
                self.store(f"SELECT count(*) FROM {table} WHERE job = ?", job), [(0,)])
        self.assertEqual(self.runs(), runs)
        # it stands in the log, signed by who said it
        self.assertEqual(self.store(
            "SELECT type FROM leaf JOIN step ON step.leaf = leaf.idx WHERE step.job = ? AND"
            " step.step IN (?, ?)", job, *CANCEL), [(LEAF_FAILED,)])
        # and the next one is a job like any other
        for told in self.exchange():
            self.ends(told, OK, "closed", "OK")
        self.assertEqual(self.runs(), runs + 1)

    def runs(self):
        return self.world.a.json("run", self.world.b.name, "--dry-run")["runs_30_days"]

    def dies_before_its_first_chunk(self, company, *words):
        return company.spawn(*words, "--wait", "20",
                             env={"OVERLAP_CRASH_AT": "job.populations before"})

    def test_in_the_place_of_an_answer(self):
        runs = self.runs()
        told, hostile = self.play("cancel-first")
        self.assertEqual(hostile, "sent")
        self.costs_nothing(self.ends(told, PEER, "cancelled", "E_JOB_CANCELLED"), runs)

    def test_of_a_proposal(self):
        a, runs = self.world.a, self.runs()
        self.assertEqual(self.propose("propose-cancel"), "sent")
        (job, state), = self.store("SELECT id, state FROM job ORDER BY seq DESC LIMIT 1")
        self.assertEqual(state, CANCELLED)
        a("agent", "--once", "--wait", "0")
        self.assertEqual(self.home(a, "SELECT count(*) FROM job WHERE id = ?", job), [(0,)])
        (mail,) = a.json("inbox")["mail"]
        self.assertEqual(mail["refused"], "E_PROTO_EXPIRED")
        a("inbox", "clear", "mail")
        self.costs_nothing(job, runs)

    def test_after_an_answer(self):
        a, b, runs = self.world.a, self.world.b, self.runs()
        dying = self.dies_before_its_first_chunk(a, "run", b.name)
        hostile = harness.finish([HOSTILE, b.home, "accept-cancel"], OK).stdout.strip()
        if dying.wait(harness.PATIENCE) != -9:
            self.skipTest("built without crash points")
        self.assertEqual(hostile, "sent")
        told = self.told(self.start(a, "run", b.name, "--wait", 20))
        self.costs_nothing(self.ends(told, PEER, "cancelled", "E_JOB_CANCELLED"), runs)

    def test_by_new_terms(self):
        """Both are honest: each finds that the terms are others now, and is told so."""
        a, b, runs = self.world.a, self.world.b, self.runs()
        dying = [self.dies_before_its_first_chunk(b, "agent", "--once"),
                 self.dies_before_its_first_chunk(a, "run", b.name)]
        if [process.wait(harness.PATIENCE) for process in dying] != [-9, -9]:
            self.skipTest("built without crash points")
        policy = self.world.path / "fewer runs.yaml"
        policy.write_text(POLICY.replace("1000", "998"))
        harness.agree(a, b, policy)
        told = self.told(self.start(a, "run", b.name, "--wait", 20))
        job = self.ends(told, USAGE, "failed", "E_TERMS_CHANGED")
        told = self.told(self.start(b, "agent", "--once", "--wait", 0))
        self.assertEqual(self.ends(told, USAGE, "failed", "E_TERMS_CHANGED"), job)
        self.costs_nothing(job, runs)


class Second(Hostile):
    """A partner that signs a message twice, and a broker that plays along: A dies when it has
    stored the first, and finds the second when it comes back."""

    def setUp(self):
        harness.needs_clock()
        super().setUp()
        self.note = self.lie_file.with_suffix(".second")

    def comes_back_to(self, step, *run):
        a, b = self.world.a, self.world.b
        (job,), = self.home(a, "SELECT id FROM job WHERE state < 6")
        told = self.told(self.start(a, *run, "--wait", "0"))
        self.assertEqual(told["exit"], WAITING)  # the control: the first goes on
        self.assertEqual(self.left(a, job), {POINTS_A if run[0] == "run" else POINTS_B})
        first = self.steps(a, job, [step])
        self.lie("second", str(step), a.name)
        out = "SELECT stream, chunk, digest FROM egress WHERE job = ?"
        before = self.home(a, out, job)
        for where in "before", "after":  # it dies when it keeps the second, too
            self.assertEqual(a.spawn(*run, "--wait", "0", env={
                "OVERLAP_CRASH_AT": f"job.conflict {where}"}).wait(harness.PATIENCE), -9)
        told = self.told(self.start(a, *run, "--wait", "0"))
        self.assertEqual(self.ends(told, PEER, "equivocation", "E_PROTO_EQUIVOCATION"), job)
        self.assertEqual(self.home(a, out, job), before)
        self.stands_nowhere(a, b, job)
        # both are kept, each with its place in the log, and the verdict is there, too
        self.assertEqual(self.steps(a, job, [step]), first)
        (kept, body, signature, leaf), = self.home(
            a, "SELECT step, body, signature, leaf_index FROM job_conflict WHERE job = ?", job)
        self.assertEqual((kept, body + signature), (step, self.note.read_bytes()))
        self.assertNotEqual(body, first[step][0])
        self.assertEqual(self.store("SELECT type FROM leaf WHERE idx = ?", leaf),
                         [(LEAF_PROPOSED if step == PROPOSE else LEAF_ACCEPTED,)])
        (cancel, leaf), = self.steps(a, job, CANCEL).values()
        self.assertIn(b"E_PROTO_EQUIVOCATION", cancel)
        self.assertEqual(self.store("SELECT type FROM leaf WHERE idx = ?", leaf),
                         [(LEAF_FAILED,)])

    def test_a_second_answer(self):
        a, b = self.world.a, self.world.b
        dying = a.spawn("run", b.name, env={"OVERLAP_CRASH_AT": "job.populations before"})
        said = harness.finish([HOSTILE, b.home, "accept-second", self.note], OK).stdout
        self.assertEqual((said.strip(), dying.wait(harness.PATIENCE)), ("sent", -9))
        self.comes_back_to(ACCEPT, "run", b.name)

    def test_a_second_proposal(self):
        a, b = self.world.a, self.world.b
        said = harness.finish(
            [HOSTILE, b.home, "propose-second", a.name, self.note], OK).stdout
        dying = a.spawn("agent", "--once", env={"OVERLAP_CRASH_AT": "job.populations before"})
        self.assertEqual((said.strip(), dying.wait(harness.PATIENCE)), ("sent", -9))
        self.comes_back_to(PROPOSE, "agent", "--once")


class Proposals(Hostile):
    """P1, by the one who proposes; and by one whom A is not paired with."""

    OUTSIDE = {"slots": "E_LIST_TOO_LARGE", "terms": "E_PROTO_MISMATCH",
               "clock": "E_PROTO_CLOCK", "expired": "E_PROTO_EXPIRED",
               "version": "E_PROTO_VERSION", "unpadded": "E_PROTO_COUNT",
               "since": "E_WIRE_RANGE"}

    def is_refused(self, reason):
        """A says no to the newest proposal, by its signature, for this reason."""
        self.world.a("agent", "--once", "--wait", "10")
        (job, state, said), = self.store(
            "SELECT id, state, reason FROM job ORDER BY seq DESC LIMIT 1")
        self.assertEqual((state, said), (8, reason))
        self.assertEqual(
            self.store("SELECT count(*) FROM step WHERE job = ? AND step = ?", job, REFUSE),
            [(1,)])
        self.assertEqual(self.left(self.world.a, job), set())

    def test_proposals_outside_the_terms(self):
        for mode, reason in self.OUTSIDE.items():
            with self.subTest(mode):
                self.assertEqual(self.propose(f"propose-{mode}"),
                                 "E_WIRE_RANGE" if mode == "unpadded" else reason)
                self.lie("lax")
                self.assertEqual(self.propose(f"propose-{mode}"), "sent")
                self.lie()
                self.is_refused(reason)

    def test_old_terms_are_none(self):
        policy = self.world.path / "newer.yaml"
        policy.write_text(POLICY.replace("1000", "998"))
        harness.agree(self.world.a, self.world.b, policy)
        self.assertEqual(self.propose("propose-old"), "E_PROTO_MISMATCH")
        self.lie("lax")
        self.assertEqual(self.propose("propose-old"), "sent")
        self.lie()
        self.is_refused("E_PROTO_MISMATCH")

    def test_runs_above_the_cap(self):
        """B forgets what it has used.  The broker and A do not, in new terms neither."""
        a, b = self.world.a, self.world.b
        for _ in range(2):
            for told in self.exchange():
                self.ends(told, OK, "closed", "OK")
        policy = self.world.path / "two.yaml"
        policy.write_text(POLICY.replace("1000", "2"))
        harness.agree(a, b, policy)
        a.fails("run", b.name, code=USAGE, says=["E_CAP_RUNS"])
        b.fails("run", a.name, code=USAGE, says=["E_CAP_RUNS"])
        self.forget(b, "DELETE FROM charge")
        self.assertEqual(self.propose("propose"), "E_CAP_RUNS")
        self.lie("lax")
        self.assertEqual(self.propose("propose"), "sent")
        self.lie()
        self.is_refused("E_CAP_RUNS")

    def test_a_stranger_gets_no_answer(self):
        stranger = harness.Company(self.world.path / "stranger", "Hemlock")
        stranger("init")
        stranger.join(self.world.broker)
        (victim,), = self.store("SELECT id FROM company WHERE name = ?", self.world.a.name)
        words = [HOSTILE, stranger.home, "stranger", victim.hex()]
        self.assertEqual(harness.finish(words, OK).stdout.strip(), "E_TERMS_MISSING")
        self.lie("lax")
        self.assertEqual(harness.finish(words, OK).stdout.strip(), "sent")
        self.lie()
        jobs = self.home(self.world.a, "SELECT count(*) FROM job")
        self.world.a("agent", "--once", "--wait", "0")
        self.assertEqual([mail["refused"] for mail in self.world.a.json("inbox")["mail"]],
                         ["E_PARTNER_UNPAIRED"])
        self.assertEqual(self.home(self.world.a, "SELECT count(*) FROM job"), jobs)
        (job, state), = self.store("SELECT id, state FROM job ORDER BY seq DESC LIMIT 1")
        self.assertEqual((state, self.store("SELECT step FROM step WHERE job = ?", job)),
                         (1, [(1,)]))


class Epsilon(Hostile):
    """A gives counts of two populations: two views in 365 days, two days between them.  B
    forgets what it has had, and the broker keeps no ledger at all."""

    other = POLICY + "shown_from: 0\nview_days: 2\nyear_epsilon: 0.7\n"
    policy = other.replace("customers: matches", "customers: counts").replace(
        "open_opportunities: matches", "open_opportunities: counts")

    def view(self):
        """What a job brings B of the counts: its numbers, and why there are none."""
        a, b = self.world.a, self.world.b
        self.forget(b, "DELETE FROM charge")
        for told in self.exchange():
            self.ends(told, OK, "closed", "OK")
        report = b.json("report", a.name)
        counted = {p["number"] for p in report["theirs"] if p["name"] != "prospects"}
        return (len([c for c in report["cells"] if c["theirs"] in counted]),
                [row["reason"] for row in report["held_back"] if row["theirs"] is None])

    def spent(self):
        """By A's own ledger."""
        (partner,) = self.world.a.json("status")["partners"]
        return partner["ledger"]["their_views"]["epsilon_milli_365_days"]

    def test_views_have_their_days_and_their_year(self):
        harness.needs_clock()
        a, b = self.world.a, self.world.b
        drawn, refused = (6, []), (0, ["partner"])
        self.assertEqual((self.view(), self.spent()), (drawn, 333))
        self.lie("lax")
        self.assertEqual((self.view(), self.spent()), (refused, 333))
        with self.subTest("new terms"):
            policies = [self.world.path / f"newer {name}.yaml" for name in "ab"]
            for path, text in zip(policies, (self.policy, self.other)):
                path.write_text(text.replace("1000", "999"))
            harness.agree(a, b, *policies)
            self.assertEqual((self.view(), self.spent()), (refused, 333))
        with self.subTest("another partnership of the same two"):
            b("partner", "end", a.name, "--yes")
            for company in a, b:
                company.mail()
            harness.pair(a, b)
            harness.agree(a, b, *policies)
            self.assertEqual((self.view(), self.spent()), (refused, 333))
        with self.subTest("days later"):  # the control: it is A's ledger that said no
            self.world.at(3)
            self.assertEqual((self.view(), self.spent()), (drawn, 666))
        with self.subTest("the year is spent"):
            self.world.at(6)
            self.assertEqual((self.view(), self.spent()), (refused, 666))
            self.forget(a, "DELETE FROM charge")
            self.assertEqual(self.view(), drawn)  # the control


class Ended(Hostile):
    """Terms that a partner ended, before the other side has heard of it or wants to."""

    def test_they_are_none_at_the_broker_nor_at_the_partner(self):
        a, b = self.world.a, self.world.b
        for told in self.exchange():
            self.ends(told, OK, "closed", "OK")
        jobs = self.home(a, "SELECT count(*) FROM job")
        a("partner", "end", b.name, "--yes")
        self.assertEqual(self.propose("propose"), "E_TERMS_MISSING")
        self.lie("lax")
        self.assertEqual(self.propose("propose"), "sent")
        self.lie()
        a("agent", "--once", "--wait", "0")
        self.assertEqual([mail["refused"] for mail in a.json("inbox")["mail"]],
                         ["E_PARTNER_UNPAIRED"])
        self.assertLessEqual(self.home(a, "SELECT count(*) FROM job"), jobs)
        job, = self.store("SELECT id FROM job ORDER BY seq DESC LIMIT 1")
        self.assertEqual(self.store("SELECT step FROM step WHERE job = ?", *job),
                         [(PROPOSE,)])


if __name__ == "__main__":
    HOSTILE = sys.argv.pop(3)
    harness.main()
