#!/usr/bin/env python3
"""field_model.py ifma|avx2 TRACE-PROGRAM CONSTANTS.H - the kernels' arithmetic in big integers.

1. The constants of constants.h, from their definitions (RFC 9496 section 4.1).
2. The bounds that the comments name: the largest columns that limbs at their limits can give,
   through every sum of the point formulas, against each offset and against 2^62.
3. Every result of the trace program, value and limb limits, for extreme limbs.
4. A control: the program spoils one limb, and that must be found.
5. That the checks of a debug build fire: what is at a limit passes, one more ends the process.
Exit codes: 0, 1, 77 (the processor lacks the instructions)."""
import re
import signal
import subprocess
import sys

P = 2**255 - 19
U = 2**50


def check(good, what):
    if not good:
        print("wrong:", what)
        sys.exit(1)


def check_constants(path):
    d = -121665 * pow(121666, P - 2, P) % P
    i = pow(2, (P - 1) // 4, P)
    found = {}
    for name, words in re.findall(r"#define CONST_(\w+)\s+\\?\s*((?:0x[0-9a-f]{16},?\s*){4})",
                                  open(path).read()):
        w = [int(x, 16) for x in re.findall(r"0x[0-9a-f]+", words)]
        found[name] = sum(x << 64 * k for k, x in enumerate(w))
    f = found
    check(len(f) == 8, "eight constants")
    check(f["ONE"] == 1 and f["D"] == d and f["2D"] == 2 * d % P, "1, d, 2 d")
    check(f["SQRT_M1"] == min(i, P - i, key=lambda x: x & 1), "sqrt(-1), the even root")
    check(f["ONE_MINUS_D_SQ"] == (1 - d * d) % P, "1 - d^2")
    check(f["D_MINUS_ONE_SQ"] == (d - 1) ** 2 % P, "(d - 1)^2")
    # of these two RFC 9496 prints one of the roots
    check(f["SQRT_AD_MINUS_ONE"] == 25063068953384623474111414158702152701244531502492656460079210482610430750235
          and f["SQRT_AD_MINUS_ONE"] ** 2 % P == (-d - 1) % P, "sqrt(-d - 1)")
    check(f["INVSQRT_A_MINUS_D"] == 54469307008909316920995813868745141605393597292927456921205312896311721017578
          and f["INVSQRT_A_MINUS_D"] ** 2 * (-1 - d) % P == 1, "1 / sqrt(-1 - d)")


class Ifma:
    lanes = 8
    weights = [51 * i for i in range(5)]
    below = [2**51 + 2**16] * 5
    products = [499, 391, 283, 175, 67]  # columns are below, in u

    def product(self):
        lo, hi = 2**52 - 1, (self.below[0] - 1) ** 2 >> 52
        z = [0] * 10
        for i in range(5):
            for j in range(5):
                z[i + j] += lo
                z[i + j + 1] += 2 * hi
        return [z[k] + 19 * z[k + 5] for k in range(5)]

    def offset(self, k):
        return [(2**51 - (19 if i == 0 else 1)) << k for i in range(5)]

    def carried(self, wide):
        c = [w >> 51 for w in wide]
        return [2**51 - 1 + (19 * c[4] if i == 0 else c[i - 1]) for i in range(5)]


class Avx2:
    lanes = 4
    weights = [(51 * i + 1) // 2 for i in range(10)]
    below = [2 ** (25 if i & 1 else 26) + 2**17 for i in range(10)]
    products = [502, 311] * 5

    def product(self):
        z = [0] * 10
        for i in range(10):
            for j in range(10):
                times = (2 if i & j & 1 else 1) * (19 if i + j >= 10 else 1)
                check(self.below[j] * 19 < 2**32 and self.below[i] * 4 < 2**32, "32 bits")
                z[(i + j) % 10] += times * (self.below[i] - 1) * (self.below[j] - 1)
        return z

    def offset(self, k):
        return [((2 ** (25 if i & 1 else 26)) - (19 if i == 0 else 1)) << (k + 26)
                for i in range(10)]

    def carried(self, wide):
        r = list(wide)
        m = [2 ** (25 if i & 1 else 26) - 1 for i in range(10)]

        def carry(i):
            r[i + 1] += r[i] // (m[i] + 1)
            r[i] = m[i]
        for i in (0, 4, 1, 5, 2, 6, 3, 7, 4, 8):
            carry(i)
        c = r[9] // (m[9] + 1)
        r[9] = m[9]
        r[0] += 19 * c
        check(r[0] < 2**63, "the last fold fits")
        carry(0)
        return r


def check_bounds(field):
    """Worst cases: the maximum of a sum, and the minimum of what a difference is taken from."""
    prod = field.product()
    for k, (have, said) in enumerate(zip(prod, field.products)):
        check(have < said * U, f"column {k} of a product: {have / U:.3f} u")
    limbs = [b - 1 for b in field.below]
    o2, o8, o10 = field.offset(2), field.offset(8), field.offset(10)

    def covers(a, b, what):
        check(all(x >= y for x, y in zip(a, b)), what)

    def fits(w, what, below=4096):  # in u, as the comment beside the formula says
        check(max(w) < below * U, what)
        check(all(x < y for x, y in zip(field.carried(w), field.below)), what + " carried")

    def plus(*a):
        return [sum(x) for x in zip(*a)]
    covers(o2, limbs, "fe_sub")
    fits(plus(limbs, limbs), "fe_add")
    fits(plus(limbs, o2), "fe_sub")
    fits(prod, "product")
    covers(o8, prod, "B + 2^8 p - A")
    fits(plus(prod, o8), "f, M of a sum, e and h of an addition", 1526)
    fits(plus(prod, prod), "2 Z", 1004)
    covers(o10, plus(prod, prod, o8), "S^2 + 2^10 p - (A + B + 2^8 p)")
    fits([x + y - z for x, y, z in zip(prod, o10, o8)], "e", 3574)
    # G = B + 2^8 p - A, from twice (Z^2 + 2^8 p)
    covers(plus(o8, o8), plus(prod, o8), "h")
    fits(plus(prod, prod, o8, o8), "h", 3052)
    fits(plus(prod, prod, o8), "g, P of a sum, g and f of an addition", 2028)
    fits(plus(limbs, limbs), "S, and e and h of the map", 8)


def expected(v, negative):
    a, b, c, d = v
    pp, mm, zz, tt = a * d, b * c, c * b, d * a
    s, t = zz + tt, zz - tt
    f = b * b - a * a
    return {
        "mul": a * b, "sqr": a * a, "add": a + b, "sub": a - b, "neg": -a, "back": a,
        "pow.a": pow(a, 2**252 - 3, P), "pow.b": pow(b, 2**252 - 3, P),
        "invert": pow(a, P - 2, P),
        "double.e": d * d - a * a - b * b, "double.f": f, "double.g": a * a + b * b,
        "double.h": 2 * c * c - f,
        "in.X": a * d, "in.Y": c * b, "in.Z": b * d, "in.S": a * d + c * b,
        "sum.P": c * b + a * d, "sum.M": c * b - a * d, "sum.Z": b * d, "sum.T": a * c,
        "add.e": pp - mm, "add.g": pp + mm,
        "add.f": t if negative else s, "add.h": s if negative else t,
    }


def find_faults(field, text):
    """The number of results checked, and those that are wrong."""
    faults, checked, negative = [], 0, 0
    inputs, want = {}, {}
    for line in text.splitlines():
        t = line.split()
        if t[0] == "case":
            negative, inputs, want = int(t[2]), {}, {}
            continue
        if t[0] == "bytes":
            checked += 1
            if int(t[3], 16) != inputs["a", int(t[2])] % P:
                faults.append(line)
            continue
        if t[0] == "mask":
            values = [inputs["a", lane] % P for lane in range(field.lanes)]
            rule = {"negative": lambda x: x & 1, "zero": lambda x: x == 0}.get(t[1])
            bits = sum(1 << k for k, x in enumerate(values) if rule(x)) if rule else 1
            checked += 1
            if int(t[2], 16) != bits:
                faults.append(line)
            continue
        if t[0] == "lookup":
            digit, got = int(t[1]), [int(x) for x in t[2:]]
            j = abs(digit)
            p, m = (j, 2 * j) if digit else (1, 1)
            checked += 1
            if got != ([m, p] if digit < 0 else [p, m]) + [j if digit else 2, j]:
                faults.append(line)
            continue
        name, lane, limbs = t[0], int(t[1]), [int(x, 16) for x in t[2:]]
        value = sum(x << w for x, w in zip(limbs, field.weights))
        if name in "abcd":
            inputs[name, lane] = value
            continue
        if lane not in want:
            want[lane] = expected([inputs[x, lane] for x in "abcd"], negative)
        checked += 1
        if (value - want[lane][name]) % P or any(x >= y for x, y in zip(limbs, field.below)):
            faults.append(line)
    return checked, faults


def check_that_checks_fire(field, text):
    """`bound NAME LIMB LANE BEYOND SIGNAL`"""
    if text.startswith("unchecked"):
        print("bounds: a build without assertions")
        return
    fields = ("first_factor", "second_factor", "square", "encoded", "sign", "column", "difference",
              "sum", "product")
    places = len(field.weights) * field.lanes
    want = {name: 2 * places for name in fields} | {"scalar": 2, "token": 2}
    found = dict.fromkeys(want, 0)
    for line in text.splitlines():
        _, name, limb, lane, beyond, died = line.split()
        found[name] += 1
        check(int(died) == (signal.SIGABRT if beyond == "1" else 0), line)
    check(found == want, f"bounds tried: {found}")


def run(program, *args):
    r = subprocess.run([program, *args], capture_output=True, text=True)
    check(r.returncode == 0, f"{program} {args}: {r.stderr}")
    return r.stdout


def main():
    field = {"ifma": Ifma, "avx2": Avx2}[sys.argv[1]]()
    check_constants(sys.argv[3])
    check_bounds(field)
    text = run(sys.argv[2])
    if text == "skip\n":
        print("skipped: this processor cannot run the kernel")
        sys.exit(77)
    checked, faults = find_faults(field, text)
    for line in faults[:10]:
        print("wrong:", line)
    check(not faults and checked > 10000, f"{len(faults)} of {checked} results")
    check(len(find_faults(field, run(sys.argv[2], "--corrupt"))[1]) == 1,
          "the control was not found")
    check_that_checks_fire(field, run(sys.argv[2], "--bounds"))
    print(f"{checked} results are right")


main()
