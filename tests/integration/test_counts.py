"""counts - a partner that is given counts with noise, night after night.

Birch gives counts of two populations and matches of one; Alder, who gives everything,
reads Birch's counts.  Clocks are moved for whole weeks, which needs a build for tests.
"""

import contextlib
import csv
import datetime
import io
import sqlite3
import unittest

import harness

GIVES_ALL = harness.POLICY + "shown_from: 0\n"
GIVES_COUNTS = """version: 1
populations:
  customers: counts
  open_opportunities: counts
  prospects: matches
icp_fit: yes
size: 50
shown_from: 0
caps:
  minimum_list: 10
"""
COUNTED = {"customers", "open_opportunities"}
PAIRS, FITS = 17, 12  # +/- at epsilon 1/3
FAR = 200  # a sum of four draws is not so far off, but for once in 10^25
DAYS = 28


def build(gives=GIVES_COUNTS, other=GIVES_ALL):
    world = harness.World()
    policies = []
    for name, text in (("a", other), ("b", gives)):
        path = world.path / f"policy_{name}.yaml"
        path.write_text(text)
        policies.append(path)
    return world.build(policies[0], harness.SAMPLES, policies[1])


def names(report, side):
    return {p["number"]: p["name"] for p in report[side]}


def counted(report):
    """{(mine, theirs): cell} of populations of the partner that are only counted."""
    mine, theirs = names(report, "mine"), names(report, "theirs")
    return {(mine[c["mine"]], theirs[c["theirs"]]): c for c in report["cells"]
            if theirs[c["theirs"]] in COUNTED}


def touch(company, world, n):
    """The list of a company with one account more: the next job carries data."""
    path = world.path / f"more{n}.csv"
    text = harness.SAMPLES[0].read_text(encoding="utf-8")
    new = dict.fromkeys(next(csv.reader(io.StringIO(text))), "")
    new.update({"Account ID": f"extra-{n}", "Account Name": f"Extra {n} Example Company",
                "Website": f"extra{n}-example-company.com", "Type": "Customer"})
    line = ",".join(f'"{value}"' for value in new.values())
    path.write_text(f"{text.rstrip()}\n{line}\n", encoding="utf-8")
    company("import", path)


def query(path, sql, *values):
    with contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute(sql, values).fetchall()


def view_of(world, job, stream=7):
    """Chunks of a VIEW as the broker has them."""
    return [row[0] for row in query(
        world.broker.home / "broker.db",
        "SELECT body FROM chunk WHERE job = ? AND stream = ? ORDER BY idx",
        bytes.fromhex(job), stream)]


