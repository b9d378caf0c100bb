"""wrong - a match that a person found wrong is left out here, also after later jobs, and
nobody else learns of it; further domains and names of an account make matches."""

import os
import subprocess
import unittest

import harness
from harness import USAGE


class Wrong(unittest.TestCase):
    def setUp(self):
        self.world = harness.sample_world()
        self.addCleanup(self.world.close)
        self.a, self.b = self.world.a, self.world.b
        self.world.exchange()

    def ids(self, *words):
        return {m["account_id"] for m in
                self.a.json("matches", self.b.name, *words)["matches"]}

    def test_it_stays_out_of_later_reports_until_it_is_right(self):
        before, theirs = self.ids(), self.b.matches(self.a)
        match = self.a.matches(self.b)[0]
        wrong = match["account_id"]
        self.assertIn("left out", self.a("matches", self.b.name, "--wrong", match["match"]))
        self.assertEqual(self.ids(), before - {wrong})
        self.assertEqual(self.ids("--excluded"), {wrong})
        self.assertEqual(self.b.matches(self.a), theirs)

        # another job: other numbers, and another order of the book
        more = self.world.path / "more.csv"
        more.write_text("Account ID,Account Name,Website\nX1,Aardvark,aardvark-of-test.com\n")
        self.a("import", more, "--add")
        self.world.exchange()
        self.assertNotEqual(self.a.matches(self.b)[0]["match"], match["match"])
        self.assertEqual(self.ids(), before - {wrong})
        report = self.a.json("report", self.b.name)
        self.assertEqual((report["wrong"], report["matches"]), (1, len(before) - 1))
        self.assertIn("1 match that you found wrong", self.a("report", self.b.name))
        self.assertEqual(len(self.b.matches(self.a)), len(before))

        (again,) = self.a.json("matches", self.b.name, "--excluded")["matches"]
        self.a("matches", self.b.name, "--right", str(again["match"]))
        self.assertEqual(self.ids(), before)

    def test_only_matches_of_the_report_are_marked(self):
        before = self.ids()
        number = self.a.matches(self.b)[0]["match"]
        done = harness.finish(self.a.command("matches", "--wrong", number, "--wrong",
                                             "4294967295"), USAGE, self.a.env)
        self.assertIn("no match 4294967295", done.stderr)
        self.assertEqual(done.stdout, "", "says that a match was left out")
        two = [str(m["match"]) for m in self.a.matches(self.b)[:2]]
        self.assertEqual(self.a("matches", "--wrong", *two).count("left out"), 2)
        self.assertEqual(self.a("matches", "--right", *two).count("listed again"), 2)
        self.a.fails("matches", "--wrong", "x", code=USAGE, says=["number of a match"])
        self.a.fails("matches", "--wrong", number, "--right", number, code=USAGE,
                     says=["either"])
        self.assertEqual(self.ids(), before)

    def test_who_reads_no_more_gets_no_complaint(self):
        unread, out = os.pipe()
        os.close(unread)
        done = subprocess.run(self.a.command("matches"), stdout=out, text=True,
                              stderr=subprocess.PIPE, env={**os.environ, **self.a.env})
        os.close(out)
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        full = open("/dev/full", "w")
        self.addCleanup(full.close)
        done = subprocess.run(self.a.command("matches"), stdout=full, text=True,
                              stderr=subprocess.PIPE, env={**os.environ, **self.a.env})
        self.assertIn("E_IO", done.stderr)


class Aliases(unittest.TestCase):
    def test_a_further_domain_makes_a_match(self):
        world = harness.sample_world()
        self.addCleanup(world.close)
        own = world.path / "own.csv"
        own.write_text("Id,Name,Website,Country\n" + "".join(
            f"{i},Quill {i} Widgets,quill{i}-of-test.com,US\n" for i in range(20)))
        world.a("import", own, "--accept")
        world.b("import", own, "--accept")
        world.b("accounts", "alias", "add", "7", "--domain", "https://www.before-of-test.org/x",
                "--name", "Nib & Sons")
        world.b("import", own)  # the list comes again, the alias stays
        moved = own.read_text().replace("quill7-of-test.com", "before-of-test.org")
        own.write_text(moved.replace("Quill 7 Widgets", "Inkpot"))
        world.a("import", own)
        world.exchange()
        (match,) = [m for m in world.a.matches(world.b) if m["account_id"] == "7"]
        self.assertEqual(match["key"], "domain")
        self.assertIn("alias: name Nib & Sons", world.b("accounts", "why", "nib and sons"))
        world.b("accounts", "alias", "remove", "7", "--domain", "https://www.before-of-test.org/x")
        self.assertEqual([a["kind"] for a in world.b.json("accounts", "alias")["aliases"]],
                         ["name"])
        world.exchange()
        self.assertNotIn("7", {m["account_id"] for m in world.a.matches(world.b)})

    def test_what_makes_no_key_is_refused(self):
        company = harness.Company(harness.scratch() / "home", "Alder")
        company("init")
        company("import", harness.SAMPLES[0])
        company.fails("accounts", "alias", "add", "Ajax of nowhere", "--domain", "a.com",
                      code=USAGE, says=["no account"])
        company.fails("accounts", "alias", "add", "Siemens AG", "--domain", "192.168.0.1",
                      code=USAGE, says=["makes no key"])


if __name__ == "__main__":
    harness.main()
