"""revoked - a company that the operator shuts out is out at once."""

import unittest

import harness
from harness import OK, USAGE


class Revoked(unittest.TestCase):
    def test_a_revoked_company_is_cut_off_and_nobody_else(self):
        world = harness.sample_world()
        self.addCleanup(world.close)
        front = world.broker.front

        front.cut()
        agent = world.b.spawn("agent", "--wait", "60")
        live = front.wait_for_connection()
        world.broker("revoke", world.b.name)
        live.wait_for_end()  # while the agent's question was held

        world.b.fails("agent", "--once", code=USAGE, says=["revoked"])
        world.a("agent", "--once", "--wait", "0")
        agent.terminate()
        agent.wait(harness.PATIENCE)
        self.assertIn("revoked", world.broker("orgs"))


if __name__ == "__main__":
    harness.main()
