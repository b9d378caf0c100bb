"""overlap_ref - a second implementation of the protocol, from PROTOCOL.md alone.

One function for one sentence of the text, in its order; the numbers in the comments are its
sections.  It computes what crosses the wire and knows no network, store or clock.
"""

import functools
import re
import struct
from collections import namedtuple

import ref_crypto as rc

DST = b"Overlap1-ristretto255_XMD:SHA-512_R255MAP_RO_"
KINDS = ["", "lei", "cik", "duns", "vat", "domain", "namecc", "name"]  # 7.10
COUNTS, MATCHES = 1, 2  # 6.1, levels
HELD_BACK = 0xFFFFFFFF  # 7.20: instead of a number
DAYS, SPENT, SMALL, NOT_ALLOWED = 1, 2, 3, 4  # 7.20: why something is held back
CHUNK_ROWS = 16384  # 7.2
POINTS, ROSTER, TAGS, VIEW = 1, 3, 5, 7  # 7.2: streams of A; those of B are one above


def u8(x):
    return struct.pack(">B", x)


def u32(x):
    return struct.pack(">I", x)


def u64(x):
    return struct.pack(">Q", x)


def lv(*parts):
    return b"".join(u64(len(x)) + x for x in parts)


def digest(label, *parts):
    return rc.sha512(lv(label.encode(), *parts))


# --- 1 messages


class Wire:
    """The table of section 10; encodes a message from a dict of its fields (1.2)."""

    def __init__(self, text):
        self.numbers, self.fields = {}, {}
        table = text.split("\n## 10 ")[1].split("\n## ")[0]
        table = re.sub(r"\n {8,}(?=[a-z])", " ", table)  # a row goes on where its first one began
        for number, name, fields in re.findall(r"^ {4} *(\d+) ([A-Z_]+) +(.+)", table, re.M):
            self.numbers[name] = int(number)
            self.fields[name] = [self.field(f) for f in fields.split(",")]

    @staticmethod
    def field(text):
        """(kind, name, bounds)"""
        name, kind, bounds = text.split()
        powers = (re.fullmatch(r"(?:2\^(\d+)-)?(\d+)", x).groups() for x in bounds.split(".."))
        return kind, name, [2 ** int(p) - int(n) if p else int(n) for p, n in powers]

    def encode(self, name, values):
        fields = self.fields[name]
        if set(values) != {f[1] for f in fields}:
            raise ValueError("%s has the fields %s" % (name, [f[1] for f in fields]))
        out = msgpack_array(1 + len(fields)) + msgpack_uint(self.numbers[name])
        for kind, field, bounds in fields:
            value = values[field]
            if kind == "t":
                value = value.encode()
            size = value if kind == "u" else len(value)
            if not bounds[0] <= size <= bounds[-1]:
                raise ValueError("%s.%s is out of bounds" % (name, field))
            out += ENCODERS[kind](value)
        return out

    def kind(self, name, field):
        return next(kind for kind, key, _ in self.fields[name] if key == field)

    def decode(self, x):
        """(name, fields); ValueError for all that encode would not write."""
        items = msgpack_items(x)
        name = next((n for n, number in self.numbers.items() if [number] == items[:1]), None)
        if name is None or len(items) != 1 + len(self.fields[name]):
            raise ValueError("no message")
        fields = {}
        for (kind, field, _), item in zip(self.fields[name], items[1:]):
            fields[field] = item
            if type(item) is not {"u": int, "t": str}.get(kind, bytes):
                raise ValueError("a type")
            if kind == "t" and any(ord(c) < 32 or 127 <= ord(c) < 160 for c in item):
                raise ValueError("a control character")
        if self.encode(name, fields) != x:
            raise ValueError("not canonical")
        return name, fields

    def takes(self, x):
        try:
            return bool(self.decode(x))
        except (ValueError, IndexError):
            return False


def msgpack_array(n):
    return u8(0x90 | n) if n < 16 else b"\xdc" + struct.pack(">H", n)


def msgpack_uint(x):
    if x < 128:
        return u8(x)
    size = next(s for s in (1, 2, 4, 8) if x < 256**s)
    return u8({1: 0xCC, 2: 0xCD, 4: 0xCE, 8: 0xCF}[size]) + x.to_bytes(size, "big")


