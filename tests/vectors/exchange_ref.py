"""exchange_ref - the exchange of proto/vectors, computed by overlap_ref from the inputs alone."""

import collections
import json
import pathlib
import struct

import criteria_ref as cr
import forms_ref as fr
import overlap_ref as ov
import ref_crypto as rc
from joins_ref import OTHER, SIDES, Join, case_outputs

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = ROOT / "proto" / "vectors"
EXCHANGE = ("companies", "terms", "lists", "job", "streams", "report", "counts", "verdicts", "rules", "others", "log")
FILES = ("messages", "criteria", "joins", "forms", *EXCHANGE)
WIRE = ov.Wire((ROOT / "proto" / "PROTOCOL.md").read_text())
COUNTRIES = cr.Countries(ROOT / "client" / "normalise" / "data" / "countries.txt")
SHOWN = 8  # rows of points that are written out


def load(directory=VECTORS):
    return {name: json.loads((directory / (name + ".json")).read_text()) for name in FILES}


def unhex(given, keys):
    return [bytes.fromhex(given[k]) for k in keys.split()]


def unhex_all(given):
    return [bytes.fromhex(x) for x in given]


def does(what, *given):
    """Whether it does not refuse."""
    try:
        what(*given)
    except ValueError:
        return False
    return True


def check(good, what):
    if not good:
        raise ValueError(what)


