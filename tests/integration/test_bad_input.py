"""bad_input - whatever is wrong, the user is told what, and nothing that was good is lost."""

import re
import sqlite3
import subprocess
import time
import unittest

import harness
from harness import AGAIN, OK, USAGE, Company

GOOD = """Account ID,Account Name,Website,Billing Country,Type
1,Acme GmbH,acme.com,Germany,Customer
2,Globex Inc,globex.com,US,Prospect
"""


class Lists(unittest.TestCase):
    """Files that cannot be imported; the book stays as it was."""

    @classmethod
    def setUpClass(cls):
        cls.path = harness.scratch()
        cls.company = Company(cls.path / "home", "Alder")
        cls.company("init")
        cls.company("import", cls.write("good.csv", GOOD))
        cls.before = cls.company.json("accounts", "stats")

    @classmethod
    def write(cls, name, content):
        path = cls.path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def refused(self, content, says):
        path = self.write("bad.csv", content)
        text = self.company.fails("import", path, code=USAGE, says=["bad.csv", *says])
        self.assertEqual(self.company.json("accounts", "stats"), self.before)
        return text

    def test_missing_columns(self):
        self.refused("Owner,Phone\nJo,1\n", ["Owner", "Phone", "--map", "E_IMPORT_COLUMNS"])

    def test_renamed_columns_need_a_map(self):
        table = "Kundin,Netz\nAcme GmbH,acme.com\n"
        self.refused(table, ["Kundin", "--map"])
        mapping = self.write("map.yaml", "columns:\n  name: Kundin\n  website: Netz\n")
        said = self.company.json("import", "--map", mapping,
                                 self.write("renamed.csv", table), "--dry-run")
        self.assertEqual({c["heading"]: c["field"] for c in said["files"][0]["columns"]},
                         {"Kundin": "name", "Netz": "website"})

    def test_wrong_encoding(self):
        good = "Account Name,Website\n" + "Müller GmbH,mueller.de\n" * 5
        self.refused(good.encode() + b"M\xfcller AG,mueller.com\n", ["line 7", "UTF-8"])
        self.refused(b"\xff\xfe" + "Account Name,Website\nA,a.com\n".encode("utf-16-le")
                     + b"x", ["E_IMPORT_ENCODING"])

    def test_unbalanced_quotes(self):
        self.refused('Account Name,Website\nAcme,acme.com\n"Globex,globex.com\nX,x.com\n',
                     ["line 3", "E_IMPORT_QUOTES"])

    def test_empty_lists(self):
        self.refused("", ["E_IMPORT_"])
        self.refused("Account Name,Website\n", ["E_IMPORT_EMPTY"])
        self.refused("Account Name,Website\n,\n,\n", ["E_IMPORT_EMPTY"])

    def test_a_file_that_is_not_there(self):
        self.company.fails("import", self.path / "none.csv", code=USAGE, says=["none.csv"])

    def test_duplicate_rows_are_one_account(self):
        home = Company(self.path / "twice", "Alder")
        home("init")
        home("import", self.write("twice.csv", GOOD + "3,ACME,http://www.acme.com/de,,\n" * 2))
        stats = home.json("accounts", "stats")
        self.assertEqual((stats["rows"], stats["accounts"]), (4, 2))

    def test_a_second_home_in_the_same_place(self):
        self.company.fails("init", code=USAGE, says=["already"])

    def test_policies_are_refused_with_their_line(self):
        for line, policy, says in [
                (2, "populations:\n  custmers: matches\n", "custmers"),
                (1, "populations:\n  customers: hidden\n", "nothing to agree on"),
                (2, "populations:\n  customers: match\n", "counts"),
                (2, "populations: {customers: counts}\nnoise: gauss\n", "laplace"),
                (2, "populations: {customers: counts}\nyear_epsilon: 0.1\n", "never be a view"),
                (3, "populations: {customers: matches}\ncaps:\n  slots: 5\n", "1024"),
                (2, "populations: {customers: matches}\nicp: none.yaml\n", "none.yaml"),
                (2, "populations: {customers: matches}\nicp: {criteria: []}\n", "criteria"),
                (4, "populations: {customers: matches}\nicp_columns:\n  - country\n"
                    "  - budget\n", "budget")]:
            path = self.write("policy.yaml", policy)
            self.company.fails("policy", "check", path, code=USAGE,
                               says=[f"policy.yaml, line {line}: ", says])
            self.company.fails("policy", "show", path, code=USAGE, says=[f"line {line}: "])

    def test_what_a_policy_means_is_said(self):
        path = self.write("policy.yaml", "populations: {customers: counts}\nnoise: none\n"
                          "group: emea\n")
        self.assertIn("noise: none", self.company("policy", "check", path))
        shown = " ".join(self.company("policy", "show", path).split())
        self.assertIn("emea: its partners together have the runs", shown)
        path = self.write("policy.yaml", "populations: {customers: counts}\n")
        self.assertEqual(self.company("policy", "check", path), "The policy is good.\n")
        self.assertNotIn("Group", self.company("policy", "show", path))

    def test_who_asks_for_what_is_not_there_is_told_where_to_look(self):
        for words, says in [
                (("accounts", "why", "Nobody"), "as the export has them"),
                (("accounts", "alias", "remove", "1", "--domain", "x.com"), "accounts alias"),
                (("accounts", "erase", "--undo", "Nobody"), "what it was erased by"),
                (("icp", "--show"), "overlap icp FILE"),
                (("inbox", "clear", "7", "--offline"), "overlap inbox"),
                (("inbox", "clear", "all"), "`verdicts`"),
                (("inbox", "drop", "import"), "overlap inbox"),
                (("report", "--job", "12345678"), "overlap status"),
                (("join", "-"), "--enrol HOST:PORT"),
                (("init",), "--home")]:
            self.company.fails(*words, code=USAGE, says=[says])

    def test_a_failure_is_said_after_what_it_is_about(self):
        said = subprocess.run(self.company.command("accounts", "erase", "1"), text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False).stdout.splitlines()
        self.assertIn("This deletes from this home", said[0])
        self.assertIn("E_USAGE", said[-1])

    def test_unknown_words(self):
        self.company.fails("improt", code=USAGE, says=["improt"])
        self.company.fails("import", "--colour", "x", code=USAGE)
        self.company.fails("report", "Birch", code=USAGE)