def msgpack_bin(x):
    size = next(s for s in (1, 2, 4) if len(x) < 256**s)
    return u8({1: 0xC4, 2: 0xC5, 4: 0xC6}[size]) + len(x).to_bytes(size, "big") + x


def msgpack_str(x):
    if len(x) < 32:
        return u8(0xA0 | len(x)) + x
    size = next(s for s in (1, 2, 4) if len(x) < 256**s)
    return u8({1: 0xD9, 2: 0xDA, 4: 0xDB}[size]) + len(x).to_bytes(size, "big") + x


def msgpack_items(x):
    """The items of an array of integers, bytes and text, in whatever form."""
    at, out = 0, []

    def take(n):
        nonlocal at
        at += n
        if at > len(x):
            raise ValueError("cut off")
        return x[at - n : at]

    def size(n):
        return int.from_bytes(take(n), "big")

    head = take(1)[0]
    if head >> 4 != 9 and head != 0xDC:
        raise ValueError("no array")
    for _ in range(head & 15 if head != 0xDC else size(2)):
        head = take(1)[0]
        if head < 0x80:
            out.append(head)
        elif 0xCC <= head <= 0xCF:
            out.append(size(1 << head - 0xCC))
        elif 0xC4 <= head <= 0xC6:
            out.append(take(size(1 << head - 0xC4)))
        elif head >> 5 == 5:
            out.append(take(head & 31).decode())
        elif 0xD9 <= head <= 0xDB:
            out.append(take(size(1 << head - 0xD9)).decode())
        else:
            raise ValueError("a type")
    return out


ENCODERS = {"u": msgpack_uint, "b": msgpack_bin, "t": msgpack_str}


def frame(request, body):  # 1.1
    return u32(len(body)) + u64(request) + body


def sign(seed, context, message):  # 1.3
    return rc.ed25519_sign(seed, lv(b"Overlap1 " + context.encode()) + message)


# --- 2, 3, 5: identities, log, pairing, envelopes


def company_id(identity):  # 2.1
    return digest("identity", identity)[:16]


def log_key_hash(log_key):
    return digest("log key", log_key)[:16]


def code(prefix, raw):  # 2.3, 5.1
    alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
    bits = int.from_bytes(raw, "big") << -8 * len(raw) % 5
    n = (8 * len(raw) + 4) // 5
    return prefix + "".join(alphabet[bits >> 5 * i & 31] for i in reversed(range(n)))


def read_code(prefix, size, text):  # 2.3: the bytes, or None
    text = text.strip().lower()
    if not text.startswith(prefix):
        return None
    letters = re.sub(r"[- \t\r\n]", "", text[len(prefix) :])
    letters = letters.translate(str.maketrans("oil", "011"))
    alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
    if any(c not in alphabet for c in letters) or len(letters) != (8 * size + 4) // 5:
        return None
    bits = 0
    for c in letters:
        bits = bits << 5 | alphabet.index(c)
    spare = 5 * len(letters) - 8 * size
    return None if bits % 2**spare else (bits >> spare).to_bytes(size, "big")


def invitation_secret(text):  # 5.1; None: mistyped
    raw = read_code("ovp1-", 51, text)
    good = raw and raw[0] == 1 and rc.sha512(raw[:49])[:2] == raw[49:]
    return raw[17:33] if good else None


def enrolment_token(ca_sha256, log_key, secret):  # 2.3
    return code("ovt1-", b"\1" + ca_sha256 + log_key_hash(log_key) + secret)


def invitation_code(inviter, secret, log_key):  # 5.1
    raw = b"\1" + inviter + secret + log_key_hash(log_key)
    return code("ovp1-", raw + rc.sha512(raw)[:2])


def mail_id(body):  # 4
    return rc.sha512(body)[:16]


def pair_keys(secret):  # 5.2: K, invitation
    prk = rc.hkdf_extract(b"Overlap1 pair", secret)
    return rc.hkdf_expand(prk, b"mac", 32), rc.hkdf_expand(prk, b"invitation", 16)


