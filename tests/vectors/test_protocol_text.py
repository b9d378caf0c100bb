#!/usr/bin/env python3
"""test_protocol_text.py - the tables of PROTOCOL.md against those that the programs are made of.

Names, numbers, order, types and bounds are read out of both texts, messages.def and the headers on
one side, the Markdown on the other.  Prose is held by the vectors (test_exchange_vectors.py).
"""

import pathlib
import re
import unittest

import overlap_ref as ov

ROOT = pathlib.Path(__file__).resolve().parents[2]


def read(path):
    return (ROOT / path).read_text()


PROTOCOL = read("proto/PROTOCOL.md")


# --- what the programs say


def code(path):
    """A C text without comments and with each macro on one line."""
    return re.sub(r"/\*.*?\*/", " ", read(path).replace("\\\n", " "), flags=re.S)


class Definitions:
    """messages.def as the compiler reads it."""

    def __init__(self):
        text = code("proto/messages.def")
        self.constants = dict(re.findall(r"#define (OV_\w+) +([^\n]+)", text))
        self.lines = dict(re.findall(r"#define OV_FIELDS_(\w+)\([^)]*\)([^\n]*)", text))
        found = re.findall(r'^MESSAGE\((\w+), (\w+), (\d+), "([^"]*)"\)', text, re.M)
        self.numbers = {name: int(number) for name, _, number, _ in found}
        self.meaning = {name: meaning for name, _, _, meaning in found}

    def fields(self, name):
        """(kind, name, bounds), in the notation of section 10."""
        line = re.sub(r"OV_FIELDS_(\w+)\([^)]*\)", lambda m: self.lines[m[1]], self.lines[name])
        found = re.findall(r"\b([UBVT])\(S, (\w+), ((?:[^()]|\([^()]*\))*)\)", line)
        return [self.field(*f) for f in found]

    def field(self, kind, name, bounds):
        values = [self.number(x) for x in bounds.split(",")]
        if kind == "V" and values[0] == values[1]:
            values.pop()
        return {"U": "u", "B": "b", "V": "b", "T": "t"}[kind], name, values

    def number(self, text):
        product = 1
        for factor in text.strip(" ()").split("*"):
            factor = factor.strip()
            known = self.constants.get(factor)
            product *= self.number(known) if known else int(factor.rstrip("UL"), 0)
        return product


def enum(path, name):
    """Constants of an enum with their numbers."""
    body = re.search(r"enum %s \{(.*?)\}" % name, code(path), re.S)[1]
    return {key: int(number) for key, number in re.findall(r"(\w+)\s*=\s*(\d+)", body)}


def constant(path, name):
    return int(re.search(r"#define %s +(\d+)" % name, code(path))[1])


# --- what the text says


def section(number):
    """From the heading or paragraph of this number to the next one of its kind."""
    if "." not in number:
        return PROTOCOL.split("\n## %s " % number)[1].split("\n## ")[0]
    return re.search(r"^%s .*?(?=^\d+\.\d+(\.\d+)? |^## |^### |\Z)" % re.escape(number), PROTOCOL, re.M | re.S)[0]


def table(number):
    """Rows of the first table of a section, without its heading."""
    rows = [line for line in section(number).split("\n") if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows[2:]]


def numbers(text):
    return [int(x) for x in re.findall(r"\d+", text)]


def width(field):
    """Bytes of `rank u8`, `mac (8)`."""
    bits, size = re.search(r"\bu(\d+)|\((\d+)\)|$", field).groups()
    return int(bits) // 8 if bits else int(size or 0)


def as_row(name, number, fields):
    """A message as section 10 would write it, for whoever has to."""
    powers = {2**32 - 1: "2^32-1", 2**40 - 1: "2^40-1"}
    texts = [" ".join([f, kind, "..".join(powers.get(x, str(x)) for x in b)]) for kind, f, b in fields]
    return "%d %s %s" % (number, name, ", ".join(texts))


SECTIONS = r"\d+(?:\.\d+)*(?:(?:,| to| -| and) \d+(?:\.\d+)*)*"  # "7.3, 7.8 to 7.10"


def single(found):
    return [x for sections in found for x in re.findall(r"\d+(?:\.\d+)*", sections)]


def cited_in_c(text):
    """Sections after the name of the text, wherever lines break."""
    flat = re.sub(r"\n[ \t]*(\*(?!/))?[ \t]*", " ", re.sub(r'"\s+"', "", text))
    return single(re.findall(r"\bPROTOCOL(?:\.md)? (%s)" % SECTIONS, flat))


