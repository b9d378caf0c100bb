#!/usr/bin/env python3
"""test_exchange_vectors.py MAKE-EXCHANGE - the files of proto/vectors, made again twice.

By the program that wrote them, out of the real parts, so that they never drift; and by the second
implementation (exchange_ref, overlap_ref), which reads their inputs alone and must give every output.
"""

import copy
import pathlib
import subprocess
import sys
import tempfile
import unittest

import overlap_ref as ov
import ref_crypto as rc
from exchange_ref import EXCHANGE, FILES, VECTORS, Exchange, load

RFC = pathlib.Path(__file__).resolve().parent / "data"


def as_json(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: as_json(x) for key, x in value.items()}
    return [as_json(x) for x in value] if isinstance(value, list) else value


def pick(tree, path):
    for key in path:
        tree = tree[key]
    return tree


def places(tree, path=()):
    """Paths of all values in a tree of dicts and lists."""
    if not isinstance(tree, (dict, list)):
        return [path]
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    return [p for k, v in items for p in places(v, (*path, k))]


def spoil(tree, path, by=1):
    """Changes one value, a number by so much, others by as little as can be."""
    at, value = pick(tree, path[:-1]), pick(tree, path)
    if isinstance(value, int):
        at[path[-1]] = value + by
    elif value == "":
        at[path[-1]] = "00"
    else:
        at[path[-1]] = value[:-1] + chr(ord(value[-1]) ^ 1)  # a hex digit stays one


def first_difference(files, outputs):
    """Where the first of these outputs is not as the files say, or None."""
    for name, path, value in outputs:
        if as_json(value) != pick(files[name]["outputs"], path):
            return name, *path
    return None


def reproduces(files, parts):
    try:
        return first_difference(files, Exchange(files).outputs(parts)) is None
    except (ValueError, LookupError):  # inputs that make no exchange
        return False


class Vectors(unittest.TestCase):
    make_exchange = None  # the program, from the command line

    @classmethod
    def setUpClass(cls):
        cls.files = load()
        cls.outputs = list(Exchange(cls.files).outputs())

    def test_the_real_parts_write_these_files(self):
        with tempfile.TemporaryDirectory() as fresh:
            subprocess.run([self.make_exchange, fresh], check=True)
            for name in FILES:
                made = (pathlib.Path(fresh) / (name + ".json")).read_bytes()
                committed = (VECTORS / (name + ".json")).read_bytes()
                self.assertTrue(made == committed, name + ".json: see scripts/vectors")

    def test_the_text_alone_gives_every_output(self):
        self.assertIsNone(first_difference(self.files, self.outputs))
        given = {(name, *p) for name in FILES for p in places(self.files[name]["outputs"])}
        made = {(name, *path, *p) for name, path, value in self.outputs for p in places(value)}
        self.assertEqual(given, made)

    def test_control_every_spoilt_output_is_found(self):
        for name in FILES:
            for path in places(self.files[name]["outputs"]):
                files = copy.deepcopy(self.files)
                spoil(files[name]["outputs"], path)
                found = first_difference(files, self.outputs)
                self.assertIsNotNone(found, path)
                self.assertEqual(found, (name, *path)[: len(found)])

    def test_control_every_spoilt_input_is_found(self):
        self.assertTrue(reproduces(self.files, FILES))
        for name in FILES:
            for path in places(self.files[name]["inputs"]):
                if path[0] == "bytes" or name in ("verdicts", "rules", "criteria", "joins", "forms"):
                    continue  # cases that have one answer with many others
                # a number behind the threshold of counts shows when it is far off
                survives = self.survives(name, path, 1) and self.survives(name, path, 1000)
                self.assertFalse(survives, (name, *path))

    def survives(self, name, path, by):
        files = copy.deepcopy(self.files)
        spoil(files[name]["inputs"], path, by)
        return reproduces(files, EXCHANGE if name in EXCHANGE else (name,))

    def test_proofs_of_the_log_verify_and_no_others(self):
        leaves = self.files["log"]["inputs"]["leaves"]
        out, n = self.files["log"]["outputs"], len(leaves)
        roots = [bytes.fromhex(r) for r in out["roots"]]
        for i, leaf in enumerate(leaves):
            whole = ov.leaf(leaf["type"], bytes.fromhex(leaf["salt"]), bytes.fromhex(out["bodies"][i]))
            inclusion, consistency = (
                [bytes.fromhex(out[k][i][j : j + 64]) for j in range(0, len(out[k][i]), 64)]
                for k in ("inclusion", "consistency")
            )
            self.assertTrue(rc.verify_inclusion(whole, i, n, inclusion, roots[-1]))
            self.assertFalse(rc.verify_inclusion(whole, (i + 1) % n, n, inclusion, roots[-1]))
            self.assertTrue(rc.verify_consistency(i + 1, roots[i], n, roots[-1], consistency))
            self.assertFalse(rc.verify_consistency(i + 1, roots[i - 1], n, roots[-1], consistency))


class Primitives(unittest.TestCase):
    """The second implementation's own, against published vectors."""

    def lines(self, name):
        text = (RFC / name).read_text().splitlines()
        pairs = [line.split() for line in text if line and line[0] != "#"]
        return [(key, b"" if value == "-" else bytes.fromhex(value)) for key, value in pairs]

    def test_ristretto255(self):
        for i, (_, encoding) in enumerate(self.lines("rfc9496_a1_multiples.txt")):
            self.assertEqual(rc.ristretto_encode(rc.multiply(i, rc.BASE)), encoding)
        for _, bad in self.lines("rfc9496_a2_bad.txt"):
            self.assertRaises(ValueError, rc.ristretto_decode, bad)
        uniform = None
        for key, value in self.lines("rfc9496_a3_derivation.txt"):
            if key == "element":
                both = rc.elligator(uniform[:32]), rc.elligator(uniform[32:])
                self.assertEqual(rc.ristretto_encode(rc.add(*both)), value)
            uniform = value

    def test_expand_message_xmd(self):
        given = self.lines("rfc9380_k3_expand.txt")
        dst = given[0][1]
        for (_, message), (_, uniform) in zip(given[1::2], given[2::2]):
            self.assertEqual(rc.expand_message_xmd(message, dst, len(uniform)), uniform)

    def test_ed25519_of_rfc8032(self):
        seed = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
        self.assertEqual(rc.ed25519_sign(seed, b"\x72").hex(),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")

    def test_x25519_of_rfc7748(self):
        scalar = bytes.fromhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4")
        u = bytes.fromhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")
        self.assertEqual(rc.x25519(scalar, u).hex(),
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")

    def test_siphash_of_its_paper(self):
        self.assertEqual(rc.siphash(bytes(range(16)), bytes(range(15))).hex(), "e545be4961ca29a1")

    def test_xchacha20_poly1305_of_its_draft(self):
        plain = (b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for "
                 b"the future, sunscreen would be it.")
        sealed = rc.xchacha20_poly1305(bytes(range(0x80, 0xA0)), bytes(range(0x40, 0x58)),
            bytes.fromhex("50515253c0c1c2c3c4c5c6c7"), plain)
        self.assertEqual(sealed[:8].hex(), "bd6d179d3e83d43b")
        self.assertEqual(sealed[-16:].hex(), "c0875924c1c7987947deafd8780acf49")


if __name__ == "__main__":
    Vectors.make_exchange = sys.argv.pop(1)
    unittest.main()
