"""halving - one step of the search for members: two runs whose lists differ in one account.

Where both partners said `noise: none`, the difference of two numbers is whether the other
side has that account.  At the default there is no second number to compare.
(The whole search, with its millions of views, is unit/test_halving.c.)
"""

import unittest

import harness

COUNTS = """version: 1
populations:
  customers: counts
  open_opportunities: counts
  prospects: counts
caps:
  minimum_list: 10
"""
ACCOUNTS, MEMBERS = 60, 40  # on the prober's list, and how many of these the other has
HAS, HAS_NOT = MEMBERS - 1, ACCOUNTS - 1  # two accounts that the prober asks about


def company(n):
    return f"{n},Company {n} of the List,company-{n}-of-the-list.com,US\n"


class Halving(unittest.TestCase):
    def build(self, policy):
        self.world = world = harness.World()
        self.addCleanup(world.close)
        path = world.path / "policy.yaml"
        path.write_text(policy)
        return world.build(path, [self.listed(), self.list_file("members", range(MEMBERS))])

    def list_file(self, name, numbers):
        path = self.world.path / f"{name}.csv"
        path.write_text("Id,Name,Website,Country\n" + "".join(map(company, numbers)))
        return path

    def listed(self, without=None):
        return self.list_file(f"all but {without}",
                              [n for n in range(ACCOUNTS) if n != without])

    def view(self, without=None):
        """The number of accounts in common by a list without this one; None: held back."""
        a, b = self.world.a, self.world.b
        a("import", self.listed(without))
        self.world.exchange()
        report = a.json("report", b.name)
        (cell,) = [c["pairs"] for c in report["cells"]
                   if c["mine"] == c["theirs"] == 3] or [None]
        return cell, [row["reason"] for row in report["held_back"]]

    def test_where_counts_are_exact_the_difference_is_the_membership(self):
        self.build(COUNTS + "noise: none\n")
        every, _ = self.view()
        self.assertEqual(every, MEMBERS)
        self.assertEqual([every - self.view(n)[0] for n in (HAS, HAS_NOT)], [1, 0])

    def test_at_the_default_there_is_no_second_view(self):
        self.build(COUNTS)
        _, why = self.view()
        self.assertNotIn("not_due", why)  # it was drawn; a noisy number may be too small
        number, why = self.view(HAS)
        self.assertEqual((number, why), (None, ["not_due"]))


if __name__ == "__main__":
    harness.main()