def cited_in_python(text):
    """Sections in comments and at the beginning of docstrings."""
    words = "\n".join(re.findall(r"#.*", text)) + "\n"
    words = re.sub(r"RFC \d+ sections? [\d.]+", "", words + "\n".join(re.findall(r'"""%s' % SECTIONS, text)))
    return single(x for x in re.findall(r"(?<![\w.])%s" % SECTIONS, words) if "." in x)


class Tables(unittest.TestCase):
    maxDiff = None

    def test_every_message_has_its_fields_and_bounds(self):
        wire, made = ov.Wire(PROTOCOL), Definitions()
        said = [as_row(n, wire.numbers[n], wire.fields[n]) for n in wire.numbers]
        self.assertEqual(said, [as_row(n, made.numbers[n], made.fields(n)) for n in made.numbers])

    def test_control_messages_are_read_from_both_texts(self):
        made = Definitions()
        self.assertGreater(len(made.numbers), 60)
        self.assertEqual(made.fields("ACCEPT")[1:], made.fields("PROPOSE"))
        changed = ov.Wire(PROTOCOL.replace("reason t 1..64", "reason t 1..65"))
        self.assertNotEqual(changed.fields["REFUSE"], made.fields("REFUSE"))

    def test_every_call_is_listed_and_no_other(self):
        wire, said = ov.Wire(PROTOCOL), set()
        for calls, answers, _ in table("1.7"):
            for name in re.findall(r"[A-Z_]{3,}", calls + " " + answers):
                self.assertIn(name, wire.numbers)
            said |= set(re.findall(r"[A-Z_]{3,}", calls))
        handled = set(re.findall(r"\{ OV_MSG_(\w+), OV_LISTENER", code("server/dispatch.c")))
        self.assertGreater(len(handled), 10)
        self.assertEqual(said, handled)

    def test_leaves_have_their_types(self):
        said = {}
        for names, types, _ in table("3.1"):
            said |= dict(zip((n.strip() for n in names.split(",")), numbers(types)))
        made = enum("proto/messages.h", "ov_leaf")
        made = {key[len("OV_LEAF_"):].lower().replace("_", " "): n for key, n in made.items()}
        self.assertEqual(said.pop("closed without CLOSE"), made["closed"])
        self.assertEqual(said, made)

    def test_mails_have_their_kinds(self):
        said = sorted(n for kinds, _, _ in table("4") for n in numbers(kinds))
        self.assertEqual(said, sorted(enum("proto/messages.h", "ov_mail").values()))

    def test_steps_are_those_of_the_table_in_the_code(self):
        steps, text = enum("proto/steps.h", "ov_step"), code("proto/steps.c")
        leaves = enum("proto/messages.h", "ov_leaf")
        row = r'\[(OV_STEP_\w+)\] = \{ OV_MSG_(\w+), "(\w+)", ([ABS]),\s*(OV_LEAF_\w+) \}'
        made = {steps[s]: (m, context, who, leaves[leaf]) for s, m, context, who, leaf in re.findall(row, text)}
        self.assertEqual(sorted(made), list(range(1, steps["OV_STEP_STORED"])))
        for n, message, by, _, _, leaf in table("7.1"):
            who, context = re.fullmatch(r"([ABS, ]+?)(?:, `(\w+)`)?", by).groups()
            for step, side in zip(numbers(n), who.split(", ")):
                self.assertEqual((message.split(" ")[0], context, side, int(leaf)), made.pop(step))
        self.assertEqual(made, {})

    def test_steps_are_taken_in_the_states_of_the_table_in_the_code(self):
        steps = enum("proto/steps.h", "ov_step")
        row = r"\{ OV_JOB_(\w+), ([ABS]), (OV_STEP_\w+), OV_JOB_(\w+) \}"
        made = {(steps[s], who, a.lower(), b.lower()) for a, who, s, b in re.findall(row, code("proto/steps.c"))}
        said, chunk = set(), steps["OV_STEP_CHUNK"]
        for n, _, by, states, then, _ in table("7.1"):
            before, after = (re.split("; ", x) for x in (states, then))
            for step, side in zip(numbers(n) or [chunk] * 2, re.findall(r"\b[ABS]\b", by)):
                for i, group in enumerate(before):
                    froms = re.findall(r"none|proposed|accepted|exchanging|reported|confirming", group)
                    to = after[min(i, len(after) - 1)].split(",")[0]
                    said |= {(step, side, f, f if to == "the same" else to) for f in froms}
        events = {x for x in made if x[0] > chunk}  # 7.26 has what S does by itself
        self.assertGreater(len(made - events), 30)
        self.assertEqual(said, made - events)

    def test_streams_have_their_numbers_and_rows(self):
        made, said = enum("proto/steps.h", "ov_stream"), {}
        for names, _, _ in table("7.2"):
            name, a, b = re.fullmatch(r"(\w+) (\d+), (\d+)", names).groups()
            said |= {"OV_STREAM_%s_A" % name: int(a), "OV_STREAM_%s_B" % name: int(b)}
        self.assertEqual(said, {k: n for k, n in made.items() if k != "OV_STREAMS"})
        rows = {name.split(" ")[0]: numbers(r.split("rows of")[-1]) for name, _, r in table("7.2")}
        for name, row in (("POINTS", "POINT"), ("ROSTER", "ROSTER"), ("TAGS", "TAG"), ("VIEW", "MATCH")):
            self.assertEqual(rows[name][0], constant("proto/slots.h", "OV_%s_ROW" % row))
        self.assertIn("at most 16,384 rows", section("7.2"))
        self.assertEqual(constant("proto/slots.h", "OV_CHUNK_SLOTS"), 16384)

    def test_packed_rows_have_their_length(self):
        """`record u32 || mac (8)` and the like."""
        for number, path, name in (("7.16", "proto/slots.h", "OV_ROSTER_ROW"), ("7.20", "proto/slots.h", "OV_CELL_ROW"),
                                   ("7.20", "proto/slots.h", "OV_HELD_ROW"), ("7.20", "proto/slots.h", "OV_MATCH_ROW"),
                                   ("7.2.1", "server/jobs.c", "LIST_ROW")):  # fmt: skip
            texts = [x.replace("\n", " ") for x in re.findall(r"`([^`]*\|\|[^`]*)`", section(number))]
            lengths = [sum(map(width, x.split("||"))) for x in texts]
            self.assertIn(constant(path, name), lengths, name)
            self.assertRegex(section(number), r"\b%d bytes" % constant(path, name))

    def test_states_have_their_numbers(self):
        made = {k[len("OV_JOB_"):].lower(): n for k, n in enum("proto/steps.h", "ov_job_state").items()}
        del made["states"]
        made["broker_misbehaved"] = made.pop("misbehaved")
        said = dict(re.findall(r"\b([a-z]+) (\d)\b", section("7.1").split(";")[0]))
        said |= dict(row[0].split(" ") for row in table("7.26"))
        self.assertEqual({k: int(n) for k, n in said.items()}, made)

    def test_contexts_are_those_that_are_signed_under(self):
        said = set(re.findall(r"`(\w+)`", section("1.3"))) - {"Overlap1"}
        meanings = " ".join(Definitions().meaning.values())
        made = set(re.findall(r"context `(\w+)`", meanings))
        made |= set(re.findall(r'OV_MSG_\w+, "(\w+)"', code("proto/steps.c")))
        for name in said:
            literal = [p for d in ("client", "server", "proto") for p in (ROOT / d).rglob("*.[ch]")
                       if '"%s"' % name in p.read_text()]  # fmt: skip
            self.assertTrue(literal or name == "cosell", name)  # co-sell is not there yet
        self.assertLessEqual(made, said)

    def test_digests_are_those_of_the_list(self):
        said = set(re.findall(r"`([\w ]+)`", section("1.6")))
        made = set()
        for d in ("client", "server", "proto"):
            for path in (ROOT / d).rglob("*.[ch]"):
                made |= set(re.findall(r'\bov_digest\([^;]*?"([a-z ]+)"', path.read_text()))
        for path in (ROOT / "proto").rglob("*.c"):
            made |= set(re.findall(r'\b(?:OV_LITERAL\(|ov_hash_lv\(h, )"([\w ]+)"', path.read_text()))
        self.assertGreater(len(made), 10)
        self.assertLessEqual(made, said)


