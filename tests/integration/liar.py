"""liar - a world whose broker is hostile_broker (hostile_broker.h): it lies when it is told
to, and is overlapd otherwise.  `harness.use` is given that program as the broker."""

import contextlib
import json
import os
import sqlite3
import subprocess
import unittest

import harness
from harness import USAGE

POLICY = harness.POLICY + "  runs_per_30_days: 1000\n"


class Liar(unittest.TestCase):
    """A world whose broker lies when a file says so."""

    policy, other = POLICY, None  # A's, and B's where it is another

    @classmethod
    def setUpClass(cls):
        world = cls.world = harness.World()
        cls.lie_file = world.path / "lie"
        os.environ["OVERLAP_LIE"] = str(cls.lie_file)
        policy, other = world.path / "policy.yaml", world.path / "policy_b.yaml"
        policy.write_text(cls.policy)
        other.write_text(cls.other or cls.policy)
        world.build(policy, harness.SAMPLES, other)
        cls.addClassCleanup(world.close)
        # two lists for A, so that no job ends as `unchanged`
        cls.lists = [cls.fewer(harness.SAMPLES[0]), harness.SAMPLES[0]]

    @classmethod
    def fewer(cls, path):
        """The same list without its first rows."""
        rows = path.read_text(encoding="utf-8-sig").splitlines(True)
        out = cls.world.path / f"fewer {path.name}"
        out.write_text("".join(rows[:1] + rows[6:]), encoding="utf-8")
        return out

    def setUp(self):
        self.addCleanup(self.lie)

    @classmethod
    def lie(cls, name="truth", how="-", to="*"):
        """From now on the broker tells this lie to this company (*: to all)."""
        new = cls.lie_file.with_suffix(".new")
        new.write_text(f"{name} {how} {to}\n")
        new.rename(cls.lie_file)

    def exchange(self, wait=20, env=None):
        """One job that A proposes; what either printed, with its exit code."""
        a, b = self.world.a, self.world.b
        answering = self.start(b, "agent", "--once", "--wait", wait)
        told = [self.told(self.start(a, "run", b.name, "--wait", wait, env=env)),
                self.told(answering)]
        if told[0].get("state") == "closed":
            self.change_list()
        return told

    @staticmethod
    def start(company, *words, env=None):
        """A verb that prints one document in the end."""
        process = subprocess.Popen(
            list(map(str, company.command(*words, "--json"))), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **company.env, **(env or {})})
        harness._live.append(process)
        return process

    @staticmethod
    def told(process):
        """What it printed in the end, and its exit code."""
        out, err = process.communicate(timeout=harness.PATIENCE)
        return {**(json.loads(out) if out.strip() else {}), "exit": process.returncode,
                "said": err}

    def change_list(self):
        self.lists.reverse()
        self.world.a("import", self.lists[1])

    def ends(self, told, code, state, status):
        self.assertEqual((told["exit"], told.get("state"), told.get("status")),
                         (code, state, status), told["said"])
        return bytes.fromhex(told["job"])

    def home(self, company, query, *values):
        with contextlib.closing(sqlite3.connect(company.home / "overlap.db")) as db:
            return db.execute(query, values).fetchall()

    def forget(self, company, query):
        """Changes a company's database, as only a cheat does."""
        self.change(company.home / "overlap.db", query)

    @staticmethod
    def change(path, query):
        with contextlib.closing(sqlite3.connect(path, timeout=20)) as db:
            db.execute(query)
            db.commit()

    def store(self, query, *values):
        with contextlib.closing(sqlite3.connect(self.world.broker.home / "broker.db")) as db:
            return db.execute(query, values).fetchall()

    def left(self, company, job):
        """The streams of which something left the company."""
        return {stream for (stream,) in self.home(
            company, "SELECT stream FROM egress WHERE job = ?", job)}

    def steps(self, company, job, steps):
        """Those of these steps that the company has in its record, with their leaves."""
        return {step: (body, leaf) for step, body, leaf in self.home(
            company, "SELECT step, body, leaf_index FROM job_step WHERE job = ?", job)
            if step in steps}

    def holds(self, company):
        return {hold["reason"]: hold["number"]
                for hold in company.json("inbox", "--offline")["holds"]}

    def stands_nowhere(self, company, partner, job):
        """No number of this job's report is kept, and no verb shows it."""
        for table in "job_match", "job_cell":
            self.assertEqual(
                self.home(company, f"SELECT count(*) FROM {table} WHERE job = ?", job), [(0,)])
        for verb in "report", "matches":
            company.fails(verb, partner.name, "--job", job.hex(), code=USAGE)