def pair_mac(key, label, inviter, acceptor, log_key):  # 5.3; a party is (identity, envelope, name)
    return rc.hmac_sha512(key, digest(label, *inviter, *acceptor, log_key))


def envelope(ephemeral, nonce, recipient, context, sender_identity, recipient_identity, plain):  # 5.5
    public = rc.x25519_public(ephemeral)
    prk = rc.hkdf_extract(public + recipient, rc.x25519(ephemeral, recipient))
    key = rc.hkdf_expand(prk, context.encode(), 32)
    sealed = rc.xchacha20_poly1305(key, nonce, sender_identity + recipient_identity, plain)
    return public + nonce + sealed


def log_id(log_key, start):  # 3.2
    return digest("log", log_key, start)[:16]


def leaf(kind, salt, body):  # 3.1
    return u8(kind) + salt + body


def signed_body(message, *signatures):  # 3.1: of a leaf
    return rc.sha512(lv(message, *signatures))


# --- 6 terms


def populations(sheet):  # 6.1
    return b"".join(u8(level) + u8(len(name.encode())) + name.encode() for level, name in sheet)


def release(low, high):  # 6.2; sheets as dicts of GRANTS, populations as [level, name]
    """The fields of RELEASE from both sheets."""
    both = {k: low[k] and high[k] for k in ("name_only", "duns_veto", "exact")}
    veto = [0] * 8
    for strong in (1, 2, 3) if both["duns_veto"] else (1, 2):
        veto[strong] = sum(1 << r for r in range(strong + 1, 8))
    veto[5] = veto[6] = 1 << 7
    out = {"version": 1, "buckets": 1, "exact": both["exact"], "veto": bytes(veto)}
    out["ranks"] = sum(1 << r for r in range(1, 8 if both["name_only"] else 7))
    for k in ("slots", "runs", "epsilon_milli", "year_epsilon_milli"):
        out[k] = min(low[k], high[k])
    for k in ("minimum_list", "view_days", "minimum_count", "shown_from"):
        out[k] = max(low[k], high[k])
    for side, own, other in (("low", low, high), ("high", high, low)):
        out["fit_" + side] = own["fit"]
        out["bands_" + side] = int(bool(other["icp"] and own["icp_columns"]))
        top = max((p[0] for p in other["populations"]), default=0) if own["reciprocal"] else 3
        out["levels_" + side] = bytes(min(p[0], top) for p in own["populations"])
    return out


# --- 7 a job: list, keys

Token = namedtuple("Token", "rank value")
Record = namedtuple("Record", "label fit tokens")


def label_and_fit(population, own_fit, band):  # 7.16
    other_fit = 2 if band >= 3 else max(band - 1, 0)
    return population | band << 4, own_fit | other_fit << 2


def six_keys(keys):  # 7.10: of (rank, from an e-mail address, value)
    first = sorted(keys)[:6]
    return [value for rank, _, value in sorted(first, key=lambda k: (k[0], k[2]))]


def list_order(records):  # 7.9
    inside = [r._replace(tokens=sorted(r.tokens)) for r in records]
    return sorted(inside, key=lambda r: r.tokens[0])


def list_digest(records):  # 7.9
    out = b""
    for r in records:
        out += u8(r.label) + u8(r.fit) + u8(len(r.tokens))
        out += b"".join(u8(t.rank) + lv(t.value) for t in r.tokens)
    return rc.sha512(lv(b"list") + out)


def padded_slots(n):  # 7.12; 0: there are none
    if n > 2**31:
        return 0
    power = 1024
    while True:
        for quarters in (4, 5, 6, 7):
            if power * quarters // 4 >= n:
                return power * quarters // 4
        power *= 2


def commitment(random, the_list):  # 7.3
    return rc.sha512(lv(random, the_list))


def ephemeral(seed_e, job, role, partner, the_list):  # 7.8
    prk = rc.hkdf_extract(b"Overlap1 ephemeral", seed_e)
    return rc.hkdf_expand(prk, b"eph" + job + role.encode() + partner + the_list, 32)


