"""swap - who proposes makes no difference to who is matched with whom."""

import unittest

import harness


class Swap(unittest.TestCase):
    def test_the_same_pairs_whoever_proposes(self):
        past = harness.sample_world()
        self.assertEqual(past.broker.stop(), harness.OK)
        found = []
        for turned in (False, True):
            world = past.copy()
            self.addCleanup(world.broker.kill)
            self.assertTrue(world.broker.start())
            roles = (world.b, world.a) if turned else (world.a, world.b)
            for printed in world.exchange(*roles):
                self.assertEqual(printed["state"], "closed")
            world.broker.stop()
            found.append(harness.pairs(world))
        self.assertTrue(found[0])
        self.assertEqual(found[0], found[1])


if __name__ == "__main__":
    harness.main()