class Settings(unittest.TestCase):
    """What the environment asks for and cannot have; what is logged of what it got."""

    @classmethod
    def setUpClass(cls):
        cls.company = Company(harness.scratch() / "home", "Alder")
        cls.company("init")

    def run_with(self, says, **env):
        """A run, which fails: of its environment, or at last for want of a broker."""
        self.company.env = env
        self.addCleanup(self.company.env.clear)
        return self.company.fails("run", "Birch", code=USAGE, says=says)

    def test_a_kernel_that_there_is_not(self):
        for typo in ("abacus", "IFMA", "avx"):
            self.run_with(["OVERLAP_KERNEL", "portable, avx2 or ifma", "E_PSI_KERNEL"],
                          OVERLAP_KERNEL=typo)

    def test_a_kernel_that_does_not_run_here(self):
        for name in ("avx2", "ifma"):
            text = self.run_with([], OVERLAP_KERNEL=name)
            self.assertNotIn("E_PSI_KERNEL", text)
            if "overlap join" not in text:  # this machine lacks it
                for word in ("processor", "OVERLAP_KERNEL=portable", "E_PSI_UNAVAILABLE"):
                    self.assertIn(word, text)

    def test_the_kernel_is_logged(self):
        text = self.run_with(["info psi.kernel_portable", "overlap join"],
                             OVERLAP_KERNEL="portable", OVERLAP_LOG="info")
        self.assertNotIn("psi.kernel_ifma", text)
        text = self.run_with(["overlap join"], OVERLAP_LOG="info")
        self.assertEqual(len(re.findall(r" info psi\.kernel_(?:portable|avx2|ifma)\n", text)), 1)
        self.assertNotIn("psi.kernel", self.run_with(["overlap join"]))

    def test_a_level_that_there_is_not(self):
        self.run_with(["OVERLAP_LOG", "info or debug"], OVERLAP_LOG="loud")


