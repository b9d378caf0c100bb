"""privacy - nothing of either list is at the broker or on the wire.

Searches the broker's whole directory, its memory, all logs and every byte that crossed the
wire for each name and domain of both lists, as they stand in the files and as keys.  Each
search has a control: something that is there must be found.
"""

import contextlib
import csv
import pathlib
import re
import socket
import unittest

import harness

PAGE = 4096
SHORTEST = 5  # plain characters in a row; fewer stand in random bytes by chance


FIELDS = re.compile(r"id$|name|website|domain|mail|lei|cik|duns|d-u-n-s|vat", re.I)


def needles(world, paths):
    """Lower-case names, domains and ids of both lists, as written and as keys."""
    texts = set()
    for path in paths:
        with open(path, encoding="utf-8-sig", newline="") as f:
            for row in csv.DictReader(f):
                texts |= {cell.strip() for heading, cell in row.items()
                          if cell and FIELDS.search(heading)}
    hosts = {re.sub(r"^([a-z]+:/*)*(www\.)?", "", t.lower()).split("/")[0] for t in texts}
    keys = {*world.a.keys(), *world.b.keys()}
    keys |= {key[3:] for key in keys if re.match("[A-Z]{2} ", key)}  # without country
    return {t.lower() for t in texts | hosts | keys
            if PRINTED.search(t.encode()) and t != "127.0.0.1"}


PRINTED = re.compile(rb"[ -~]{%d,}" % SHORTEST)
PRINTED_16 = re.compile(rb"(?:[ -~]\0){%d,}" % SHORTEST)


def printed(content):
    """The printable texts of some bytes, as one or two bytes a character; lower case.

    They are a hundredth of ciphertext or random bytes, so that many needles can be
    looked for.
    """
    runs = PRINTED.findall(content)
    runs += (run.replace(b"\0", b"") for run in PRINTED_16.findall(content))
    return b"\n".join(runs).lower()


def found(content, texts):
    """Those of the texts that are in it as UTF-8, UTF-16 or hex."""
    content = printed(bytes(content))
    hits = set()
    for text in texts:
        # of a text with marks, its longest part without: "ller gmbh"
        part = max(PRINTED.findall(text.encode()), key=len, default=b"")
        if part and part in content or text.encode().hex().encode() in content:
            hits.add(text)
    return hits


def files_of(directory):
    return {path: path.read_bytes() for path in pathlib.Path(directory).rglob("*")
            if path.is_file()}


def pages(content):
    return (content[at:at + PAGE] for at in range(0, len(content), PAGE))


def memory_of(pid):
    """What a process has in memory that it may have written."""
    parts = []
    with open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as maps, \
            open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, rights = line.split()[:2]
            start, end = (int(x, 16) for x in span.split("-"))
            # a sanitizer's shadow is terabytes of nothing
            if "rw" not in rights or end - start > 1 << 28:
                continue
            memory.seek(start)
            with contextlib.suppress(OSError):
                content = memory.read(end - start)
                parts += (page for page in pages(content) if page != bytes(PAGE))
    return b"".join(parts)


class Privacy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = harness.sample_world()
        cls.addClassCleanup(cls.world.close)
        cls.texts = needles(cls.world, harness.SAMPLES)
        # what the broker has in memory before any list: names of hash functions,
        # its environment
        broker = cls.world.broker
        broker.stop()
        broker.start()
        cls.common = found(memory_of(broker.process.pid), cls.texts)
        cls.world.exchange()

    def test_there_is_something_to_look_for(self):
        self.assertGreater(len(self.texts), 100)
        self.assertTrue(self.world.a.matches(self.world.b))

    def test_the_brokers_files(self):
        files = files_of(self.world.broker.home)
        names = {path.name for path in files}
        self.assertTrue({"broker.db", "log.key"} <= names, names)
        for path, content in files.items():
            self.assertEqual(found(content, self.texts), set(), path.name)
        # the same search finds what the broker does know, and the lists where they are
        for there in (self.world.a.name, self.world.b.name):
            self.assertTrue(any(found(c, {there.lower()}) for c in files.values()))
        for company in (self.world.a, self.world.b):
            home = b"".join(files_of(company.home).values())
            self.assertGreater(len(found(home, self.texts)), 20)

    def test_the_brokers_memory(self):
        content = memory_of(self.world.broker.process.pid)
        self.assertLess(len(self.common), 10)
        self.assertEqual(found(content, self.texts), self.common)
        planted = "Planted Needle Works"
        self.world.broker("enroll", planted)
        content = memory_of(self.world.broker.process.pid)
        self.assertEqual(found(content, {planted.lower()}), {planted.lower()})

    def test_logs(self):
        logs = [x.log for x in (self.world.broker, self.world.a, self.world.b)]
        content = b"".join(path.read_bytes() for path in logs if path.exists())
        self.assertEqual(found(content, {"broker.ready"}), {"broker.ready"})
        self.assertEqual(found(content, self.texts), set())

    def test_the_wire(self):
        wire = self.world.broker.front
        self.assertGreater(len(wire.seen), 4 * 1024 * 32)  # both lists, padded
        self.assertEqual(found(wire.seen, self.texts), set())
        planted = sorted(self.texts)[0]
        wire.forget()
        with socket.create_connection(wire.address.split(":")) as s:
            s.sendall(planted.encode())
            s.shutdown(socket.SHUT_WR)
            self.assertTrue(wire.next_connection().ended.wait(harness.PATIENCE))
        self.assertEqual(found(wire.seen, self.texts), {planted})


if __name__ == "__main__":
    harness.main()
