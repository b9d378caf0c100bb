"""erase - one account, gone from everything that a home keeps, and from later imports."""

import contextlib
import csv
import os
import pty
import sqlite3
import subprocess
import unittest

import harness
from harness import USAGE, WAITING

NAME, DOMAIN = "Zebrawood Instruments", "zebrawood-of-test.com"


def content(company):
    """Every byte of the home's files."""
    return b"".join(p.read_bytes() for p in company.home.iterdir() if p.is_file()).lower()


class Erase(unittest.TestCase):
    """Company A has the account under an id, B without one."""

    @classmethod
    def setUpClass(cls):
        cls.world = world = harness.sample_world()
        cls.addClassCleanup(world.close)
        cls.lists = {}
        for company, sample, own in ((world.a, harness.SAMPLES[0], "ZW-1"),
                                     (world.b, harness.SAMPLES[1], "")):
            with open(sample, encoding="utf-8", newline="") as f:
                rows = list(csv.reader(f))
            columns = {h.lower(): i for i, h in enumerate(rows[0])}
            row = [""] * len(rows[0])
            row[cls.column(columns, "id")] = own
            row[cls.column(columns, "name")] = NAME
            row[cls.column(columns, "website", "domain", "url")] = f"https://www.{DOMAIN}/"
            path = world.path / f"{company.name}.csv"
            with open(path, "w", encoding="utf-8", newline="") as f:
                csv.writer(f).writerows(rows + [row])
            company("import", path, "--accept")
            cls.lists[company.name] = path
        world.exchange()
        world.broker.stop()

    @staticmethod
    def column(columns, *words):
        return next(i for word in words for h, i in columns.items() if word in h)

    def setUp(self):
        self.copy = self.world.copy()
        self.copy.broker.start()
        self.addCleanup(self.copy.broker.kill)
        self.a, self.b = self.copy.a, self.copy.b

    def names(self, company, partner):
        return {m["name"] for m in company.json("matches", partner.name)["matches"]}

    def records(self, company):
        return company.json("accounts", "stats")["rows"]

    def test_it_is_in_no_byte_of_the_home(self):
        self.a("accounts", "alias", "add", "ZW-1", "--domain", "zebrawood-before.com")
        match = next(m for m in self.a.json("matches", self.b.name)["matches"]
                     if m["account_id"] == "ZW-1")
        self.a("matches", self.b.name, "--wrong", str(match["match"]))
        self.a("import", self.lists["Alder"], "--accept")  # reports keep names of their own
        self.assertIn(NAME.lower().encode(), content(self.a))
        said = self.a.json("accounts", "erase", "ZW-1", "--yes")
        self.assertEqual({k: said[k] for k in ("rows", "aliases", "kept_names", "matches",
                                               "marks")},
                         {"rows": 1, "aliases": 1, "kept_names": 1, "matches": 1, "marks": 1})
        left = content(self.a)
        for word in (NAME.lower(), DOMAIN, "zebrawood", "zw-1"):
            self.assertNotIn(word.encode(), left)
        with contextlib.closing(sqlite3.connect(self.a.home / "overlap.db")) as db:
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchone(), ("ok",))
        # the report is there still, without it
        self.assertNotIn(NAME, self.names(self.a, self.b))
        self.assertEqual(len(self.names(self.a, self.b)), len(self.names(self.b, self.a)) - 1)
        self.assertIn("matches", self.a("report", self.b.name))

    def test_later_imports_leave_it_out_until_it_is_forgotten(self):
        for company, known in ((self.a, "ZW-1"), (self.b, DOMAIN)):
            with self.subTest(by=known):
                before = self.records(company)
                company("accounts", "erase", known, "--yes")
                self.assertEqual(self.records(company), before - 1)
                path = self.lists[company.name]
                for words in ([], ["--add"]):
                    said = company.json("import", path, *words)
                    self.assertEqual((said["erased"], said["held"]), (1, None))
                self.assertIn("1 row was left out: its account was erased",
                              company("import", path, "--accept"))
                self.assertEqual(self.records(company), before - 1)
                self.assertNotIn(b"zebrawood", content(company))
                listed = company.json("accounts", "erase", "--list")
                self.assertEqual((listed["n"], len(listed["accounts"])), (1, 1))
                company.fails("accounts", "erase", "--undo", "other", code=USAGE,
                              says=["no account was erased"])
                company("accounts", "erase", "--undo", known)
                self.assertEqual(company.json("import", path)["erased"], 0)
                self.assertEqual(self.records(company), before)
                self.assertEqual(company.json("accounts", "erase", "--list")["n"], 0)

    def test_a_company_that_is_in_no_list_is_kept_out(self):
        self.a("accounts", "erase", "ZW-1", "--yes")
        self.a("accounts", "erase", "--undo", "ZW-1")
        self.a.fails("accounts", "erase", NAME, "--yes", code=USAGE, says=["--absent"])
        before = self.records(self.a)
        self.a("accounts", "erase", NAME, "--absent", "--yes")
        said = self.a.json("import", self.lists["Alder"], "--accept")
        self.assertEqual((said["erased"], self.records(self.a)), (1, before))
        self.assertNotIn(b"zebrawood", content(self.a))
        self.a("accounts", "erase", "--undo", NAME)
        self.assertEqual(self.a.json("import", self.lists["Alder"])["erased"], 0)

    def test_deals_do_not_bring_it_back(self):
        self.a("accounts", "erase", NAME, "--yes")
        deals = self.copy.path / "deals.csv"
        deals.write_text("Deal Name,Account Name,Stage\n"
                         f"Renewal,{NAME.upper()},Closed Won\nPilot,Ibis,Prospecting\n")
        said = self.a.json("import", self.lists["Alder"], deals, "--accept")
        self.assertEqual((said["erased"], said["deals"]["read"]), (2, 1))
        self.assertNotIn(b"zebrawood", content(self.a))

    def test_a_deal_with_another_account_does_not_either(self):
        self.a("accounts", "erase", "ZW-1", "--yes")
        deals, few = self.copy.path / "deals.csv", self.copy.path / "few.csv"
        few.write_text("Record ID,Company name,Company Domain Name\n"
                       "K9,Kelp AS,kelp-of-test.no\n")
        deals.write_text("Record ID,Deal Name,Deal Stage,Associated Company IDs,"
                         "Associated Company\n"
                         f"1,x,Closed Won,ZW-1;K9,{NAME}\n2,y,Closed Won,ZW-1;K8,{NAME}\n"
                         f"3,z,Closed Won,ZW-1,{NAME}\n")
        said = self.a.json("import", few, deals, "--accept")
        self.assertEqual((said["erased"], said["deals"]["read"], said["deals"]["joined"]),
                         (1, 2, 1))
        self.assertEqual(self.records(self.a), 1)  # the other account, a customer now
        self.assertNotIn(b"zebrawood", content(self.a))
        self.assertNotIn(b"zw-1", content(self.a))

    def test_an_import_that_waits_loses_it_too(self):
        small = self.copy.path / "small.csv"
        small.write_text(f"Account ID,Account Name,Website\nZW-1,{NAME},{DOMAIN}\n"
                         "K9,Kelp AS,kelp-of-test.no\n")
        self.a.fails("import", small, code=WAITING)
        self.assertEqual(self.a.json("accounts", "erase", "ZW-1", "--yes")["held_rows"], 1)
        self.a("inbox", "take", "import")
        self.assertEqual(self.records(self.a), 1)

    def test_one_that_lost_its_ids_does_so_too(self):
        small = self.copy.path / "small.csv"
        small.write_text(f"Account Name,Website\n{NAME},{DOMAIN}\nKelp AS,kelp-of-test.no\n")
        self.a.fails("import", small, code=WAITING)
        self.assertEqual(self.a.json("accounts", "erase", "ZW-1", "--yes")["held_rows"], 1)
        self.a("inbox", "take", "import")
        self.assertEqual(self.records(self.a), 1)
        self.assertNotIn(b"zebrawood", content(self.a))
        self.assertEqual(self.a.json("import", small)["erased"], 1)

    def test_the_next_job_has_another_list(self):
        self.assertEqual(self.copy.exchange()[0]["state"], "unchanged")
        self.a("accounts", "erase", "ZW-1", "--yes")
        self.assertEqual(self.copy.exchange()[0]["state"], "closed")
        self.assertNotIn(NAME, self.names(self.b, self.a))

    def test_an_open_job_keeps_it(self):
        self.a("accounts", "alias", "add", "ZW-1", "--name", "Zebrano")  # a list to propose
        self.a("run", self.b.name, "--wait", "0", code=WAITING)
        self.a.fails("accounts", "erase", "ZW-1", "--yes", code=WAITING,
                     says=["overlap run", self.b.name, "expires", "E_ERASE_JOB"])
        self.a("accounts", "why", "ZW-1")
        self.copy.exchange()
        self.a("accounts", "erase", "ZW-1", "--yes")

    def test_it_asks_and_says_what_it_cannot_do(self):
        text = harness.finish(self.a.command("accounts", "erase", "ZW-1"), USAGE)
        self.assertIn("1 row of the book", text.stdout)
        self.assertIn("nothing was erased", text.stderr)
        self.a("accounts", "why", "ZW-1")
        self.a.fails("accounts", "erase", "no such account", "--yes", code=USAGE,
                     says=["nothing here is of an account"])
        self.a.fails("accounts", "erase", "--list", "ZW-1", code=USAGE, says=["--list"])

    def answered(self, *begin):
        """Erases with a yes to the question, between which somebody else began something."""
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        process = subprocess.Popen(
            self.a.command("accounts", "erase", "ZW-1"), stdin=theirs, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env={**os.environ, **self.a.env})
        os.close(theirs)
        shown = ""
        while not shown.endswith("[y/N] "):
            self.assertTrue(c := process.stdout.read(1), shown)
            shown += c
        with contextlib.closing(sqlite3.connect(self.a.home / "overlap.db",
                                                isolation_level=None)) as db:
            for statement in begin:
                db.execute(statement).fetchall()
            os.write(ours, b"y\n")
            told = process.communicate(timeout=harness.PATIENCE)[1]
        self.assertNotEqual(process.returncode, 0)
        return told

    def test_somebody_else_writes_or_reads(self):
        self.assertNotIn("erased", self.answered("BEGIN IMMEDIATE"))
        self.a("accounts", "why", "ZW-1")
        self.assertIn("erased, but", self.answered("BEGIN", "SELECT * FROM book_row"))
        self.a.fails("accounts", "why", "ZW-1", code=USAGE)

    def test_killed_at_each_write(self):
        listed = self.copy.path / "points"
        self.a("accounts", "erase", "ZW-1", env={"OVERLAP_CRASH_LIST": str(listed)}, code=USAGE)
        if not listed.exists():
            self.skipTest("built without crash points")
        for point in ("book.erase before", "book.erase after"):
            with self.subTest(point=point):
                self.a("accounts", "erase", "ZW-1", "--yes", code=-9,
                       env={"OVERLAP_CRASH_AT": point})
                if point.endswith("before"):
                    self.a("accounts", "why", "ZW-1")
        self.a.fails("accounts", "why", "ZW-1", code=USAGE)
        self.assertEqual(self.a.json("import", self.lists["Alder"])["erased"], 1)


if __name__ == "__main__":
    harness.main()
