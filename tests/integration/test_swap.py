"""swap - who proposes makes no difference to who is matched with whom, nor to any number."""

import csv
import random
import unittest

import harness

HEADINGS = "Account ID", "Account Name", "Website", "Billing Country", "Type"
TYPES = "Customer", "Prospect", "Opportunity"


def random_books(directory, seed, n=150):
    """Two lists in chains of ties: a row of the second shares the website of one row of the
    first and the name of the next one, where either is there."""
    rng = random.Random(seed)
    syllables = "ba co du fe gi ho ju ka le mi no pu ra se ti vo".split()

    def word():
        return "".join(rng.choice(syllables) for _ in range(5))

    names, sites = [word() for _ in range(n + 1)], [word() for _ in range(n)]
    paths = []
    for side, next_name in (("a", 0), ("b", 1)):
        rows = []
        for i in range(n):
            name, site = names[i + next_name].title() + " Works", sites[i] + ".com"
            keep = rng.random()
            rows.append((f"{side}{i}", name, site if keep > 0.25 else "",
                         "Germany" if keep < 0.75 else "", rng.choice(TYPES)))
        rng.shuffle(rows)
        path = directory / f"{side}-{seed}.csv"
        with open(path, "w", encoding="utf-8", newline="") as f:
            writer = csv.writer(f)
            writer.writerow(HEADINGS)
            writer.writerows(rows)
        paths.append(path)
    return paths


def numbers(company, partner):
    report = company.json("report", partner.name)
    return report["matches"], {
        (c["mine"], c["theirs"]): (c["pairs"], c["fits_mine"], c["fits_theirs"])
        for c in report["cells"]}


class Swap(unittest.TestCase):
    def both_ways(self, past):
        """What is found when either proposes; the two worlds end alike, and so do both
        sides of each."""
        found, seen = [], []
        for turned in (False, True):
            world = past.copy()
            self.addCleanup(world.broker.kill)
            self.assertTrue(world.broker.start())
            roles = (world.b, world.a) if turned else (world.a, world.b)
            for printed in world.exchange(*roles):
                self.assertEqual(printed["state"], "closed")
            found.append(harness.pairs(world))
            mine, theirs = numbers(world.a, world.b), numbers(world.b, world.a)
            self.assertEqual(mine, (theirs[0], {
                (x, y): (pairs, own, other)
                for (y, x), (pairs, other, own) in theirs[1].items()}))
            seen.append(mine)
            world.broker.stop()
        self.assertEqual(found[0], found[1])
        self.assertEqual(seen[0], seen[1])
        return found[0]

    def test_the_same_pairs_whoever_proposes(self):
        past = harness.sample_world()
        self.assertEqual(past.broker.stop(), harness.OK)
        self.assertTrue(self.both_ways(past))

    def test_the_same_of_books_in_chains_of_ties(self):
        for seed in 1, 2:
            with self.subTest(seed=seed):
                past = harness.sample_world(random_books(harness.scratch(), seed))
                self.assertEqual(past.broker.stop(), harness.OK)
                found = self.both_ways(past)
                self.assertGreater(len(found), 80)
                # chains: some by website, some by name
                self.assertEqual({int(b[1:]) - int(a[1:]) for a, b in found}, {0, -1})


if __name__ == "__main__":
    harness.main()