class Exchange:
    """`outputs` yields (file, path, value) in the order in which they can be computed, with paths as
    in the files; each method of a file's name takes the inputs of that file."""

    def __init__(self, files):
        self.inputs = {name: files[name]["inputs"] for name in FILES}
        self.wire = {}  # messages by name
        self.signature = {}
        self.leaves = []

    def outputs(self, parts=FILES):
        for part in parts:
            for path, value in getattr(self, part)(self.inputs[part]):
                yield part, path, value

    # --- what the parts share

    def message(self, name, /, who=None, context=None, kind=None, at=(), **fields):
        """Encodes a message; signed, if `who` says by whom."""
        self.wire[name] = WIRE.encode(kind or name, fields)
        yield (*at, name), self.wire[name]
        if who:
            self.signature[name] = ov.sign(self.seed[who], context, self.wire[name])
            yield (*at, name + "_signature"), self.signature[name]

    def head(self, size, time):
        """3.2: TREE_HEAD of the first leaves, and its signature."""
        given = self.inputs["log"]["leaves"]
        check(size <= len(given), "a head beyond the log")
        while len(self.leaves) < size:
            leaf = given[len(self.leaves)]
            salt = bytes.fromhex(leaf["salt"])
            self.leaves.append(ov.leaf(leaf["type"], salt, self.leaf_body(leaf)))
        root = rc.merkle_root(self.leaves[:size])
        head = WIRE.encode("TREE_HEAD", dict(log=self.log_id, size=size, root=root, time=time))
        return dict(head=head, head_signature=ov.sign(self.seed["log"], "head", head))

    def leaf_body(self, leaf):
        """3.1"""
        name = leaf.get("of")
        if name is None:
            job = self.other_job[leaf["job"]] if "job" in leaf else self.job_id
            return job + ov.u8(leaf["state"])
        if name in self.id_of_name:
            return self.id_of_name[name]
        if name == "TERMS_BODY":
            return ov.signed_body(self.wire[name], *(self.terms_signature[x] for x in self.low_high))
        return ov.signed_body(self.wire[name], self.signature[name])

    # --- messages.json

    def messages(self, given):
        """1.2"""
        for name, variants in given["messages"].items():
            for variant, fields in variants.items():
                fields = {k: self.field(name, k, v) for k, v in fields.items()}
                encoded = WIRE.encode(name, fields)
                check(WIRE.decode(encoded) == (name, fields), "a message that does not come back")
                yield ("messages", name, variant), encoded
        yield ("taken",), [int(WIRE.takes(bytes.fromhex(x))) for x in given["bytes"]]

    def field(self, name, key, value):
        is_bytes = isinstance(value, str) and WIRE.kind(name, key) != "t"
        return bytes.fromhex(value) if is_bytes else value

    # --- companies.json

    def companies(self, given):
        self.seed = {k: bytes.fromhex(given["broker"][k + "_seed"]) for k in ("log", "report")}
        self.seed |= {x: bytes.fromhex(given[x]["identity_seed"]) for x in SIDES}
        self.log_key = rc.ed25519_public(self.seed["log"])
        self.log_id = ov.log_id(self.log_key, bytes.fromhex(given["broker"]["log_start"]))
        yield ("broker", "log_key"), self.log_key
        yield ("broker", "report_key"), rc.ed25519_public(self.seed["report"])
        yield ("broker", "log_id"), self.log_id
        self.name = {x: given[x]["name"] for x in SIDES}
        self.identity, self.envelope, self.id = {}, {}, {}
        for x in SIDES:
            self.identity[x] = rc.ed25519_public(self.seed[x])
            self.envelope[x] = rc.x25519_public(bytes.fromhex(given[x]["envelope_secret"]))
            self.id[x] = ov.company_id(self.identity[x])
            yield (x, "identity"), self.identity[x]
            yield (x, "envelope"), self.envelope[x]
            yield (x, "company_id"), self.id[x]
        self.id_of_name = {self.name[x]: self.id[x] for x in SIDES}
        self.low_high = sorted(SIDES, key=lambda x: self.id[x])
        yield ("low",), self.low_high[0]
        yield from self.enrolment(given["enrolment"])
        yield from self.pairing(bytes.fromhex(given["invitation_secret"]))

    def enrolment(self, given):
        ca, secret, tls_key = unhex(given, "ca_sha256 token_secret tls_key")
        yield ("enrolment_token",), ov.enrolment_token(ca, self.log_key, secret)
        fields = dict(identity=self.identity["a"], envelope=self.envelope["a"], tls_key=tls_key)
        fields |= dict(version=1, token=secret, created=given["created"])
        yield from self.message("ENROL_BODY", "a", "enrol", **fields)
        fields = dict(body=self.wire["ENROL_BODY"], signature=self.signature["ENROL_BODY"])
        yield from self.message("ENROL", **fields)
        yield ("ENROL_frame_head",), ov.frame(given["request"], self.wire["ENROL"])[:12]

    def pairing(self, secret):
        yield ("invitation_code",), ov.invitation_code(self.id["a"], secret, self.log_key)
        key, invitation = ov.pair_keys(secret)
        yield ("pair_key",), key
        yield ("invitation",), invitation
        parties = [(self.identity[x], self.envelope[x], self.name[x].encode()) for x in SIDES]
        for message, x in (("PAIR_REQUEST", "b"), ("PAIR_REPLY", "a")):
            mac = ov.pair_mac(key, message.lower().replace("_", " "), *parties, self.log_key)
            fields = dict(identity=self.identity[x], envelope=self.envelope[x], name=self.name[x])
            yield from self.message(message, version=1, invitation=invitation, mac=mac, **fields)

    # --- terms.json

    def terms(self, given):
        self.sheet, grants = {x: given[x]["grants"] for x in SIDES}, {}
        for x in SIDES:
            fields = {k: bytes.fromhex(v) if isinstance(v, str) else v for k, v in self.sheet[x].items()}
            fields["populations"] = ov.populations(self.sheet[x]["populations"])
            yield from self.message("GRANTS", at=(x,), **fields)
            grants[x] = self.wire["GRANTS"]
            fields = {"from": self.id[x], "to": self.id[OTHER[x]], "sequence": given["sequence"]}
            fields["sealed"] = self.sealed(given[x], "offer", x, "terms offer", grants[x])
            yield from self.message("TERMS_OFFER", x, "offer", at=(x,), version=1, **fields)
        low, high = self.low_high
        both = dict(version=1, sequence=given["sequence"])
        both |= dict(low=self.identity[low], high=self.identity[high])
        yield from self.message("TERMS", grants_low=grants[low], grants_high=grants[high], **both)
        self.table = ov.release(self.sheet[low], self.sheet[high])
        yield from self.message("RELEASE", **self.table)
        self.terms_digest = ov.digest("terms", self.wire["TERMS"])
        self.release_digest = ov.digest("release", self.wire["RELEASE"])
        yield ("terms_digest",), self.terms_digest
        yield ("release_digest",), self.release_digest
        fields = dict(terms=self.terms_digest, release=self.release_digest)
        yield from self.message("TERMS_BODY", **fields, **both)
        self.levels = {low: self.table["levels_low"], high: self.table["levels_high"]}
        self.terms_signature = {}
        for x in SIDES:
            signature = ov.sign(self.seed[x], "terms", self.wire["TERMS_BODY"])
            self.terms_signature[x] = signature
            yield (x, "TERMS_BODY_signature"), signature
            yield (x, "sealed_terms"), self.sealed(given[x], "terms", x, "terms", self.wire["TERMS"])

    def sealed(self, given, what, sender, context, plain):
        ephemeral, nonce = unhex(given, what + "_ephemeral " + what + "_nonce")
        to = OTHER[sender]
        identities = self.identity[sender], self.identity[to]
        return ov.envelope(ephemeral, nonce, self.envelope[to], context, *identities, plain)

    # --- lists.json

    def lists(self, given):
        self.records, self.list_digest = {}, {}
        for x in SIDES:
            made = []
            for r in given[x]:
                tokens = [ov.Token(rank, value.encode()) for rank, value in r["tokens"]]
                label, fit = ov.label_and_fit(r["population"], r["fit"], r["band"])
                made.append(ov.Record(label, fit, tokens))
            self.records[x] = ov.list_order(made)
            self.list_digest[x] = ov.list_digest(self.records[x])
            sets = [set(r.tokens) for r in made]
            yield (x, "order"), [sets.index(set(r.tokens)) for r in self.records[x]]
            yield (x, "tokens"), sum(len(r.tokens) for r in made)
            yield (x, "list_digest"), self.list_digest[x]

    # --- job.json

    def job(self, given):
        self.job_id, self.profile = unhex(given, "job profile")
        self.slots = {x: given[x]["slots"] for x in SIDES}
        secret, public = {}, {}
        for x in SIDES:
            check(self.slots[x] == ov.padded_slots(self.slots[x]), "slots that are not padded")
            secret[x] = self.ephemeral(x, x.upper(), self.job_id, given[x])
            public[x] = rc.x25519_public(secret[x])
            yield (x, "ephemeral_secret"), secret[x]
            yield (x, "ephemeral"), public[x]
        yield from self.offer("PROPOSE", "a", "a", self.job_id, given["a"])
        yield from self.offer("ACCEPT", "b", "a", self.job_id, given["b"], answer_to="PROPOSE")
        self.th = ov.digest("transcript", self.wire["PROPOSE"], self.wire["ACCEPT"])
        yield ("transcript",), self.th
        self.keys = ov.shared_keys(self.th, secret["a"], public["b"])
        check(self.keys == ov.shared_keys(self.th, secret["b"], public["a"]), "keys of A and B")
        for name, key in self.keys.items():
            yield ("shared", name), key
        self.local = {}
        for x in SIDES:
            seed_r = bytes.fromhex(given[x]["seed_r"])
            self.local[x] = ov.local_keys(self.th, seed_r, self.list_digest[x])
            for name, key in self.local[x].items():
                yield (x, name), key

    def ephemeral(self, x, role, job, given):
        """7.8: e"""
        seed_e = bytes.fromhex(given["seed_e"])
        return ov.ephemeral(seed_e, job, role, self.identity[OTHER[x]], self.list_digest[x])

    def offer(self, name, x, proposer, job, given, answer_to=None, unchanged_since=b""):
        """7.3, 7.4: what side x says in PROPOSE, or in an ACCEPT that answers one."""
        secret = self.ephemeral(x, "A" if x == proposer else "B", job, given)
        random = bytes.fromhex(given["commitment_random"])
        fields = {k: given[k] for k in ("slots", "counts", "created", "expiry")}
        fields |= dict(version=1, job=job, profile=self.profile, unchanged_since=unchanged_since)
        fields |= dict(a=self.identity[proposer], b=self.identity[OTHER[proposer]])
        fields |= dict(terms=self.terms_digest, release=self.release_digest)
        fields |= dict(ephemeral=rc.x25519_public(secret))
        fields |= dict(commitment=ov.commitment(random, self.list_digest[x]))
        if answer_to:
            fields["propose"] = ov.digest("propose", self.wire[answer_to])
        fields |= self.head(given["head_size"], given["created"])
        kind = "ACCEPT" if answer_to else "PROPOSE"
        yield from self.message(name, x, kind.lower(), kind=kind, **fields)

    # --- streams.json

    def streams(self, _):
        self.deck, self.points, self.tags = {}, {}, {}
        for x in SIDES:
            self.deck[x] = ov.deck(self.records[x], self.slots[x], self.local[x])
            scalar = self.local[x]["scalar"]
            first = [s.token for s in self.deck[x][:SHOWN]]
            yield (x, "first_tokens"), first
            yield (x, "first_points"), [ov.blind_token(scalar, t) for t in first]
            self.points[x] = [ov.blind_token(scalar, s.token) for s in self.deck[x]]
        for x in SIDES:
            yield from self.send_points(x)
            key = self.keys["roster " + x.upper()]
            rows = [ov.roster_row(s, i, key) for i, s in enumerate(self.deck[x])]
            yield from self.send(x, "ROSTER", ov.ROSTER, rows)
            scalar, key = self.local[x]["scalar"], self.keys["proof " + x.upper()]
            self.tags[x] = [ov.tag(self.keys["tag"], scalar, q) for q in self.points[OTHER[x]]]
            rows = [ov.tag_row(t, i, key) for i, t in enumerate(self.tags[x])]
            yield from self.send(x, "TAGS", ov.TAGS, rows)

    def send_points(self, x):
        names = [name for _, name in self.sheet[x]["populations"]]
        populations = ov.populations(zip(self.levels[x], names))
        size = ov.rounded_size(len(self.records[x]), self.sheet[x]["size"])
        fields = dict(version=1, populations=populations, bands=b"", size=size)
        yield from self.message("LEGEND", at=(x,), **fields)
        if x == "a":
            self.legend = self.wire["LEGEND"]
        rows = ov.chunks(self.points[x])
        yield (x, "points_digest"), rc.sha512(b"".join(rows))
        plain = [ov.legend_chunk(self.wire["LEGEND"]), *rows]
        way = "A>B" if x == "a" else "B>A"
        keys = self.keys["points " + way], self.keys["nonce " + way]
        number, last = ov.POINTS + SIDES.index(x), len(plain) - 1
        sealed = [ov.seal_chunk(self.th, number, i, i == last, *keys, p) for i, p in enumerate(plain)]
        for name, chunk in zip(("legend", "points"), sealed):
            yield (x, "sealed_%s_first" % name), chunk[:64]
            yield (x, "sealed_%s_digest" % name), rc.sha512(chunk)
        yield from self.complete(x, "POINTS", number, len(self.points[x]), plain, sealed)

    def send(self, x, name, number, rows):
        cut = ov.chunks(rows)
        yield (x, name), b"".join(cut)
        yield from self.complete(x, name, number + SIDES.index(x), len(rows), cut, cut)

    def complete(self, x, name, number, count, plain, sent):
        fields = dict(job=self.job_id, th=self.th, stream=number, count=count)
        fields |= dict(plain=ov.stream_digest(number, plain), sent=ov.stream_digest(number, sent))
        name = "COMPLETE_%s_%s" % (name, x.upper())
        yield from self.message(name, x, "complete", kind="COMPLETE", at=(x,), **fields)

    # --- report.json

    def report(self, given):
        tags = {x: self.tags[OTHER[x]] for x in SIDES}
        fit = {x: self.sheet[x]["fit"] for x in SIDES}
        self.join = Join(self.deck, tags, self.table["veto"], self.levels, fit)
        view_digests = {}
        self.view, self.noisy_view = {}, {}
        for x in SIDES:
            pairs = self.join.pairs(x, ov.MATCHES)
            rows = self.match_rows(x, pairs, given["numbers"])
            yield (x, "matches"), b"".join(rows)
            fields = dict(job=self.job_id, salt=bytes.fromhex(given[x]["salt"]), matches=len(rows))
            counted, held = self.join.exact(x, self.table["minimum_count"])
            cells = self.matched_cells(x, pairs) + counted
            fields |= dict(receiver=SIDES.index(x), cells=cells, held=held)
            self.view[x] = dict(rows=b"".join(rows), cells=cells, held=held)
            yield from self.message("VIEW", at=(x,), **fields)
            number, parts = ov.VIEW + SIDES.index(x), [self.wire["VIEW"], *ov.chunks(rows)]
            view_digests["view_" + x] = ov.stream_digest(number, parts)
        charges = ov.charges(self.slots["a"], self.slots["b"], self.table)
        yield ("charges",), charges
        steps = ["COMPLETE_%s_%s" % (s, x) for s in ("POINTS", "ROSTER", "TAGS") for x in "AB"]
        completes = b"".join(ov.digest("complete", self.wire[name]) for name in steps)
        fields = dict(job=self.job_id, th=self.th, completes=completes, charges=charges)
        fields |= self.head(given["head_size"], given["created"]) | view_digests
        yield from self.message("REPORT", "report", "report", created=given["created"], **fields)
        for x in SIDES:
            fields = dict(job=self.job_id, th=self.th, confirmation=0, verdict="OK")
            fields |= self.head(given[x]["close_head_size"], given[x]["close_created"])
            fields |= dict(report=ov.digest("report", self.wire["REPORT"]))
            fields |= dict(created=given[x]["close_created"])
            yield from self.message("CLOSE_" + x.upper(), x, "close", kind="CLOSE", **fields)

    def match_rows(self, x, pairs, numbers):
        """7.20, after the check of 7.22 that both tags are equal."""
        other, rows = OTHER[x], []
        proof, roster = self.keys["proof " + other.upper()], self.keys["roster " + other.upper()]
        for own, theirs, rank in pairs:
            tag = self.tags[x][theirs]
            check(self.tags[other][own] == tag, "two tags of a match")
            number = numbers["%d,%d" % ((own, theirs) if x == "a" else (theirs, own))]
            label = self.deck[other][theirs].label
            macs = ov.tag_mac(proof, own, tag), ov.roster_mac(roster, theirs, rank, label)
            rows.append((number, ov.match_row(own, theirs, rank, label, number, *macs)))
        return [row for _, row in sorted(rows)]

    def matched_cells(self, x, pairs):
        """7.20: cells of what is at `matches` or higher."""
        found, out = self.join.slots_of(x, pairs), b""
        for p in range(1, len(self.levels[x]) + 1):
            for q in (n for n, at in enumerate(self.levels[OTHER[x]], 1) if at >= ov.MATCHES):
                here = [(s, t) for s, t in found if ov.populations_are(s, p, t, q)]
                fits = [sum(ov.fits(*pair) for pair in here), sum(ov.fits(t, s) for s, t in here)]
                if not self.join.fit_granted[OTHER[x]]:
                    fits[1] = ov.HELD_BACK
                out += ov.cell_row(p, q, len(here), *fits, 0, 0)
        return out

    def no_matches(self, x):
        """The same cells, had nothing matched."""
        seen = [n for n, at in enumerate(self.levels[OTHER[x]], 1) if at >= ov.MATCHES]
        own = range(1, len(self.levels[x]) + 1)
        return b"".join(ov.cell_row(p, q, 0, 0, 0, 0, 0) for p in own for q in seen)

    # --- counts.json

    def counts(self, given):
        for x in SIDES:
            noise = {tuple(map(int, key.split(","))): z for key, z in given[x]["noise"].items()}
            cells, held = self.join.noisy(x, noise, given["epsilon_milli"], given["shown_from"])
            self.noisy_view[x] = dict(rows=b"", cells=self.no_matches(x) + cells, held=held)
            for p, q in self.join.cells(x):
                for fits, n in self.join.atoms(x, p, q).items():
                    yield (x, "atoms", "%d,%d,%d,%d" % (p, q, *fits)), n
            yield (x, "cells"), cells
            yield (x, "held"), held

    # --- joins.json

    def joins(self, given):
        for i, case in enumerate(given["cases"]):
            yield from ((("cases", i, *path), value) for path, value in case_outputs(case))

    # --- verdicts.json

    def verdicts(self, given):
        for x in SIDES:
            yield (x,), [self.verdict(x, case) for case in given[x]]

    def verdict(self, x, case):
        """7.22 and 7.22.1 of a view of which some bytes are others."""
        nothing = dict(rows=b"", cells=self.no_matches(x), held=b"")
        views = dict(matches=self.view, exact=self.view, noisy=self.noisy_view)
        view = dict(views[case["view"]][x] if case["view"] in views else nothing)
        for e in case["edits"]:
            part, at = view[e["part"]], e["at"]
            view[e["part"]] = part[:at] + bytes.fromhex(e["put"]) + part[at + e["cut"] :]
        receiver = self.receiver(x, case.get("levels"))
        try:
            if case["view"] == "matches":
                drawn = True  # these terms say `exact`
                ov.check_matches(view["rows"], case["matches"], view["cells"], receiver, drawn)
            else:
                exact = case["view"] == "exact"
                epsilon, least = (self.inputs["counts"][k] for k in ("epsilon_milli", "shown_from"))
                rules = ov.Rules(exact, epsilon, least, self.table["minimum_count"])
                accounts = collections.Counter(ov.population_of(r.label) for r in self.records[x])
                asked = view["cells"], view["held"], receiver, rules
                ov.check_counted(*asked, case["counts"], case["charged"], accounts)
        except ov.Misbehaved:
            return "E_PROTO_MISBEHAVED"
        return "OK"

    def receiver(self, x, other_levels):
        other = OTHER[x]
        keys = self.keys["proof " + other.upper()], self.keys["roster " + other.upper()]
        bands = self.table["bands_low" if other == self.low_high[0] else "bands_high"]
        levels = self.levels[x], bytes.fromhex(other_levels) if other_levels else self.levels[other]
        return ov.Receiver(self.deck[x], self.tags[x], *keys, *levels, self.join.fit_granted[OTHER[x]], bands)

    # --- rules.json

    def rules(self, given):
        yield ("padded",), [ov.padded_slots(n) for n in given["padded"]]
        yield ("sizes",), [ov.rounded_size(*c) for c in given["sizes"]]
        yield ("plus_minus",), [ov.widths(e) for e in given["plus_minus"]]
        for name in ("one_chunk", "two_chunks"):
            yield from self.long_stream(name, given[name])
        yield ("keys",), [v.encode() for v in ov.six_keys(map(tuple, given["keys"]))]
        for i, case in enumerate(given["dates"]):
            names = ("giver", "broker", "reason", "next")
            for key, value in zip(names, ov.view_due(**case)):
                yield ("dates", i, key), int(value)
        yield ("codes",), [ov.invitation_secret(text) or b"" for text in given["codes"]]
        for name, key, rest in (("CHUNK", "body", dict(last=1)),
                                ("TERMS_ASK", "text", dict(version=1, sequence=0, populations=b""))):  # fmt: skip
            fill = str if WIRE.kind(name, key) == "t" else str.encode
            made = [WIRE.encode(name, rest | {key: fill("x" * n)}) for n in given["long"][name]]
            yield ("long", name), [rc.sha512(m) for m in made]
        secret = self.ephemeral("a", "A", self.job_id, self.inputs["job"]["a"])
        yield ("agreements",), [int(does(ov.shared_keys, self.th, secret, k)) for k in unhex_all(given["agreements"])]
        scalar, points = self.local["a"]["scalar"], unhex_all(given["points"])
        yield ("points",), [ov.blind_point(scalar, q) if does(ov.blind_point, scalar, q) else b"" for q in points]
        yield ("releases",), [self.other_release(case) for case in given["releases"]]

    def other_release(self, case):
        """6.2"""
        sheets = [self.sheet[x] | case[x] for x in self.low_high]
        return WIRE.encode("RELEASE", ov.release(*sheets))

    def long_stream(self, name, n):
        """7.2, 7.14"""
        plain = [ov.legend_chunk(self.legend), *ov.chunks([8 * ov.u32(i) for i in range(n)])]
        keys = self.keys["points A>B"], self.keys["nonce A>B"]
        last = len(plain) - 1
        sealed = [ov.seal_chunk(self.th, ov.POINTS, i, i == last, *keys, p) for i, p in enumerate(plain)]
        yield (name, "nonces"), [chunk[:24] for chunk in sealed]
        yield (name, "plain"), ov.stream_digest(ov.POINTS, plain)
        yield (name, "sent"), ov.stream_digest(ov.POINTS, sealed)

    # --- criteria.json

    def criteria(self, given):
        yield ("forms",), [int(self.is_taken(text, given["columns"])) for text in given["forms"]]
        ends = [cr.number(text) for text in given["numbers"]]
        yield ("numbers",), [struct.pack(">2d", *x) if x else b"" for x in ends]
        yield ("countries",), [COUNTRIES.find(text) or "" for text in given["countries"]]
        for i, text in enumerate(given["asked"]):
            yield ("answers", i), [self.answer(text, zip(given["cells"], r)) for r in given["records"]]

    def is_taken(self, text, columns):
        try:
            cr.Criteria(text.encode()).may_be_asked(columns)
        except cr.Refused:
            return False
        return True

    def answer(self, text, cells):
        """7.16, from 6.6.4"""
        fit, band = cr.Criteria(text.encode()).evaluate(dict(cells), COUNTRIES)
        return list(ov.label_and_fit(1, 0, {0: 1, 1: 2, 2: 3 + band}[fit]))

    # --- forms.json

    def forms(self, given):
        yield ("populations",), [int(fr.populations(x) is not None) for x in unhex_all(given["populations"])]
        yield ("columns",), [int(fr.columns(x) is not None) for x in unhex_all(given["columns"])]
        yield ("tables",), [int(fr.table(WIRE, x)) for x in unhex_all(given["tables"])]
        yield ("offers",), [int(fr.offer(o)) for o in given["offers"]]
        yield ("legends",), [int(fr.legend(WIRE, case)) for case in given["legends"]]
        yield ("rosters",), [int(fr.roster(case)) for case in given["rosters"]]

    # --- others.json

    def others(self, given):
        self.other_job = {k: bytes.fromhex(given[k]["job"]) for k in ("expired", "unchanged")}
        yield from self.other_jobs(given)
        yield from self.ask(given["ask"])
        yield from self.change(given["identity"])
        sequence = self.inputs["terms"]["sequence"]
        ids = {"from": self.id["b"], "to": self.id["a"]}
        fields = dict(version=1, sequence=sequence, created=given["end_created"], **ids)
        yield from self.message("TERMS_END", "b", "end", **fields)
        yield self.mail("TERMS_END")
        ids = {"from": self.id["a"], "to": self.id["b"]}
        fields = dict(version=1, sequence=given["ended_sequence"], created=given["ended_created"])
        fields |= dict(end=ov.digest("end", self.wire["TERMS_END"]), **ids)
        yield from self.message("TERMS_ENDED", "a", "end", **fields)
        yield self.mail("TERMS_ENDED")

    def other_jobs(self, given):
        """7.3 to 7.5"""
        job = bytes.fromhex(given["refused"]["job"])
        yield from self.offer("PROPOSE_REFUSED", "a", "a", job, given["refused"])
        fields = dict(job=job, reason="E_LIST_TOO_SMALL", created=given["refuse_created"])
        fields |= dict(propose=ov.digest("propose", self.wire["PROPOSE_REFUSED"]))
        yield from self.message("REFUSE", "b", "refuse", **fields)
        job = bytes.fromhex(given["cancelled"]["job"])
        yield from self.offer("PROPOSE_CANCELLED", "b", "b", job, given["cancelled"])
        fields = dict(job=job, reason="E_TERMS_CHANGED", created=given["cancel_created"])
        yield from self.message("CANCEL", "b", "cancel", **fields)
        job = self.other_job["expired"]
        yield from self.offer("PROPOSE_EXPIRED", "a", "a", job, given["expired"])
        job, name, same = self.other_job["unchanged"], "PROPOSE_UNCHANGED", dict(unchanged_since=self.job_id)
        yield from self.offer(name, "a", "a", job, given["unchanged"], **same)
        answer = given["unchanged_answer"]
        yield from self.offer("ACCEPT_UNCHANGED", "b", "a", job, answer, answer_to=name, **same)

    def ask(self, given):
        """6.7"""
        populations = ov.populations(given["populations"])
        fields = dict(version=1, sequence=self.inputs["terms"]["sequence"], text=given["text"])
        yield from self.message("TERMS_ASK", populations=populations, **fields)
        ephemeral, nonce = unhex(given, "ephemeral nonce")
        identities = self.identity["b"], self.identity["a"]
        sealed = ov.envelope(ephemeral, nonce, self.envelope["a"], "ask", *identities, self.wire["TERMS_ASK"])
        self.wire["sealed_ask"] = sealed
        self.signature["sealed_ask"] = ov.sign(self.seed["b"], "ask", sealed)
        yield ("sealed_ask",), sealed
        yield ("sealed_ask_signature",), self.signature["sealed_ask"]
        yield self.mail("sealed_ask")

    def change(self, given):
        """5.4.1"""
        seed, envelope_secret = unhex(given, "identity_seed envelope_secret")
        identity = rc.ed25519_public(seed)
        self.id_of_name[given["name"]] = ov.company_id(identity)
        yield ("new_company_id",), self.id_of_name[given["name"]]
        fields = dict(version=1, old_identity=self.identity["a"], identity=identity, created=given["created"])
        fields |= dict(envelope=rc.x25519_public(envelope_secret))
        yield from self.message("IDENTITY_CHANGE", "a", "identity", **fields)
        yield self.mail("IDENTITY_CHANGE", self.id["b"])

    def mail(self, name, tail=b""):
        """4: its id"""
        return (name + "_mail",), ov.mail_id(self.wire[name] + self.signature[name] + tail)

    # --- log.json

    def log(self, given):
        newest = self.head(len(given["leaves"]), given["time"])
        whole, n = self.leaves, len(self.leaves)
        yield ("bodies",), [leaf[17:] for leaf in whole]
        yield ("roots",), [rc.merkle_root(whole[: i + 1]) for i in range(n)]
        yield ("inclusion",), [b"".join(rc.inclusion_proof(i, whole)) for i in range(n)]
        yield ("consistency",), [b"".join(rc.consistency_proof(i + 1, whole)) for i in range(n)]
        yield ("TREE_HEAD",), newest["head"]
        yield ("TREE_HEAD_signature",), newest["head_signature"]