def shared_keys(th, e, partner_ephemeral):  # 7.8
    shared = rc.x25519(e, partner_ephemeral)
    if shared == bytes(32):
        raise ValueError("all-zero agreement")
    prk = rc.hkdf_extract(th, shared)
    sizes = {"points": 32, "tag": 32, "proof": 16, "roster": 16, "nonce": 32, "confirm root": 64}
    names = ["points A>B", "points B>A", "tag", "proof A", "proof B", "roster A", "roster B",
             "nonce A>B", "nonce B>A", "confirm root"]  # fmt: skip
    return {n: rc.hkdf_expand(prk, n.encode(), sizes.get(n) or sizes[n.split()[0]]) for n in names}


def local_keys(th, seed_r, the_list):  # 7.8
    prk = rc.hkdf_extract(th, lv(seed_r) + lv(the_list))
    sizes = {"scalar": 64, "order": 32, "records": 32, "padding": 32}
    keys = {name: rc.hkdf_expand(prk, name.encode(), n) for name, n in sizes.items()}
    keys["scalar"] = (int.from_bytes(keys["scalar"], "little") % rc.L).to_bytes(32, "little")
    return keys


# --- 7.12, 7.13 slots

Slot = namedtuple("Slot", "token record rank label fit real")


def block(key, i):
    return rc.chacha20_block(key, i, bytes(12))


def draws(key):
    """7.12: draw(n), uniform below n, from the keystream of the key."""
    words = (w for i in range(2**31) for w in struct.unpack("<8Q", block(key, i)))

    def draw(n):
        return next(w for w in words if w < 2**64 - 2**64 % n) % n

    return draw


def shuffle(n, key):  # 7.13
    draw, a = draws(key), list(range(n))
    for i in range(n - 1, 0, -1):
        j = draw(i + 1)
        a[i], a[j] = a[j], a[i]
    return a


def hashed(token):
    """7.10: kind, 0x1f, value; an identifier of a scheme stands in a list as scheme=value."""
    scheme, sign, value = token.value.partition(b"=")
    if token.rank == 4 and sign:
        return b"id:" + scheme + b"\x1f" + value
    return KINDS[token.rank].encode() + b"\x1f" + token.value


def deck(records, n, keys):
    """7.12, 7.13: all slots in order of position."""
    copies, slots, draw = list(records), [], draws(keys["padding"])
    padding = 0
    for i, r in enumerate(records):
        for t in r.tokens:
            slots.append([hashed(t), i, t.rank, r, True])
    while len(slots) < n:
        model = records[draw(len(records))]
        for t in model.tokens[: n - len(slots)]:
            seed = block(keys["padding"], 2**31 + padding)[:32]
            slots.append([b"pad\x1f" + seed, len(copies), t.rank, model, False])
            padding += 1
        copies.append(model)
    number = shuffle(len(copies), keys["records"])
    made = [Slot(t, number[i], rank, r.label, r.fit, real) for t, i, rank, r, real in slots]
    return [made[i] for i in shuffle(n, keys["order"])]


# --- 7.11 to 7.18 streams


@functools.lru_cache(maxsize=None)
def blind_token(scalar, token):  # 7.14
    p = rc.hash_to_ristretto255(token, DST)
    return rc.ristretto_encode(rc.multiply(int.from_bytes(scalar, "little"), p))


@functools.lru_cache(maxsize=None)
def blind_point(scalar, point):  # 7.15, 7.18
    if point == bytes(32):
        raise ValueError("the identity")
    p = rc.ristretto_decode(point)
    return rc.ristretto_encode(rc.multiply(int.from_bytes(scalar, "little"), p))


def seal_chunk(th, stream, index, last, key, nonce_key, plain):  # 7.14
    ad = th + u8(stream) + u32(index) + u8(last)
    nonce = rc.blake2b(nonce_key, lv(ad) + plain, 24)
    return nonce + rc.xchacha20_poly1305(key, nonce, ad, plain)


def chunks(rows):
    """Packed rows as they are cut (7.2)."""
    return [b"".join(rows[i : i + CHUNK_ROWS]) for i in range(0, len(rows), CHUNK_ROWS)]


