"""import - exports as CRMs write them, through the program: what becomes of them, what is
held, and that an import that is killed leaves the old book or the new one."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import unittest

import harness
from harness import DATA, USAGE, WAITING, Company

EXPORTS = DATA / "exports"
# what stands in the exports of persons, and must stay there
PERSONS = ("Whitcombe", "Haverkorn", "Okonjo", "Tallis", "Volkert", "Imhof", "5550141",
           "5550100", "555-0182", "0055e00000", "77120001", "Gartenweg", "Rue du Port")


class Imports(unittest.TestCase):
    def setUp(self):
        self.path = harness.scratch()
        self.company = Company(self.path / "home", "Alder")
        self.company("init")

    def write(self, name, content):
        path = self.path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def take(self, *names, words=()):
        files = [name if isinstance(name, os.PathLike) else EXPORTS / name for name in names]
        return self.company.json("import", *files, *words)

    def accounts(self):
        """{name: (population, id, keys)} of every row of the book."""
        names = ("customers", "open_opportunities", "prospects")
        with contextlib.closing(sqlite3.connect(self.company.home / "overlap.db")) as db:
            return {name: (names[population], own) for name, population, own in
                    db.execute("SELECT name, population, ext_id FROM book_row")}

    def populations(self):
        return {name: population for name, (population, _) in self.accounts().items()}


class Formats(Imports):
    """Each export as it comes, without configuration."""

    def fields(self, said):
        return [{c["heading"]: c["field"] for c in f["columns"]} for f in said["files"]]

    def test_salesforce_account_report(self):
        said = self.take("salesforce_accounts_report.csv")
        self.assertEqual(self.fields(said), [{
            "Account Name": "name", "Billing Country": "country", "Type": "type",
            "Account ID": "id", "Website": "website", "Employees": "employees"}])
        self.assertEqual((said["rows"], said["files"][0]["footers"]), (4, 3))
        self.assertEqual(self.accounts()["Brightwater Logistics, Inc."],
                         ("prospects", "0015e00000Ab1CEAAZ"))
        self.assertEqual(said["book"]["keys"]["domain"], 3)

    def test_salesforce_report_of_opportunities_beside_it(self):
        said = self.take("salesforce_accounts_report.csv",
                         "salesforce_opportunities_report.csv")
        self.assertEqual([f["kind"] for f in said["files"]], ["accounts", "deals"])
        self.assertEqual(said["deals"], {"read": 5, "joined": 4, "without_account": 0,
                                         "accounts_named_by_deals_alone": 1})
        self.assertEqual(self.populations(), {
            "Alder & Sons Holding GmbH": "customers",  # says so itself
            "Brightwater Logistics, Inc.": "customers",  # won, whatever is open, too
            "Coppermill B.V.": "open_opportunities", "Delvaux Energie": "prospects",
            "Elmwood Clinics": "open_opportunities"})

    def test_salesforce_api_exports(self):
        said = self.take("salesforce_opportunities_api.csv", "salesforce_accounts_api.csv")
        self.assertEqual(said["deals"]["joined"], 3)
        self.assertEqual(said["deals"]["without_account"], 1)
        self.assertEqual(self.populations(), {
            "Alder & Sons Holding GmbH": "customers",
            "Brightwater Logistics, Inc.": "prospects",  # closed, not won
            "Coppermill B.V.": "open_opportunities"})

    def test_a_report_and_an_api_export_join_by_id(self):
        self.take("salesforce_accounts_report.csv", "salesforce_opportunities_api.csv")
        self.assertEqual(self.populations()["Coppermill B.V."], "open_opportunities")
        self.take("salesforce_accounts_api.csv", "salesforce_opportunities_report.csv",
                  words=["--accept"])
        self.assertEqual(self.populations()["Brightwater Logistics, Inc."], "customers")

    def test_hubspot_companies_and_deals(self):
        said = self.take("hubspot_companies.csv", "hubspot_deals.csv")
        self.assertEqual(said["files"][1]["kind"], "deals")
        self.assertEqual(said["deals"], {"read": 3, "joined": 2, "without_account": 1,
                                         "accounts_named_by_deals_alone": 0})
        self.assertEqual(self.populations(), {
            "Fernhill Dairy Ltd": "customers", "Granite Peak Tools": "open_opportunities",
            "Heron Media": "customers"})
        self.assertEqual(said["book"]["keys"]["domain"], 5)  # several in one cell

    def test_hubspot_internal_names(self):
        said = self.take("hubspot_companies_internal.csv")
        self.assertEqual(self.fields(said)[0]["hs_additional_domains"], "website")
        self.assertEqual(said["book"]["keys"]["domain"], 4)
        self.assertEqual(self.populations()["Fernhill Dairy Ltd"], "customers")

    def test_hubspot_deals_by_internal_names(self):
        # stages are numbers of the portal: what is closed, and won, says so by itself
        ibis = self.write("ibis.csv", "hs_object_id,name,domain\n9301004,Ibis,ibis.example.com\n")
        said = self.take("hubspot_companies.csv", ibis, "hubspot_deals_internal.csv")
        self.assertEqual(said["files"][2]["kind"], "deals")
        self.assertEqual(said["deals"], {"read": 4, "joined": 3, "without_account": 1,
                                         "accounts_named_by_deals_alone": 0})
        self.assertEqual(self.populations(), {
            "Fernhill Dairy Ltd": "customers", "Granite Peak Tools": "prospects",
            "Heron Media": "customers", "Ibis": "open_opportunities"})

    def test_crossbeam_sheet(self):
        said = self.take("crossbeam_sheet.csv")
        self.assertEqual(self.fields(said), [{"Company Name": "name",
                                              "Company URL": "website"}])

    def test_tabs_below_a_title(self):
        said = self.take("plain_titled.tsv")
        self.assertEqual(said["files"][0]["delimiter"], "tab")
        self.assertEqual(said["rows"], 2)
        self.assertEqual(self.accounts()["Lärche AG"][1], "10002")

    def test_encodings_are_all_the_same_list(self):
        text = (EXPORTS / "plain_titled.tsv").read_text()
        forms = {"UTF-8": text.encode(), "UTF-8 with byte-order mark": text.encode("utf-8-sig"),
                 "UTF-16, little-endian": text.encode("utf-16"),
                 "UTF-16, big-endian": b"\xfe\xff" + text.encode("utf-16-be"),
                 "Windows-1252": text.replace("\n", "\r\n").encode("cp1252")}
        for name, content in forms.items():
            with self.subTest(encoding=name):
                said = self.take(self.write("list.tsv", content))
                self.assertEqual(said["files"][0]["encoding"], name)
                self.assertEqual(set(self.accounts()), {"König Bäckerei GmbH", "Lärche AG"})

    def test_headings_in_any_case(self):
        said = self.take(self.write("caps.csv", "\ufeff ACCOUNT NAME ,wEbSiTe\nAlder,alder.com\n"))
        self.assertEqual(said["book"]["keys"]["domain"], 1)

    def test_no_person_enters_the_home(self):
        for name in sorted(EXPORTS.iterdir()):
            self.take(name, words=["--accept"])
        self.company.fails("import", EXPORTS / "crossbeam_sheet.csv", code=WAITING)
        content = b"".join(p.read_bytes() for p in self.company.home.iterdir())
        self.assertIn(b"Ivory Coast Bakers", content)
        for person in PERSONS:
            self.assertNotIn(person.encode(), content)

    def test_an_owner_is_kept_where_the_mapping_names_it(self):
        mapping = self.write("map.yaml", "columns:\n  owner: Account Owner\n")
        self.take("salesforce_accounts_report.csv", words=["--map", mapping])
        content = b"".join(p.read_bytes() for p in self.company.home.iterdir())
        self.assertIn(b"Dana Whitcombe", content)
        self.assertFalse([k for k in self.company.keys() if "dana" in k.lower()])


class Modes(Imports):
    def test_a_dry_run_shows_mapping_rows_and_report(self):
        said = self.take("salesforce_accounts_report.csv", words=["--dry-run"])
        first = said["files"][0]["first_rows"][0]
        self.assertEqual((first["id"], first["name"], first["type"]),
                         ("0015e00000Ab1CdAAJ", "Alder & Sons Holding GmbH", "Customer"))
        self.assertEqual(said["book"]["accounts"], 4)
        self.assertEqual(self.accounts(), {})
        text = self.company("import", EXPORTS / "salesforce_accounts_report.csv", "--dry-run")
        for words in ("Account Name", "First rows", "coppermill.nl", "Nothing was changed"):
            self.assertIn(words, text)

    def test_add_and_update(self):
        self.take("hubspot_companies.csv")
        said = self.take(self.write("more.csv", "Record ID,Company name,Company Domain Name\n"
                                    "9301003,Heron Media,heron.example.org\n4,Ibis,ibis.dev\n"),
                         words=["--add"])
        self.assertEqual((said["replaced"], said["book"]["rows"]), (1, 4))
        said = self.take("hubspot_deals.csv", words=["--update"])
        self.assertEqual((said["book"]["rows"], said["deals"]["joined"]), (4, 2))
        self.assertEqual(self.populations()["Granite Peak Tools"], "open_opportunities")
        said = self.take(self.write("duns.csv", "Record ID,DUNS Number\n9301002,60704780\n5,1\n"),
                         words=["--update"])
        self.assertEqual((said["updated"], said["unknown_ids"]), (1, 1))
        self.assertEqual(said["book"]["keys"]["duns"], 1)
        self.assertEqual(self.accounts()["Granite Peak Tools"],
                         ("open_opportunities", "9301002"))
        self.company.fails("import", self.path / "duns.csv", "--add", "--update", code=USAGE,
                           says=["one of"])

    def test_update_of_nothing(self):
        self.company.fails("import", EXPORTS / "hubspot_deals.csv", "--update", code=USAGE,
                           says=["E_BOOK_EMPTY"])

    def test_a_fault_names_its_file(self):
        bad = self.write("bad.csv", 'Deal Name,Account Name\nx,"Alder\n')
        self.company.fails("import", EXPORTS / "hubspot_companies.csv", bad, code=USAGE,
                           says=["bad.csv, line 2"])
        self.assertEqual(self.accounts(), {})


class Held(Imports):
    def setUp(self):
        super().setUp()
        self.take("salesforce_accounts_report.csv")
        self.before = self.accounts()

    def hold(self, *words):
        small = self.write("small.csv", "Account ID,Account Name,Website,Billing Country,"
                           "Type,Employees\n9,Kelp AS,kelp.no,Norway,,\n")
        text = self.company.fails("import", small, code=WAITING,
                                  says=["fewer than half", "overlap inbox", "E_IMPORT_SHRANK"])
        self.assertEqual(self.accounts(), self.before)
        return text

    def held(self):
        return [h for h in self.company.json("inbox", "--offline")["holds"]
                if h["kind"] == "import"]

    def test_it_waits_and_is_taken(self):
        self.hold()
        (hold,) = self.held()
        self.assertEqual((hold["rows"], hold["rows_before"], hold["reason"]),
                         (1, 4, "E_IMPORT_SHRANK"))
        self.assertIn("overlap inbox take import", self.company("inbox", "--offline"))
        self.company.fails("inbox", "clear", str(hold["number"]), code=USAGE, says=["take import"])
        self.company("inbox", "take", "import")
        self.assertEqual(set(self.accounts()), {"Kelp AS"})
        self.assertEqual(self.held(), [])
        self.company.fails("inbox", "take", "import", code=USAGE, says=["no import is held"])

    def test_it_is_dropped(self):
        self.hold()
        self.company("inbox", "drop", "import")
        self.assertEqual(self.held(), [])
        self.assertEqual(self.accounts(), self.before)
        content = b"".join(p.read_bytes() for p in self.company.home.iterdir()
                           if p.suffix == ".db")
        self.assertNotIn(b"Kelp AS", content)

    def test_the_next_good_file_settles_it(self):
        self.hold()
        self.take("salesforce_accounts_report.csv")
        self.assertEqual(self.held(), [])

    def test_a_lost_column(self):
        lost = self.write("lost.csv", "Account ID,Account Name,Type\n" + "".join(
            f"{i},Account {i},\n" for i in range(5)))
        self.company.fails("import", lost, code=WAITING, says=["E_IMPORT_LOST_COLUMN"])
        (hold,) = self.held()
        self.assertEqual(hold["lost_columns"], "country, employees, website")
        self.company("import", lost, "--accept")
        self.assertEqual(len(self.accounts()), 5)
        self.assertEqual(self.held(), [])

    def test_a_dry_run_holds_nothing(self):
        self.hold()
        self.company("inbox", "drop", "import")
        said = self.take(self.path / "small.csv", words=["--dry-run"])
        self.assertEqual(said["held"]["rows_before"], 4)
        self.assertEqual(self.held(), [])


class Killed(Imports):
    """The old book or the new one, and the same command does the rest."""

    def points(self, *command):
        listed = self.path / "points"
        self.company(*command, env={"OVERLAP_CRASH_LIST": str(listed)})
        return listed.read_text().splitlines() if listed.exists() else []

    def kill_at(self, point, *command, allowed):
        process = subprocess.run(list(map(str, self.company.command(*command))),
                                 env={**os.environ, "OVERLAP_CRASH_AT": point},
                                 stdin=subprocess.DEVNULL, capture_output=True)
        self.assertEqual(process.returncode, -signal.SIGKILL)
        self.assertIn(self.accounts(), allowed)

    def test_at_each_write(self):
        old, new = EXPORTS / "hubspot_companies.csv", EXPORTS / "hubspot_companies_internal.csv"
        self.company("import", new, "--accept")
        after = self.accounts()
        self.company("import", old, "--accept")
        before = self.accounts()
        points = self.points("import", new, "--accept")
        if not points:
            self.skipTest("built without crash points")
        self.assertIn("book.import before", points)
        for number in range(1, len(points) + 1):
            with self.subTest(write=points[number - 1]):
                self.company("import", old, "--accept")
                self.kill_at(str(number), "import", new, "--accept", allowed=(before, after))
                self.company("import", new, "--accept")
                self.assertEqual(self.accounts(), after)
        self.assertEqual([p.name for p in self.company.home.iterdir() if "scratch" in p.name], [])

    def test_while_a_held_import_is_taken(self):
        self.company("import", EXPORTS / "hubspot_companies.csv")
        before = self.accounts()
        small = self.write("small.csv", "Company name\nKelp AS\n")
        self.company.fails("import", small, code=WAITING)
        if not self.points("inbox", "drop", "import"):
            self.skipTest("built without crash points")
        self.company.fails("import", small, code=WAITING)
        self.kill_at("inbox.import before", "inbox", "take", "import", allowed=(before,))
        self.company("inbox", "take", "import")
        self.assertEqual(set(self.accounts()), {"Kelp AS"})


if __name__ == "__main__":
    harness.main()
