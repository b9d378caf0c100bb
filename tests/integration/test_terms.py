"""terms - what two companies agree on is what each of them learns.

The numbers are compared with a model that is written here from the text of the policies,
slow and plain: it knows both lists, as nobody does in the exchange.
"""

import csv
import random
import unittest

import harness

INDUSTRIES = "Software", "Banking", "Mining", ""
POPULATIONS = "customers", "open_opportunities", "prospects"
TYPES = dict(zip(POPULATIONS, ("Customer", "Open Opportunity", "Prospect")))


def company_list(path, rng, names):
    """Writes a CRM export of these companies; returns {domain: row}."""
    rows = {}
    for name in names:
        rows[name + ".com"] = {
            "Id": f"{path.stem}-{name}", "Name": name.title(), "Website": name + ".com",
            "Population": rng.choice(POPULATIONS), "Industry": rng.choice(INDUSTRIES),
            "Employees": rng.choice(("", "5", "50", "500", "5000"))}
    with open(path, "w", encoding="utf-8", newline="") as f:
        writer = csv.DictWriter(f, next(iter(rows.values())))
        writer.writeheader()
        writer.writerows(rows.values())
    return rows


def lists(path, seed, common=60, alone=40):
    """Two lists with some companies in common."""
    rng = random.Random(seed)
    names = [f"company{i:03d}" for i in range(common + 2 * alone)]
    return (company_list(path / "mine_a.csv", rng, names[:common + alone]),
            company_list(path / "mine_b.csv", rng, names[:common] + names[common + alone:]))


# --- the model of a profile: software or banking (2), 100 employees or more (1) ---

CRITERIA = """threshold: 2
bands: {Gold: 3, Silver: 2}
criteria:
  - {column: industry, one_of: [Software, banking], weight: 2}
  - {column: employees, between: [100, 1M], weight: 1}
"""


def fit(row):
    """(fit, band) of a row: three-valued, as somebody would work it out by hand."""
    industry = row["Industry"] and row["Industry"] in ("Software", "Banking")
    large = row["Employees"] and int(row["Employees"]) >= 100
    sure = (2 if industry is True else 0) + (1 if large is True else 0)
    possible = sure + (2 if industry == "" else 0) + (1 if large == "" else 0)
    if sure >= 2:
        return "yes", "Gold" if sure == 3 else "Silver"
    return ("no" if possible < 2 else "unknown"), ""


def told(mine, theirs):
    """Fit of a pair: the own word if there is one, else the partner's."""
    return mine if mine != "unknown" else theirs


class World:
    """Two companies with lists, no terms yet."""

    def __init__(self, seed):
        self.inner = harness.World()
        self.path = self.inner.path
        self.a, self.b, self.broker = self.inner.a, self.inner.b, self.inner.broker
        self.rows_a, self.rows_b = lists(self.path, seed)
        self.common = self.rows_a.keys() & self.rows_b.keys()
        self.broker.init()
        self.broker.start()
        for company, name in ((self.a, "mine_a.csv"), (self.b, "mine_b.csv")):
            company("init")
            company.join(self.broker)
            company("import", self.path / name)
        harness.pair(self.a, self.b)

    def policy(self, company, text):
        path = self.path / f"{company.name}.yaml"
        path.write_text("version: 1\ncaps: {minimum_list: 1}\n" + text)
        return path

    def agree(self, of_a, of_b):
        """Both persons agree to what the other's newest sheet asks for."""
        for company, other, text in ((self.a, self.b, of_a), (self.b, self.a, of_b),
                                     (self.a, self.b, of_a)):
            harness.finish(
                company.command("partner", "terms", other.name, "--policy",
                                self.policy(company, text), "--yes"), None)
            other.mail()
        for company in (self.a, self.b, self.a):
            company.mail()

    def terms(self, company, other):
        return harness.json.loads(harness.finish(
            company.command("partner", "terms", other.name, "--json"), None).stdout)

    def close(self):
        self.inner.close()


ALL = "populations: {customers: matches, open_opportunities: matches, prospects: matches}\n"