def stream_digest(stream, parts):  # 7.2
    return rc.sha512(lv(b"stream") + u8(stream) + lv(*parts))


def rounded_size(n, step):  # 7.14.1
    return (2 * n + step) // (2 * step) * step if step else 0


def legend_chunk(legend):  # 7.14
    return struct.pack(">H", len(legend)) + legend + bytes(4094 - len(legend))


def roster_mac(key, position, rank, label):  # 7.16
    return rc.siphash(key, u32(position) + u8(rank) + u8(label))


def roster_row(slot, position, key):  # 7.16
    mac = roster_mac(key, position, slot.rank, slot.label)
    return u32(slot.record) + u8(slot.rank) + u8(slot.label) + u8(slot.fit) + mac


def tag(key, scalar, point):  # 7.18
    return rc.blake2b(key, blind_point(scalar, point), 16)


def tag_mac(proof_key, position, t):  # 7.18
    return rc.siphash(proof_key, u32(position) + t)


def tag_row(t, position, proof_key):  # 7.18
    return t + tag_mac(proof_key, position, t)


# --- 7.19 join

Edge = namedtuple("Edge", "strongest shared smallest a b at_a at_b")


def by_record(roster, tags):
    """Record number -> list of (rank, tag, position)."""
    out = {}
    for position, (slot, t) in enumerate(zip(roster, tags)):
        out.setdefault(slot.record, []).append((slot.rank, t, position))
    return out


def edges(a, b, veto):
    """All edges of two sides (dicts of by_record), in their order."""
    where = {}
    for record, held in b.items():
        for rank, t, position in held:
            where[rank, t] = record, position
    out = []
    for ra, held in a.items():
        shared = {}
        for rank, t, position in held:
            if (rank, t) in where:
                rb, other = where[rank, t]
                shared.setdefault(rb, []).append((rank, t, position, other))
        for rb, found in shared.items():
            strongest = min(f[0] for f in found)
            best = min(f for f in found if f[0] == strongest)
            ranks = {f[0] for f in found}
            common = {x[0] for x in held} & {x[0] for x in b[rb]}
            if not any(v not in ranks and v < strongest and veto[v] >> strongest & 1 for v in common):
                smallest = min(f[1] for f in found)
                out.append(Edge(strongest, -len(found), smallest, ra, rb, best[2], best[3]))
    return sorted(out)


def pair_up(in_order, keep):
    """Edges taken while both records are free, over those that `keep` keeps."""
    taken_a, taken_b, out = set(), set(), []
    for e in in_order:
        if keep(e) and e.a not in taken_a and e.b not in taken_b:
            taken_a.add(e.a)
            taken_b.add(e.b)
            out.append(e)
    return out


# --- 7.20, 7.21 views, charges


def population_of(label):  # 7.16
    return label & 15


def populations_are(slot, p, other_slot, q):
    return population_of(slot.label) == p and population_of(other_slot.label) == q


def fits(slot, other_slot):  # 7.20: the ICP of the side of `slot`: its own word, else the other's
    return ((slot.fit & 3) or other_slot.fit >> 2) == 2


def match_row(own, other, rank, label, number, proof, mac):
    return u32(own) + u32(other) + u8(rank) + u8(label) + u32(number) + proof + mac


def cell_row(own, other, *numbers):
    return u8(own) + u8(other) + b"".join(u32(x) for x in numbers)


def held_row(population, reason, date):
    return u8(population) + u8(reason) + u64(date)


def shown(x, held):
    return HELD_BACK if held else x


def exact_cell(p, q, pairs, receiver, free, minimum, fit_granted):
    """7.19.4: the cell of the receiver's population p and the giver's q, and whether a number in it
    is too small.  pairs: (slot, other slot) of all pairs of the receiver's join; receiver: one slot
    of each of its records; free: the records of it that are in no pair."""
    here = [(s, t) for s, t in pairs if populations_are(s, p, t, q)]
    mine = [s for s in receiver if population_of(s.label) == p]
    n, rest = len(here), sum(s.record in free for s in mine)
    held = [min(n, len(mine) - n, rest) < minimum]
    numbers = [n]
    for own in (True, False):
        f = sum(fits(*pair) if own else fits(*reversed(pair)) for pair in here)
        word = [s.fit & 3 if own else s.fit >> 2 for s in mine]
        y, z = sum(w != 1 for w in word), sum(w != 2 for w in word)
        held.append(held[0] or min(f, n - f, y - f, z - (n - f)) < minimum)
        numbers.append(f)
    return finish_cell(p, q, numbers, held, fit_granted, 0, 0)


