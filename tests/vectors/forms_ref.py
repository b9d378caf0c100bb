"""forms_ref - what is refused for its form, from PROTOCOL.md (forms.json), by overlap_ref."""

import struct

import overlap_ref as ov
from criteria_ref import lower

BAND_FIT = {0: 0, 1: 0, 2: 1, **dict.fromkeys(range(3, 12), 2)}  # 7.16


def is_name(name, longest):  # 6.1.1
    return 1 <= len(name) <= longest and all(c >= 0x20 and c != 0x7F for c in name)


def populations(data):
    """6.1.1: (level, name) of each; None: refused."""
    out, at = [], 0
    while at < len(data):
        if at + 2 > len(data):
            return None
        level, size = data[at : at + 2]
        name = data[at + 2 : at + 2 + size]
        at += 2 + size
        if at > len(data) or level > 3 or not is_name(name, 32) or name in [n for _, n in out]:
            return None
        out.append((level, name))
    return out if len(out) <= 15 else None


def columns(data):
    """6.1.1"""
    out, at = [], 0
    while at < len(data):
        name = data[at + 1 : at + 1 + data[at]]
        at += 1 + data[at]
        folded = lower(name.decode("latin-1"))
        if at > len(data) or not is_name(name, 64) or folded in out:
            return None
        out.append(folded)
    return out if len(out) <= 24 else None


def table(wire, data):
    """6.2.1"""
    name, r = wire.decode(data)
    if name != "RELEASE" or r["version"] != 1 or r["ranks"] & 1:
        return False
    levels = [r["levels_low"], r["levels_high"]]
    if any(len(x) > 15 or any(level > 3 for level in x) for x in levels):
        return False
    return all(r["veto"][v] % 2 ** (v + 1) == 0 for v in range(8))


def offer(o):
    """7.3, 7.3.1, 7.4, at time 0"""
    if o["slots"] != ov.padded_slots(o["slots"]):
        return False
    most, least = ov.padded_slots(o["most"]), ov.padded_slots(o["least"])
    if most and o["slots"] > most or not least or o["slots"] < least:
        return False  # over 2^31 there is none: as a cap all is allowed, as a minimum nothing
    if o["unchanged_since"] not in (0, 16) or o["head_signature"] != (64 if o["head"] else 0):
        return False
    if not o["created"] <= 300 or not 0 < o["expiry"] - o["created"] <= 72 * 3600 or o["expiry"] <= 0:
        return False
    return not o["counts"] or bool(o["counted"] and not o["exact"] and not o["unchanged_since"])


def legend(wire, case):
    """7.14, 7.14.1"""
    begins = bytes.fromhex(case["begins"])
    chunk = begins + bytes(4095 - len(begins)) + bytes([case["last"]])
    (size,) = struct.unpack(">H", chunk[:2])
    if size > 4094 or any(chunk[2 + size :]) or not wire.takes(chunk[2 : 2 + size]):
        return False
    name, m = wire.decode(chunk[2 : 2 + size])
    if name != "LEGEND" or m["version"] != 1 or m["bands"]:
        return False
    right = m["size"] % case["step"] == 0 if case["step"] else m["size"] == 0
    return right and populations(m["populations"]) == [(2, b"a"), (1, b"bb")]


def roster(case):
    """7.16, 7.19"""
    rows = list(struct.iter_unpack(">IBBB", bytes.fromhex(case["rows"])))
    records = {}
    for record, rank, label, fit in rows:
        own, other, band = fit & 3, fit >> 2, label >> 4
        if record >= len(rows) or not 1 <= rank <= 6 or ov.population_of(label) not in (1, 2):
            return False
        if own > 2 or (band not in BAND_FIT) or other != BAND_FIT[band] or bool(band) != bool(case["bands"]):
            return False
        of = records.setdefault(record, [])
        of.append((label, fit))
        if len(of) > 6 or of[0] != of[-1]:
            return False
    return True