class Partners(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = harness.sample_world()
        cls.addClassCleanup(cls.world.close)

    def stranger(self, name):
        company = Company(self.world.path / name, name)
        company("init")
        return company

    def test_partner_unknown(self):
        self.world.a.fails("run", "Nobody", code=USAGE, says=["no partner of that name"])

    def test_company_that_is_not_paired(self):
        other = self.stranger("Cedar")
        other.join(self.world.broker)
        self.world.a.fails("run", "Cedar", code=USAGE, says=["partner"])
        other.fails("run", self.world.a.name, code=USAGE, says=["partner"])

    def test_home_without_broker_or_home(self):
        self.stranger("Dogwood").fails("run", "Birch", code=USAGE, says=["overlap join"])
        nowhere = Company(self.world.path / "nowhere", "Elm")
        nowhere.fails("run", "Birch", code=USAGE, says=["overlap init"])

    def test_a_token_works_once(self):
        token = self.world.broker.enroll("Fir")
        self.stranger("fir").join(self.world.broker, token)
        self.stranger("thief").join_fails(self.world.broker, token, "E_BROKER_TOKEN")

    def test_an_expired_token(self):
        token = self.world.broker.enroll("Gorse")
        with sqlite3.connect(self.world.broker.home / "broker.db") as db:
            changed = db.execute("UPDATE token SET expiry = ?", (int(time.time()) - 1,))
            self.assertGreaterEqual(changed.rowcount, 1)
        self.stranger("gorse").join_fails(self.world.broker, token, "E_BROKER_TOKEN")

    def test_mistyped_codes(self):
        late = self.stranger("hazel")
        token = self.world.broker.enroll("Hazel")
        late.join_fails(self.world.broker, token[:-1], "E_BROKER_TOKEN")
        late.join(self.world.broker, token)
        code = harness.invitation(self.world.a)
        wrong = code[:-1] + ("0" if code[-1] != "0" else "2")
        late.fails("partner", "accept", wrong, code=USAGE, says=["mistyped"])

    def test_an_invitation_works_once(self):
        first, second = self.stranger("Ivy"), self.stranger("Juniper")
        for company in (first, second):
            company.join(self.world.broker)
        code = harness.invitation(self.world.a)
        harness.accept(self.world.a, first, code)
        second("partner", "accept", code)
        self.world.a.mail()
        self.assertNotIn("Juniper", self.world.a("partner", "list"))
        self.assertIn("Ivy", self.world.a("partner", "list"))


class Runs(unittest.TestCase):
    """Runs that cannot be, and go through once what was wrong is mended."""

    @classmethod
    def setUpClass(cls):
        cls.past = harness.sample_world()
        cls.past.broker.stop()

    def world(self):
        world = self.past.copy()
        self.addCleanup(world.broker.kill)
        return world

    def closes(self, world):
        for printed in world.exchange():
            self.assertEqual(printed["state"], "closed")

    def test_a_list_under_the_minimum(self):
        world = self.world()
        world.broker.start()
        small = world.path / "small.csv"
        small.write_text(GOOD)
        world.a("import", small, "--accept")
        world.a.fails("run", world.b.name, code=USAGE, says=["E_LIST_TOO_SMALL"])
        world.a("import", harness.SAMPLES[0])
        self.closes(world)

    def test_an_unreachable_broker_loses_nothing(self):
        world = self.world()
        world.broker.front.target = None
        world.a.fails("run", world.b.name, "--wait", "3", code=AGAIN,
                      says=["nothing was lost"])
        world.broker.start()
        self.closes(world)

    def test_a_partner_that_is_not_there(self):
        world = self.world()
        world.broker.start()
        world.a.fails("run", world.b.name, "--wait", "1", code=harness.WAITING,
                      says=["waits for the partner"])
        self.closes(world)

    def test_terms_that_are_not_there(self):
        world = harness.World()
        self.addCleanup(world.close)
        world.broker.init()
        world.broker.start()
        for company, path in zip((world.a, world.b), harness.SAMPLES):
            company("init")
            company.join(world.broker)
            company("import", path)
        harness.pair(world.a, world.b)
        world.a.fails("run", world.b.name, code=USAGE, says=["E_TERMS_MISSING"])


if __name__ == "__main__":
    harness.main()