def time_of(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")


class Nights(unittest.TestCase):
    """One past, and what each night makes of it, in order."""

    @classmethod
    def setUpClass(cls):
        harness.needs_clock()
        cls.world = build()
        cls.addClassCleanup(cls.world.close)
        cls.exact = {}
        plain = harness.sample_world()  # what is true, from the matches
        plain.exchange()
        for row in plain.a.matches(plain.b):
            key = row["my_population"], row["their_population"]
            cls.exact[key] = cls.exact.get(key, 0) + 1
        plain.close()

    def drawn(self, report):
        cells = counted(report)
        self.assertEqual(len(cells), len(report["mine"]) * 2)
        for key, cell in cells.items():
            self.assertEqual((cell["plus_minus"], cell["plus_minus_fits"]), (PAIRS, FITS))
            if cell["pairs"] is not None:
                self.assertLess(abs(cell["pairs"] - self.exact.get(key, 0)), FAR)
        for row in report["held_back"]:  # below zero
            self.assertEqual((row["reason"], row["next_view"]), ("small", None))
        return {key: cell["pairs"] for key, cell in cells.items()}

    def held(self, report, reason, due):
        self.assertEqual(counted(report), {})
        self.assertEqual(len(report["held_back"]), 1)
        row = report["held_back"][0]
        self.assertEqual((row["theirs"], row["reason"]), (None, reason))
        late = time_of(row["next_view"]) - due
        self.assertLess(abs(late), datetime.timedelta(minutes=10))

    def test_nights(self):
        a, b = self.world.a, self.world.b
        # what is only counted is said before it leaves, as such
        plan = b.json("run", a.name, "--dry-run")["populations"]
        self.assertEqual({p["name"]: p["level"] for p in plan},
                         {"prospects": "matches", **{name: "counts" for name in COUNTED}})
        said = " ".join(b("run", a.name, "--dry-run").split())
        self.assertRegex(said, f"among these: [0-9]+ prospects only how many.*{min(COUNTED)}")
        # the first night: a view
        self.world.exchange()
        first = a.json("report", b.name)
        numbers = self.drawn(first)
        closed = time_of(first["closed"])
        due = closed + datetime.timedelta(days=DAYS)
        mine = first["charged"]["my_views"]
        self.assertEqual((mine["epsilon_milli"], mine["epsilon_milli_365_days"],
                          mine["epsilon_milli_left"]), (333, 333, 4000))
        self.assertFalse(first["charged"]["differs"])
        self.assertEqual(b.json("report", a.name)["charged"]["their_views"]["epsilon_milli"],
                         333)
        self.assertIsNone(first["charged"]["their_views"])  # Alder counts nothing
        self.assertEqual(first["greenfield"]["their_accounts"] % 50, 0)
        if any(n is not None for n in numbers.values()):
            self.assertIn(f"+/-{PAIRS}", a("report", b.name))
        status = b.json("status")["partners"][0]["ledger"]
        self.assertEqual(status["their_views"]["epsilon_milli_365_days"], 333)
        self.assertFalse(status["their_views"]["due"])
        # what is matched is Birch's prospects alone
        found = a.matches(b)
        self.assertEqual({row["their_population"] for row in found}, {"prospects"})
        self.assertGreater(len(found), 3)

        # the second night, nothing is new: the report stands, nothing is drawn
        self.world.at(1)
        proposed, _ = self.world.exchange()
        self.assertEqual(proposed["state"], "unchanged")
        again = a.json("report", b.name)
        self.assertEqual(again["job"], first["job"])
        self.assertEqual(again["cells"], first["cells"])

        # the third, a new account: the matches run, the counts wait
        self.world.at(2)
        touch(a, self.world, 1)
        proposed, _ = self.world.exchange()
        self.assertEqual(proposed["state"], "closed")
        second = a.json("report", b.name)
        self.held(second, "not_due", due)
        self.assertEqual(len(a.matches(b)), len(found))
        self.assertEqual(second["charged"]["my_views"]["epsilon_milli"], 0)
        self.assertEqual(second["charged"]["my_views"]["epsilon_milli_365_days"], 333)
        self.assertTrue(second["greenfield"]["at_most"])
        text = a("report", b.name)
        self.assertIn("one view in 28 days", " ".join(text.split()))
        rows = list(csv.DictReader(io.StringIO(a("report", b.name, "--csv", "-"), newline="")))
        for row in rows:
            if row["their_population"] in COUNTED:
                self.assertEqual((row["pairs"], row["held_back"]), ("", "not_due"))
            else:
                self.assertEqual(row["plus_minus"], "0")

        # four weeks later nothing is new, but a view is due: fresh numbers
        self.world.at(DAYS + 0.1)
        proposed, _ = self.world.exchange()
        self.assertEqual(proposed["state"], "closed")
        third = a.json("report", b.name)
        self.assertNotEqual(self.drawn(third), numbers)
        self.assertEqual(third["charged"]["my_views"]["epsilon_milli_365_days"], 666)
        self.assertFalse(third["charged"]["differs"])


class Charged(unittest.TestCase):
    def setUp(self):
        harness.needs_clock()

    def test_what_was_charged_stays_when_the_job_dies(self):
        """Birch dies when it has charged, and the job expires: no view was seen, and none
        comes for four weeks."""
        world = build()
        self.addCleanup(world.close)
        a, b = world.a, world.b
        dying = b.spawn("agent", "--once", env={"OVERLAP_CRASH_AT": "job.charge after"})
        a("run", b.name, "--wait", "3", code=harness.WAITING)
        self.assertEqual(dying.wait(harness.PATIENCE), -9)
        status = b.json("status")["partners"][0]["ledger"]
        self.assertEqual(status["their_views"]["epsilon_milli_365_days"], 333)
        world.at(4)
        harness.finish(a.command("run", b.name, "--wait", "1"), None, a.env)
        harness.finish(b.command("agent", "--once"), None, b.env)
        world.exchange()
        report = a.json("report", b.name)
        self.assertEqual(report["held_back"][0]["reason"], "not_due")
        self.assertEqual(counted(report), {})

    def test_who_comes_again_gets_the_stored_numbers(self):
        """Alder dies when it has read its view and before it kept it."""
        world = build()
        self.addCleanup(world.close)
        a, b = world.a, world.b
        answering = b.spawn("agent", "--once", "--wait", "60")
        dead = a.spawn("run", b.name, env={"OVERLAP_CRASH_AT": "job.report before"})
        self.assertEqual(dead.wait(harness.PATIENCE), -9)
        self.assertEqual(answering.wait(harness.PATIENCE), harness.OK)
        self.assertFalse(a.has_report(b))
        job = query(a.home / "overlap.db", "SELECT hex(id) FROM job")[0][0].lower()
        stored = view_of(world, job)
        self.assertTrue(stored)
        world.broker.stop()
        self.assertTrue(world.broker.start())
        self.assertEqual(view_of(world, job), stored)
        a("run", b.name)
        cells = a.json("report", b.name)["cells"]
        for cell in cells:
            packed = bytes([cell["mine"], cell["theirs"]]) + b"".join(
                (0xffffffff if cell[key] is None else cell[key]).to_bytes(4, "big")
                for key in ("pairs", "fits_mine", "fits_theirs", "plus_minus",
                            "plus_minus_fits"))
            self.assertIn(packed, stored[0])
        self.assertGreaterEqual(len(cells), 6)


class Group(unittest.TestCase):
    def test_partners_of_one_house_have_one_view(self):
        """The broker counts for pairs, and Cedar had no view of Birch yet; but Birch holds
        Alder and Cedar to be one house."""
        world = build(GIVES_COUNTS + "group: the house\n")
        self.addCleanup(world.close)
        b = world.b
        cedar = harness.Company(world.path / "cedar", "Cedar")
        cedar("init")
        cedar.join(world.broker)
        cedar("import", harness.SAMPLES[0])
        harness.pair(cedar, b)
        harness.agree(cedar, b, world.path / "policy_a.yaml", world.path / "policy_b.yaml")
        world.exchange()
        self.assertTrue(counted(world.a.json("report", b.name)))
        world.exchange(cedar, b)
        report = cedar.json("report", b.name)
        self.assertEqual(counted(report), {})
        self.assertEqual([row["reason"] for row in report["held_back"]], ["partner"])
        self.assertEqual(report["charged"]["my_views"]["epsilon_milli_365_days"], 0)
        # the control: of no house it would have had one
        alone = world.path / "alone.yaml"
        alone.write_text(GIVES_COUNTS)
        b("partner", "terms", cedar.name, "--policy", alone, "--yes")
        touch(cedar, world, 1)
        world.exchange(cedar, b)
        self.assertTrue(counted(cedar.json("report", b.name)))


class Privacy(unittest.TestCase):
    """Who is given counts only gets nothing about a single account."""

    def setUp(self):
        harness.needs_clock()

    def view(self, lists):
        world = harness.World()
        self.addCleanup(world.close)
        for name, text in (("a", GIVES_ALL),
                           ("b", GIVES_COUNTS.replace("prospects: matches",
                                                      "prospects: counts"))):
            (world.path / f"policy_{name}.yaml").write_text(text)
        world.build(world.path / "policy_a.yaml", lists, world.path / "policy_b.yaml")
        answering = world.b.spawn("agent", "--once", "--wait", "60")
        # Alder dies before it closes the job, so that the broker still has the view
        dead = world.a.spawn("run", world.b.name, env={"OVERLAP_CRASH_AT": "job.report after"})
        self.assertEqual(dead.wait(harness.PATIENCE), -9)
        self.assertEqual(answering.wait(harness.PATIENCE), harness.OK)
        job = query(world.a.home / "overlap.db", "SELECT hex(id) FROM job")[0][0].lower()
        return world, job

    def test_nothing_of_a_match(self):
        a, b = harness.SAMPLES
        sizes = set()
        for lists in ((a, b), (a, a)):  # some in common; all in common
            world, job = self.view(lists)
            home = world.a.home / "overlap.db"
            self.assertEqual(query(home, "SELECT count(*) FROM job_match"), [(0,)])
            chunks = view_of(world, job)
            self.assertEqual(len(chunks), 1)  # no chunk of matches
            sizes.add(len(chunks[0]) - 10 * query(
                home, "SELECT count(*) FROM job_held")[0][0])
            # control: the other side, which is given matches, has some
            self.assertGreater(len(view_of(world, job, 8)), 1)
        # the size of the view says nothing of how much is in common
        self.assertEqual(len(sizes), 1)


class Exact(unittest.TestCase):
    """`noise: none` of both: the true numbers, in each job, the small ones held back."""

    def test_exact(self):
        quiet = "noise: none\nminimum_count: 3\n"
        world = build(GIVES_COUNTS + quiet, GIVES_ALL + quiet)
        self.addCleanup(world.close)
        plain = harness.sample_world()
        self.addCleanup(plain.close)
        plain.exchange()
        true = {}
        for row in plain.a.matches(plain.b):
            key = row["my_population"], row["their_population"]
            true[key] = true.get(key, 0) + 1
        for night in (1, 2):
            world.exchange()
            report = world.a.json("report", world.b.name)
            shown = {k: c["pairs"] for k, c in counted(report).items()
                     if c["pairs"] is not None}
            self.assertTrue(shown)
            for key, n in shown.items():
                self.assertEqual(n, true[key])
                self.assertGreaterEqual(n, 3)
            self.assertIsNone(report["charged"]["my_views"])
            touch(world.a, world, night)


if __name__ == "__main__":
    harness.main()