class Terms(unittest.TestCase):
    def world(self, seed):
        world = World(seed)
        self.addCleanup(world.close)
        return world

    def in_force(self, world):
        for company, other in ((world.a, world.b), (world.b, world.a)):
            self.assertEqual(world.terms(company, other)["state"], "in_force")

    def check_fits(self, world, own, asked):
        """A's list and both matrices against the model: whether A has a profile of its
        own, and whether B evaluates A's."""
        pair_fit = {}
        for row in world.a.matches(world.b):
            domain = row["name"].lower() + ".com"
            mine = fit(world.rows_a[domain])[0] if own else "unknown"
            theirs, band = fit(world.rows_b[domain]) if asked else ("", "")
            pair_fit[domain] = told(mine, theirs or "unknown")
            self.assertEqual(
                (row["fits_by_my_data"], row["fits_by_their_data"],
                 row["band_by_their_data"], row["fits_my_icp"]),
                (mine, theirs, band, pair_fit[domain]), domain)
        self.assertEqual(pair_fit.keys(), world.common)
        for company, other, mine, theirs, key in (
                (world.a, world.b, world.rows_a, world.rows_b, "fits_mine"),
                (world.b, world.a, world.rows_b, world.rows_a, "fits_theirs")):
            report = company.json("report", other.name)
            names = {side: {p["number"]: p["name"] for p in report[side]}
                     for side in ("mine", "theirs")}
            for cell in report["cells"]:
                pairs = [d for d in world.common
                         if mine[d]["Population"] == names["mine"][cell["mine"]]
                         and theirs[d]["Population"] == names["theirs"][cell["theirs"]]]
                self.assertEqual(cell["pairs"], len(pairs))
                self.assertEqual(cell[key], sum(pair_fit[d] == "yes" for d in pairs))

    def test_the_partner_evaluates_my_criteria(self):
        world = self.world(1)
        (world.path / "icp.yaml").write_text(CRITERIA)
        asks = ALL + "icp: icp.yaml\n"
        lists_columns = ALL + "icp_columns: [Industry, employees]\n"
        # nobody listed a column: nothing is evaluated
        world.agree(asks, ALL)
        self.in_force(world)
        world.inner.exchange()
        self.check_fits(world, own=False, asked=False)
        # by the partner's data alone
        world.agree(asks, lists_columns)
        self.in_force(world)
        world.inner.exchange()
        self.check_fits(world, own=False, asked=True)
        yes = world.a.json("report", world.b.name)["fits_my_icp"]
        self.assertEqual(yes["yes"], yes["yes_by_their_data_alone"])
        self.assertGreater(yes["yes"], 0)
        # the own word where there is one
        world.a("icp", world.path / "icp.yaml")
        world.inner.exchange(world.b, world.a)
        self.check_fits(world, own=True, asked=True)
        listed = {row["name"] for row in csv.DictReader(world.a(
            "matches", world.b.name, "--icp", "yes", "--csv", "-").splitlines())}
        self.assertEqual(listed, {row["name"] for row in world.a.matches(world.b)
                                  if row["fits_my_icp"] == "yes"})
        # B gets no word of A's data on criteria that it never sent
        self.assertEqual({row["fits_by_their_data"] for row in world.b.matches(world.a)}, {""})

    def test_criteria_are_refused_where_they_ask_too_much(self):
        world = self.world(2)
        world.agree(ALL, ALL + "icp_columns: [industry]\n")
        self.in_force(world)
        path = world.policy(world.a, ALL + "icp:\n  criteria:\n"
                            "    - {column: employees, between: [1, 2]}\n")
        world.a.fails("partner", "terms", world.b.name, "--policy", path, "--yes",
                      code=harness.PEER,
                      says=["your criteria", "`employees` is not listed", "E_TERMS_CRITERIA"])
        # a person of B is asked before other criteria hold, and once in 28 days
        for n, value in enumerate(("Software", "Banking")):
            world.a(*("partner", "terms", world.b.name, "--policy", world.policy(
                world.a, ALL + "icp:\n  criteria:\n"
                f"    - {{column: industry, equals: {value}}}\n"), "--yes"),
                    code=harness.WAITING)
            world.b.mail()
            self.assertEqual(world.terms(world.b, world.a)["state"], "asked")
            if n == 0:
                world.b("partner", "terms", world.a.name, "--yes")
                world.a.mail()
                self.in_force(world)
        world.b.fails("partner", "terms", world.a.name, "--yes", code=harness.PEER,
                      says=["less than 28 days ago", "E_TERMS_TOO_SOON"])
        inbox = world.b.json("inbox")["terms"]
        self.assertEqual([t["obstacle"] for t in inbox], ["E_TERMS_TOO_SOON"])

    def test_reciprocal_terms_follow_the_partner(self):
        world = self.world(3)
        mine = "reciprocal: yes\n" + ALL
        world.agree(mine, "populations: {customers: counts}\n")
        self.in_force(world)
        world.inner.exchange()
        # B is shown no match: A gives no more than it gets
        self.assertEqual(world.b.matches(world.a), [])
        self.assertEqual(world.a.matches(world.b), [])
        # B gives more: A would, too, so a person at A is asked
        path = world.policy(world.b, ALL)
        world.b("partner", "terms", world.a.name, "--policy", path, "--yes",
                code=harness.WAITING)
        world.a.mail()
        terms = world.terms(world.a, world.b)
        self.assertEqual(terms["state"], "asked")
        changed = {(c["by"], c["what"]): (c["from"], c["to"], c["more"])
                   for c in terms["changes"]}
        self.assertEqual(changed["you", "customers"], ("counts", "matches", True))
        self.assertEqual(changed["partner", "prospects"], ("hidden", "matches", True))
        world.a("partner", "terms", world.b.name, "--yes")
        world.b.mail()
        self.in_force(world)
        world.inner.exchange()
        self.assertEqual(len(world.b.matches(world.a)), len(world.common))
        self.assertEqual(len(world.a.matches(world.b)), len(world.common))
        # B gives less: A gives less as well, and nobody is asked
        path = world.policy(world.b, "populations: {customers: counts}\n")
        world.b("partner", "terms", world.a.name, "--policy", path, "--yes",
                code=harness.WAITING)
        world.a.mail()
        world.b.mail()
        self.in_force(world)

    def test_duns_numbers_that_differ_forbid_a_match_where_both_say_so(self):
        world = self.world(4)
        for company, other_duns in ((world.a, "150483782"), (world.b, "060902413")):
            path = world.path / f"duns {company.name}.csv"
            path.write_text("Id,Name,Website,DUNS\n1,Same Ltd,same.com,001368083\n"
                            f"2,Other Ltd,other.com,{other_duns}\n3,Bare Ltd,bare.com,\n")
            company("import", path, "--accept")
        agree = "duns_must_agree: yes\n"
        for of_b, matched in ("", {"1", "2", "3"}), (agree, {"1", "3"}), ("", {"1", "2", "3"}):
            world.agree(ALL + agree, ALL + of_b)
            self.in_force(world)
            world.inner.exchange()
            self.assertEqual({row["account_id"] for row in world.a.matches(world.b)}, matched)
            self.assertEqual(harness.pairs(world.inner), {(n, n) for n in matched})


if __name__ == "__main__":
    harness.main()
