"""revoked - a company that the operator shuts out is out at once."""

import unittest

import harness
from harness import USAGE


class Revoked(unittest.TestCase):
    def test_a_revoked_company_is_cut_off_and_nobody_else(self):
        world = harness.sample_world()
        self.addCleanup(world.close)
        front = world.broker.front

        front.forget()
        agent = world.b.spawn("agent", "--wait", "60")
        live = front.next_connection()
        while "(1 under way" not in world.broker("status"):
            self.assertIsNone(agent.poll())  # its question is held in a moment
        world.broker("revoke", world.b.name)
        self.assertTrue(live.ended.wait(harness.PATIENCE))
        self.assertEqual(agent.wait(harness.PATIENCE), USAGE)  # a person must look

        world.b.fails("agent", "--once", code=USAGE, says=["revoked"])
        world.a("agent", "--once", "--wait", "0")
        self.assertIn("revoked", world.broker("orgs"))


if __name__ == "__main__":
    harness.main()
