"""exchange - the sample lists through real programs, from enrolment to report."""

import os
import subprocess
import unittest

import harness


NOT_TO_BE_FOUND = {
    # a name without a country is no key under these terms
    ("0015g00000Gb033AAB", "18200001221"),
    ("0015g00000AA028AAD", "18200001036"),
    ("0015g00000EB056AAD", "18200002072"),
}


class Exchange(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = harness.sample_world()
        cls.addClassCleanup(cls.world.close)
        cls.proposed, cls.answered = cls.world.exchange()

    def test_both_sides_close_the_same_job(self):
        for printed in (self.proposed, self.answered):
            self.assertEqual(printed["state"], "closed")
            self.assertEqual(printed["status"], "OK")
        self.assertEqual(self.proposed["job"], self.answered["job"])

    def test_both_sides_have_the_same_match_numbers(self):
        found = harness.pairs(self.world)
        # an account stands in one match only
        for side in zip(*found):
            self.assertEqual(len(set(side)), len(found))

    def test_matches_are_the_true_pairs(self):
        found = harness.rows_of(harness.pairs(self.world))
        self.assertEqual(found, harness.truth() - NOT_TO_BE_FOUND)

    def test_populations_are_seen_alike_from_both_sides(self):
        seen = {row["match"]: (row["my_population"], row["their_population"], row["key"])
                for row in self.world.a.matches(self.world.b)}
        for row in self.world.b.matches(self.world.a):
            self.assertEqual(seen[row["match"]],
                             (row["their_population"], row["my_population"], row["key"]))

    def test_report_numbers_are_those_of_the_match_list(self):
        for x, y in ((self.world.a, self.world.b), (self.world.b, self.world.a)):
            report, rows = x.json("report", y.name), x.matches(y)
            self.assertEqual(report["matches"], len(rows))
            self.assertEqual(report["rows"], sum(int(row["rows"]) for row in rows))
            for fit in ("yes", "no", "unknown"):
                self.assertEqual(report["fits_my_icp"][fit],
                                 sum(row["fits_my_icp"] == fit for row in rows))
            mine = {p["number"]: p["name"] for p in report["mine"]}
            theirs = {p["number"]: p["name"] for p in report["theirs"]}
            for cell in report["cells"]:
                of_cell = [row for row in rows
                           if row["my_population"] == mine[cell["mine"]]
                           and row["their_population"] == theirs[cell["theirs"]]]
                self.assertEqual(cell["pairs"], len(of_cell))

    def test_the_matrix_is_the_partners_transposed(self):
        def cells(company, partner):
            return {(c["mine"], c["theirs"]): (c["pairs"], c["fits_mine"], c["fits_theirs"])
                    for c in company.json("report", partner.name)["cells"]}
        mine = cells(self.world.a, self.world.b)
        theirs = cells(self.world.b, self.world.a)
        self.assertEqual(mine, {(x, y): (pairs, other, own)
                                for (y, x), (pairs, own, other) in theirs.items()})

    def test_a_second_run_without_changes_sends_no_list(self):
        before = self.world.a.matches(self.world.b)
        proposed, answered = self.world.exchange()
        self.assertEqual((proposed["state"], answered["state"]), ("unchanged",) * 2)
        self.assertLess(proposed["bytes_sent"], self.proposed["bytes_sent"] / 4)
        self.assertEqual(self.world.a.matches(self.world.b), before)

    def test_an_agent_that_goes_on_leaves_the_home_to_others(self):
        a, b = self.world.a, self.world.b
        agent = b.spawn("agent")
        for _ in range(2):
            a("run", b.name)  # the agent answers, so it has the home
            b("import", harness.SAMPLES[1])  # and lets go of it while it waits
        agent.terminate()
        self.assertEqual(agent.wait(harness.PATIENCE), harness.OK)

    def test_what_a_person_changes_while_an_agent_waits_counts(self):
        """It has a list ready by then, for the proposal that it waits for."""
        world = harness.sample_world()
        self.addCleanup(world.close)
        world.exchange()
        before = harness.pairs(world)
        gone = sorted(theirs for _, theirs in before if ";" not in theirs)[0]
        agent = subprocess.Popen(
            list(map(str, world.b.command("agent", "--once"))), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **world.b.env, "OVERLAP_LOG": "info"})
        self.addCleanup(agent.kill)
        self.assertTrue(any(" job.ready " in line for line in agent.stderr))
        world.b("accounts", "erase", gone, "--yes")
        world.a("run", world.b.name)
        agent.communicate(timeout=harness.PATIENCE)
        self.assertEqual(agent.returncode, harness.OK)
        self.assertEqual(harness.pairs(world), {p for p in before if p[1] != gone})


class Schemes(unittest.TestCase):
    """Accounts that have nothing in common but an identifier of a scheme."""

    def test_a_scheme_that_both_agreed_on_makes_matches_and_another_none(self):
        world = harness.World()
        self.addCleanup(world.close)
        policy = world.path / "policy.yaml"
        policy.write_text(harness.POLICY)
        sheets = (
            "Id,Name,Partner,Ticker,Exchange\nA1,Alder,p-1,,\nA2,Birch,p-2,,\n"
            "A3,Cedar,,BRK.B,NYSE\nA4,Elm,,ELM,NYSE\n",
            "Id,Name,Partner,Ticker\nB1,Ailanthus,P 2,\nB2,Beech,P-2,\n"
            "B3,Cypress,,XNYS:BRK-B\nB4,Elder,,NASDAQ:ELM\n")
        lists = [world.path / name for name in ("a.csv", "b.csv")]
        for path, text in zip(lists, sheets):  # and as many more as a list must have
            path.write_text(text + "".join(f"{n},More {n},{path.stem}-{n}\n" for n in range(10)))
        world.build(policy, lists)
        for company, path in zip((world.a, world.b), lists):
            self.read(company, path, "acme")
        world.exchange()
        self.assertEqual(harness.pairs(world), {("A2", "B2"), ("A3", "B3")})
        for company, partner in (world.a, world.b), (world.b, world.a):
            self.assertEqual({row["key"] for row in company.matches(partner)},
                             {"id:acme", "id:ticker"})

        self.read(world.b, lists[1], "acme-2")
        world.exchange()
        self.assertEqual(harness.pairs(world), {("A3", "B3")})

    def read(self, company, path, scheme):
        mapping = path.with_suffix(".yaml")
        mapping.write_text(f"columns: {{id:{scheme}: Partner}}\n")
        said = company.json("import", path, "--map", mapping, "--replace", "--accept")
        self.assertIn(f"id:{scheme}", [c["field"] for c in said["files"][0]["columns"]])


if __name__ == "__main__":
    harness.main()