def atoms(p, q, in_order, receiver_is_a, slots):
    """7.19.3: the four atoms of a cell by (fits the own ICP, fits the other's).  slots: of A and B,
    by position."""
    out = {(i, j): 0 for i in (0, 1) for j in (0, 1)}
    counted = set()
    for e in in_order:
        s, t = slots[0][e.at_a], slots[1][e.at_b]
        if not receiver_is_a:
            s, t = t, s
        if t.record in counted:
            continue
        counted.add(t.record)
        if populations_are(s, p, t, q):
            out[int(fits(s, t)), int(fits(t, s))] += 1
    return out


def noisy_cell(p, q, noisy, epsilon_milli, shown_from, fit_granted):
    """7.19.3: the cell of four noisy atoms, and whether a number in it is too small."""
    numbers = [sum(noisy.values()), noisy[1, 0] + noisy[1, 1], noisy[0, 1] + noisy[1, 1]]
    held = [x < max(shown_from, 0) for x in numbers]
    return finish_cell(p, q, numbers, held, fit_granted, *widths(epsilon_milli))


def widths(epsilon_milli):  # 7.19.3: plus-minus of pairs and of fits
    return [max(1, (2 * w + epsilon_milli) // (2 * epsilon_milli)) for w in (5693, 4114)]


def finish_cell(p, q, numbers, held, fit_granted, *plus_minus):
    """The row; a fit that is not granted is held back, but not for being small (7.20)."""
    small = held[0] or held[1] or (fit_granted and held[2])
    held = held[0], held[1], held[2] or not fit_granted
    return cell_row(p, q, *map(shown, numbers, held), *plus_minus), bool(small)


def view_due(view_days, epsilon_milli, year_epsilon_milli, views, now):
    """7.19.5: (due for the giver, for S, reason or 0, date); views: (time, epsilon) charged."""
    if epsilon_milli == 0 or epsilon_milli > year_epsilon_milli:
        return False, False, SPENT, 0
    day, views = 86400, sorted(views, reverse=True)
    days = views[0][0] + view_days * day if views else 0
    year, spent = 0, epsilon_milli
    for at, epsilon in views:
        spent += epsilon
        if spent > year_epsilon_milli and at > now - 365 * day:
            year = at + 365 * day
            break
    due = max(days, year)
    reason = SPENT if year > days else DAYS
    return due <= now, due <= now + 3600, 0 if due <= now else reason, max(due, now)


def charges(slots_a, slots_b, table):  # 7.21: of the first job of two companies, without noise
    slots = u64(slots_a) + u64(slots_b)
    return slots + slots + u32(1) + u32(table["runs"] - 1) + bytes(32)


# --- 7.22 what the receiver of a view checks

MATCH_ROW, CELL_ROW, HELD_ROW = ">IIBBI8s8s", ">BB5I", ">BBQ"  # 7.20
BANDS_LAST = 11  # 7.16: 3 + 8
NOISE_MOST = 4 * 5_000_000  # 7.19.3, of four atoms
TIME_LAST = 2**40 - 1

# deck: the own slots by position; tags: the own ones, of the partner's points; levels, fit_granted,
# bands: the partner's in RELEASE; counts: what the partner said; charged: in REPORT
Receiver = namedtuple("Receiver", "deck tags proof_key roster_key own_levels levels fit_granted bands")
Rules = namedtuple("Rules", "exact epsilon_milli shown_from minimum_count")


class Misbehaved(Exception):
    """CLOSE with verdict E_PROTO_MISBEHAVED"""


def must(good):
    if not good:
        raise Misbehaved


def unpack(rows, form):
    must(len(rows) % struct.calcsize(form) == 0)
    return list(struct.iter_unpack(form, rows))


def level(levels, population):
    """0 for what is hidden or is no number of the sheet."""
    return levels[population - 1] if 1 <= population <= len(levels) else 0


def check_match(row, r):  # 7.22: one row, by itself
    own, other, rank, label, _, proof, mac = row
    must(own < len(r.deck) and other < len(r.tags))
    must(r.deck[own].real and r.deck[own].rank == rank)
    must(proof == tag_mac(r.proof_key, own, r.tags[other]))
    must(mac == roster_mac(r.roster_key, other, rank, label))
    must(level(r.levels, population_of(label)) >= MATCHES)
    must(1 <= label >> 4 <= BANDS_LAST if r.bands else label >> 4 == 0)


def check_cells(cells, r, drawn):  # 7.20, 7.22: which there are; drawn: with what is counted
    own = [p for p, at in enumerate(r.own_levels, 1) if at]
    due = [(p, q) for p in own for q, at in enumerate(r.levels, 1) if at >= MATCHES]
    if drawn:
        due += [(p, q) for q, at in enumerate(r.levels, 1) if at == COUNTS for p in own]
    must([(p, q) for p, q, *_ in unpack(cells, CELL_ROW)] == due)


def check_matches(rows, matches, cells, r, drawn):  # 7.22
    found, numbers = {}, []
    records, positions = set(), set()
    for row in unpack(rows, MATCH_ROW):
        check_match(row, r)
        slot, label = r.deck[row[0]], row[3]
        must(slot.record not in records and row[1] not in positions)
        records.add(slot.record)
        positions.add(row[1])
        numbers.append(row[4])
        here = found.setdefault((population_of(slot.label), population_of(label)), [0, 0])
        here[0] += 1
        here[1] += (slot.fit & 3 or (2 if label >> 4 >= 3 else 1)) == 2
    must(numbers == sorted(set(numbers)) and len(numbers) == matches)
    check_cells(cells, r, drawn)
    for p, q, pairs, fit, other_fit, *plus_minus in unpack(cells, CELL_ROW):
        if level(r.levels, q) < MATCHES:
            continue
        must([pairs, fit] == found.get((p, q), [0, 0]) and plus_minus == [0, 0])
        must(other_fit <= pairs if r.fit_granted else other_fit == HELD_BACK)


def check_counted(cells, held, r, rules, counts, charged, accounts):  # 7.22.1
    """accounts: the own records of each population number."""
    counted = [q for q, at in enumerate(r.levels, 1) if at == COUNTS]
    drawn = rules.exact or charged > 0
    must(charged == (0 if rules.exact or not charged else rules.epsilon_milli))
    must(counts or not charged)
    check_cells(cells, r, drawn)
    small = set()
    for p, q, pairs, fit, other_fit, *plus_minus in unpack(cells, CELL_ROW):
        if q not in counted:
            continue
        must(plus_minus == ([0, 0] if rules.exact else widths(rules.epsilon_milli)))
        must(r.fit_granted or other_fit == HELD_BACK)
        most = accounts.get(p, 0) if rules.exact else len(r.tags) + NOISE_MOST
        least = rules.minimum_count if rules.exact else rules.shown_from
        must(pairs == HELD_BACK or least <= pairs <= most)
        for f in (x for x in (fit, other_fit) if x != HELD_BACK):
            must(not rules.exact or pairs != HELD_BACK)
            must(least <= f <= (pairs - least if rules.exact else most))
        if HELD_BACK in (pairs, fit) or r.fit_granted and other_fit == HELD_BACK:
            small.add(q)
    why = unpack(held, HELD_ROW)
    if counted and not drawn:
        must(len(why) == 1 and is_reason(*why[0], counts))
        return
    must(sorted(why) == sorted((q, SMALL, 0) for q in small))


def is_reason(population, reason, date, counts):  # 7.20: of a view that was not drawn
    dates = {DAYS: range(1, TIME_LAST + 1), SPENT: range(TIME_LAST + 1), NOT_ALLOWED: [0]}
    return population == 0 and date in dates.get(reason, []) and not (reason == NOT_ALLOWED and counts)
