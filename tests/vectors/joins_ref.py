"""joins_ref - what S makes of two lists (PROTOCOL.md 7.19 to 7.20), by overlap_ref."""

import struct

import overlap_ref as ov

SIDES = ("a", "b")
OTHER = {"a": "b", "b": "a"}
ROW = ">IBBB16s"  # joins.json: record, rank, label, fit, tag


class Join:
    """slots, tags: of each side's list by position; levels, fit_granted: of each side in RELEASE."""

    def __init__(self, slots, tags, veto, levels, fit_granted):
        self.slots, self.levels, self.fit_granted = slots, levels, fit_granted
        lists = [ov.by_record(slots[x], tags[x]) for x in SIDES]
        self.in_order = ov.edges(*lists, veto)

    def pairs(self, x, floor):
        """7.19: the receiver's pairs as (own position, other position, rank)."""
        other = OTHER[x]

        def visible(edge):
            label = self.slots[other][edge.at_b if x == "a" else edge.at_a].label
            return ov.level(self.levels[other], ov.population_of(label)) >= floor

        pairs = [(e.at_a, e.at_b, e.strongest) for e in ov.pair_up(self.in_order, visible)]
        return pairs if x == "a" else [(b, a, rank) for a, b, rank in pairs]

    def slots_of(self, x, pairs):
        return [(self.slots[x][own], self.slots[OTHER[x]][theirs]) for own, theirs, _ in pairs]

    def populations(self, x, levels):
        """Numbers of the side's populations at one of these levels."""
        return [n for n, at in enumerate(self.levels[x], 1) if at in levels]

    def cells(self, x):
        """7.20: (own, other population) of what is only counted, in order."""
        own = self.populations(x, (1, 2, 3))
        return [(p, q) for q in self.populations(OTHER[x], (ov.COUNTS,)) for p in own]

    def counted(self, x, cell_of):
        """7.20: all cells of what is only counted, and rows for what is too small in them."""
        made = [(q, *cell_of(p, q)) for p, q in self.cells(x)]
        small = sorted({q for q, _, is_small in made if is_small})
        return b"".join(row for _, row, _ in made), b"".join(ov.held_row(q, ov.SMALL, 0) for q in small)

    def exact(self, x, minimum):
        """7.19.4: cells and held rows of what is counted without noise."""
        pairs = self.slots_of(x, self.pairs(x, ov.COUNTS))
        records = list({s.record: s for s in self.slots[x]}.values())
        free = {s.record for s in records} - {s.record for s, _ in pairs}
        rules = minimum, self.fit_granted[OTHER[x]]
        return self.counted(x, lambda p, q: ov.exact_cell(p, q, pairs, records, free, *rules))

    def atoms(self, x, p, q):
        """7.19.3: by (fits the own ICP, fits the other's)."""
        return ov.atoms(p, q, self.in_order, x == "a", [self.slots[y] for y in SIDES])

    def noisy(self, x, noise, epsilon_milli, shown_from):
        """7.19.3: cells and held rows; noise: of each atom, by cell and fits."""

        def cell_of(p, q):
            drawn = {fits: n + noise[(p, q, *fits)] for fits, n in self.atoms(x, p, q).items()}
            return ov.noisy_cell(p, q, drawn, epsilon_milli, shown_from, self.fit_granted[OTHER[x]])

        return self.counted(x, cell_of)


def case_outputs(case):
    """(path, value) of one case of joins.json."""
    rows = {x: list(struct.iter_unpack(ROW, bytes.fromhex(case[x]["rows"]))) for x in SIDES}
    slots = {x: [ov.Slot(None, *row[:4], True) for row in rows[x]] for x in SIDES}
    tags = {x: [row[4] for row in rows[x]] for x in SIDES}
    levels = {x: bytes.fromhex(case["levels_" + x]) for x in SIDES}
    join = Join(slots, tags, bytes.fromhex(case["veto"]), levels, {x: case["fit_" + x] for x in SIDES})
    for x in SIDES:
        pairs = join.pairs(x, ov.MATCHES)
        yield (x, "matches"), [list(pair) if x == "a" else [pair[1], pair[0], pair[2]] for pair in pairs]
        yield (x, "exact"), named(join.exact(x, case["minimum_count"]))
        atoms, noise, drawn = [], {}, iter(case[x]["noise"])
        for p, q in join.cells(x):
            here = join.atoms(x, p, q)
            for fits_a, fits_b in ((0, 0), (0, 1), (1, 0), (1, 1)):
                fits = (fits_a, fits_b) if x == "a" else (fits_b, fits_a)
                atoms.append(here[fits])
                noise[(p, q, *fits)] = next(drawn)
        yield (x, "atoms"), atoms
        yield (x, "noisy"), named(join.noisy(x, noise, case["epsilon_milli"], case["shown_from"]))


def named(counted):
    return dict(zip(("cells", "held"), counted))