class References(unittest.TestCase):
    """What is pointed at is there."""

    def documents(self):
        for path in ("proto/PROTOCOL.md", "SECURITY.md", "README.md", "ARCHITECTURE.md", "tests/README.md",
                     "proto/vectors/README.md"):  # fmt: skip
            yield path, read(path)

    def sections(self):
        paragraphs = re.findall(r"^(\d+\.\d+(?:\.\d+)?) ", PROTOCOL, re.M)
        return set(paragraphs) | set(re.findall(r"^## (\d+) ", PROTOCOL, re.M))

    def test_sections_ascend(self):
        found = re.findall(r"^(?:(?=\d+\.)|## )(\d+(?:\.\d+)*) (?=\S)", PROTOCOL, re.M)
        found = [tuple(map(int, x.split("."))) for x in found]
        self.assertGreater(len(found), 100)
        self.assertEqual(found, sorted(set(found)))

    def test_sections_that_are_named_are_there(self):
        there, named = self.sections(), 0
        for path, text in self.documents():
            pattern = r"\((?:P )?\d[\d., ]*(?:to \d[\d.]*)?\)" if "PROTOCOL" in path else r"\bP [\d][\d., ]*"
            for group in re.findall(pattern, text):
                for number in re.findall(r"\d+\.\d+(?:\.\d+)?", group):
                    named += 1
                    self.assertIn(number, there, path)
        self.assertGreater(named, 60)

    def test_sections_that_the_code_cites_are_there(self):
        there, cited = self.sections(), 0
        for d in ("common", "proto", "server", "client", "tests"):
            for path in (ROOT / d).rglob("*.[ch]"):
                text = path.read_text()
                found = cited_in_c(text)
                cited += len(found)
                self.assertEqual(set(found) - there, set(), path)
                self.assertFalse(re.search(r'PROTOCOL\.md "[A-Z]', text), path)  # by number
        self.assertGreater(cited, 60)

    def test_sections_that_the_second_implementation_cites_are_there(self):
        there = self.sections()
        for name, least in (("overlap_ref.py", 15), ("exchange_ref.py", 15), ("criteria_ref.py", 5)):
            found = cited_in_python(read("tests/vectors/" + name))
            self.assertGreater(len(found), least)
            self.assertEqual(set(found) - there, set(), name)

    def test_control_citations_are_found(self):
        self.assertEqual(cited_in_c("/* x (PROTOCOL.md\n * 7.19.1 - 7.20, 3), PROTOCOL 6.7 in TLS 1.3 */"),
                         ["7.19.1", "7.20", "3", "6.7"])  # fmt: skip
        self.assertEqual(cited_in_c('"(PROTOCOL.md 4, 5.4, "\n\t"7.3 to 7.5)"'), ["4", "5.4", "7.3", "7.5"])
        self.assertEqual(cited_in_python('x = 1.5  # 7.2.2: y (7.3, 7.4)\n"""7.22 and 7.22.1"""\n# RFC 8032 section 5.1'),
                         ["7.2.2", "7.3", "7.4", "7.22", "7.22.1"])  # fmt: skip

    def test_tests_that_are_named_are_there(self):
        """unit.join `case_of_it`, `another`"""
        cases = r"\b(unit|integration|vectors)\.(\w+)((?:[,\s]+(?:with )?`\w+`)*)"
        files = {("vectors", "exchange"): "exchange_vectors"}
        named = 0
        for path, text in self.documents():
            for kind, name, group in re.findall(cases, text):
                found = list((ROOT / "tests" / kind).glob("test_%s.*" % files.get((kind, name), name)))
                self.assertEqual(len(found), 1, (path, kind, name))
                there = set(re.findall(r"\b(\w+)\((?:void \*\*state|self)\b", found[0].read_text()))
                for case in re.findall(r"`(\w+)`", group):
                    named += 1
                    self.assertIn(case, there, (path, kind, name))
        self.assertGreater(named, 80)

    def test_every_claim_has_its_tests(self):
        claims = re.findall(r"^(9\.\d+) ", PROTOCOL, re.M)
        self.assertGreater(len(claims), 25)
        without = [c for c in claims if "*Tests:*" not in section(c)]
        self.assertEqual(without, ["9.26"])  # what is not claimed

    def test_statuses_that_are_named_are_there(self):
        there = set(re.findall(r"^STATUS\((E_\w+)", read("common/status.def"), re.M))
        self.assertGreater(len(there), 80)
        for path, text in self.documents():
            self.assertLessEqual(set(re.findall(r"`(E_[A-Z_]+)`", text)), there, path)


if __name__ == "__main__":
    unittest.main()
