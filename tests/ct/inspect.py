#!/usr/bin/env python3
"""inspect.py OBJECT ENTRY... [--must-leak] - follows secrets through compiled code.

valgrind cannot run AVX-512, so the kernel for it is read instead.  Secret is what comes out
of memory, of a vector or of a mask register into a general register, and what is computed
from that; public are the arguments of the entry functions (pointers, lengths), constants,
and what was put on the stack while public.  In every function reachable from ENTRY, along
every path, the script demands that no conditional jump, address, division or indirect jump
depends on a secret, that nothing gathers or scatters, and that no mask register decides
over an access to memory.  An instruction it does not know is an error.

What it takes on trust: the pointers inside arguments, the C library's and libsodium's
functions (tests/ct/ct_psi.c), and that instructions have no secret-dependent time of their
own (additions, multiplications, shifts, logic and permutations of whole registers).

--must-leak: the object is the control; each ENTRY must be reported.  Exit codes: 0, 1, 2.
"""
import re
import subprocess
import sys

PUBLIC_RESULT = {"memcpy", "memset", "ov_wipe", "ov_wipe_stack", "ov_psi_scalar_half",
                 "ov_psi_plausible_vartime", "__stack_chk_fail", "__memcpy_chk",
                 "__memset_chk"}
ARGS = ["rdi", "rsi", "rdx", "rcx", "r8", "r9"]
CALLER_SAVED = ARGS + ["rax", "r10", "r11"]
WIDE = {}
for r in "abcd":
    for n in (f"r{r}x", f"e{r}x", f"{r}x", f"{r}l", f"{r}h"):
        WIDE[n] = f"r{r}x"
for r in ("si", "di", "bp", "sp"):
    for n in (f"r{r}", f"e{r}", r, f"{r}l"):
        WIDE[n] = f"r{r}"
for i in range(8, 16):
    for s in ("", "d", "w", "b"):
        WIDE[f"r{i}{s}"] = f"r{i}"

JCC = re.compile(r"^j(?!mp)[a-z]+$")
TWO = re.compile(r"^(add|sub|and|or|xor|adc|sbb|imul|shl|shr|sar|sal|rol|ror|shld|shrd|"
                 r"mulx|rorx|shlx|shrx|sarx|andn|bextr|bzhi|pdep|pext|bts|btr|btc)[bwlq]?$")
ONE = re.compile(r"^(neg|not|inc|dec|bswap)[bwlq]?$")
MOVE = re.compile(r"^(mov|movabs|movz[bwl][wlq]?|movs[bwl][wlq]|movslq|lzcnt|tzcnt|popcnt|"
                  r"bsf|bsr|blsr|blsi|blsmsk)[bwlq]?$")
COMPARE = re.compile(r"^(cmp|test|bt)[bwlq]?$")
SET_FLAGS = re.compile(r"^(vptest|vtestp[sd]|k(or)?test[bwdq]|vu?comis[sd])$")
NOTHING = re.compile(r"^(nop[wl]?|endbr64|vzeroupper|vzeroall|data16|cs|ds|xchg|leave|ud2|lfence)$")


def split_operands(text):
    out, depth, cur = [], 0, ""
    for c in text:
        depth += (c in "({") - (c in ")}")
        if c == "," and depth == 0:
            out.append(cur.strip())
            cur = ""
        else:
            cur += c
    return out + [cur.strip()] if cur.strip() else out


def register(op):
    return WIDE.get(op[1:]) if op.startswith("%") else None


def memory(op):
    """(displacement, base, index) or None; registers by their 64-bit names."""
    m = re.match(r"^(%[a-z]s:)?(-?0x[0-9a-f]+|-?\d+)?\(([^)]*)\)", op)
    if not m:
        return None
    parts = [p.strip().lstrip("%") for p in m.group(3).split(",")] + ["", ""]
    return (int(m.group(2) or "0", 0), WIDE.get(parts[0], parts[0]),
            WIDE.get(parts[1], parts[1]), m.group(1))


class Function:
    def __init__(self, name):
        self.name, self.code, self.index = name, [], {}
        self.entry, self.result, self.clobbers = None, False, set()


def load(path):
    text = subprocess.run(["objdump", "-dr", "--no-show-raw-insn", path], check=True,
                          capture_output=True, text=True).stdout
    functions, f = {}, None
    for line in text.splitlines():
        m = re.match(r"^[0-9a-f]+ <([^>]+)>:$", line)
        if m:
            f = functions[m.group(1)] = Function(m.group(1))
            continue
        m = re.match(r"^\s+([0-9a-f]+): (R_X86_64_\w+)\s+([\w.]+)", line)
        if m:
            if f.code and f.code[-1][1] in ("call", "jmp"):
                f.code[-1][3] = re.split(r"[-+]", m.group(3))[0]
            continue
        m = re.match(r"^\s+([0-9a-f]+):\s+(?:(?:notrack|rep[nz]*|lock|bnd) )?(\S+)\s*(.*)$", line)
        if m and f:
            rest = re.sub(r"\s*#.*$", "", m.group(3))
            target = re.search(r"<([^>+]+)(\+0x[0-9a-f]+)?>", rest)
            rest = re.sub(r"\s*<[^>]*>", "", rest)
            f.index[int(m.group(1), 16)] = len(f.code)
            f.code.append([int(m.group(1), 16), m.group(2), split_operands(rest),
                           target.group(1) if target else None, "rep " in line])
    return functions


class State:
    """Secret general registers, secret flags, stack slots known to be public."""

    def __init__(self, secret=(), flags=False, public_slots=()):
        self.secret, self.flags = set(secret), flags
        self.slots = set(public_slots)

    def copy(self):
        return State(self.secret, self.flags, self.slots)

    def join(self, o):
        new = State(self.secret | o.secret, self.flags or o.flags, self.slots & o.slots)
        changed = (new.secret != self.secret or new.flags != self.flags or
                   new.slots != self.slots)
        return new, changed


class Inspector:
    def __init__(self, functions):
        self.functions, self.found, self.unknown = functions, set(), set()

    def report(self, f, at, what):
        self.found.add((f.name, at, what))

    def value(self, st, op):
        """Is reading op a secret?"""
        if op.startswith(("$", "%fs:")):  # %fs:0x28 is the stack protector's word
            return False
        r = register(op)
        if r:
            return r in st.secret
        m = memory(op)
        if m is None:
            return True  # a vector or mask register
        if m[1] == "rip":
            return False
        return not (m[1] in ("rsp", "rbp") and not m[2] and m[0:2] in st.slots)

    def write(self, st, op, secret):
        r = register(op)
        if r:
            (st.secret.add if secret else st.secret.discard)(r)
            return
        m = memory(op)
        if m and m[1] in ("rsp", "rbp") and not m[2]:
            (st.slots.discard if secret else st.slots.add)(m[0:2])

    def forget_slots(self, st, ops):
        """A vector was stored: so many bytes of the stack changed."""
        m = memory(ops[-1])
        size = 16 if any(o.startswith("%xmm") for o in ops) else \
            32 if any(o.startswith("%ymm") for o in ops) else 64
        if m and m[1] in ("rsp", "rbp"):
            st.slots = {s for s in st.slots
                        if s[1] != m[1] or (not m[2] and not m[0] - 8 < s[0] < m[0] + size)}

    def check_addresses(self, f, st, at, name, ops):
        if name.startswith(("vpgather", "vgather", "vpscatter", "vscatter")):
            self.report(f, at, "gather or scatter")
        if re.match(r"^(lea[lqw]?|nop[lw]?)$", name):
            return
        for op in ops:
            m = memory(op)
            if m and any(x in st.secret for x in (m[1], m[2])):
                self.report(f, at, "secret address")
        # a mask stands behind the last operand; lanes that it leaves out are not accessed
        if any(memory(op) for op in ops) and ops and re.search(r"\{%k[1-7]\}", ops[-1]):
            self.report(f, at, "masked access")

    def call(self, f, st, at, target):
        callee = self.functions.get(target)
        if callee:
            entry = State({r for r in ARGS if r in st.secret})
            old = callee.entry
            callee.entry, changed = old.join(entry) if old else (entry, True)
            if changed:
                self.work.append(target)
            callee.callers.add(f.name)
            st.secret |= callee.clobbers & set(CALLER_SAVED)
            (st.secret.add if callee.result else st.secret.discard)("rax")
            return
        if target not in PUBLIC_RESULT:
            self.unknown.add(f"call to {target} in {f.name}")
        st.secret |= set(CALLER_SAVED)
        st.secret.discard("rax")

    def step(self, f, st, ins):
        at, name, ops, target, rep = ins
        self.check_addresses(f, st, at, name, ops)
        if rep:
            if any(r in st.secret for r in ("rcx", "rdi", "rsi")):
                self.report(f, at, "secret length or address")
            return
        if SET_FLAGS.match(name):
            st.flags = True
        elif name[0] in "vk" and name not in ("vzeroupper",):
            if ops and register(ops[-1]):
                st.secret.add(register(ops[-1]))
                f.clobbers.add(register(ops[-1]))
            elif ops:
                self.forget_slots(st, ops)
        elif name == "call":
            if target is None:
                self.report(f, at, "indirect call")
            else:
                self.call(f, st, at, target)
        elif JCC.match(name):
            if st.flags:
                self.report(f, at, "secret branch")
        elif name == "jmp":
            if ops and ops[0].startswith("*"):
                self.report(f, at, "indirect jump")
        elif COMPARE.match(name):
            st.flags = any(self.value(st, o) for o in ops)
        elif re.match(r"^lea[lqw]?$", name):
            m = memory(ops[0])
            self.set(f, st, ops[1], any(x in st.secret for x in (m[1], m[2])))
        elif MOVE.match(name):
            self.set(f, st, ops[1], self.value(st, ops[0]))
        elif name.startswith("cmov"):
            self.set(f, st, ops[1], st.flags or any(self.value(st, o) for o in ops))
        elif name.startswith("set"):
            self.set(f, st, ops[0], st.flags)
        elif name in ("cltq", "cwtl"):
            pass
        elif name in ("cltd", "cqto"):
            self.set(f, st, "%rdx", "rax" in st.secret)
        elif re.match(r"^i?div[bwlq]?$", name):
            if self.value(st, ops[0]) or "rax" in st.secret:
                self.report(f, at, "division of a secret")
        elif re.match(r"^mul[bwlq]?$", name) or name.startswith("imul") and len(ops) == 1:
            secret = self.value(st, ops[0]) or "rax" in st.secret
            self.set(f, st, "%rax", secret)
            self.set(f, st, "%rdx", secret)
        elif TWO.match(name):
            base = re.sub(r"[bwlq]$", "", name)
            if base in ("xor", "sub") and len(ops) == 2 and ops[0] == ops[1]:
                self.set(f, st, ops[1], False)
                st.flags = False
                return
            secret = any(self.value(st, o) for o in ops)
            if base in ("adc", "sbb"):
                secret = (st.flags if ops[0] == ops[-1] else secret or st.flags)
            if len(ops) == 1:
                ops = ["$1"] + ops
            self.set(f, st, ops[-1], secret)
            st.flags = secret
        elif ONE.match(name):
            st.flags = self.value(st, ops[0])
            self.set(f, st, ops[0], st.flags)
        elif name.startswith("push"):
            pass
        elif name.startswith("pop"):
            self.set(f, st, ops[0], False)
        elif not NOTHING.match(name) and not name.startswith("ret"):
            self.unknown.add(f"{name} in {f.name}")

    def set(self, f, st, op, secret):
        if register(op):
            f.clobbers.add(register(op))
        self.write(st, op, secret)

    def run_function(self, f):
        """Fixed point over the paths of one function."""
        states, todo = {0: f.entry.copy()}, [0]
        result = f.result
        while todo:
            i = todo.pop()
            st = states[i].copy()
            at, name, ops, target, _ = f.code[i]
            self.step(f, st, f.code[i])
            nexts = []
            if name.startswith("ret"):
                result = result or "rax" in st.secret
            elif name == "jmp" or JCC.match(name):
                to = int(ops[0], 16) if ops and re.match(r"^[0-9a-f]+$", ops[0]) else None
                if to in f.index and (target is None or target == f.name):
                    nexts.append(f.index[to])
                elif target in self.functions:  # a tail call
                    self.call(f, st, at, target)
                    result = result or "rax" in st.secret
                elif target is not None and target not in PUBLIC_RESULT:
                    self.unknown.add(f"jump to {target} in {f.name}")
                if name != "jmp":
                    nexts.append(i + 1)
            elif i + 1 < len(f.code) and target != "__stack_chk_fail":
                nexts.append(i + 1)
            for n in nexts:
                if n not in states:
                    states[n] = st.copy()
                    todo.append(n)
                else:
                    states[n], changed = states[n].join(st)
                    if changed:
                        todo.append(n)
        return result

    def run(self, entries):
        for f in self.functions.values():
            f.callers = set()
        self.work = list(entries)
        for e in entries:
            self.functions[e].entry = State()
        while self.work:
            f = self.functions[self.work.pop()]
            before = (f.result, set(f.clobbers))
            f.result = self.run_function(f)
            for c in f.callers:  # clobbers of callees are clobbers of callers
                self.functions[c].clobbers |= f.clobbers & set(CALLER_SAVED)
            if (f.result, f.clobbers) != before:
                self.work += [c for c in f.callers]


def main():
    args = [a for a in sys.argv[1:] if a != "--must-leak"]
    if len(args) < 2:
        sys.exit(2)
    inspector = Inspector(load(args[0]))
    missing = [e for e in args[1:] if e not in inspector.functions]
    if missing:
        print("no such functions:", *missing)
        sys.exit(1)
    inspector.run(args[1:])
    for u in sorted(inspector.unknown):
        print("unknown:", u)
    for name, at, what in sorted(inspector.found):
        print(f"{what}: {name} at {at:x}")
    reached = [f for f in inspector.functions.values() if f.entry]
    print(f"{len(reached)} functions, {sum(len(f.code) for f in reached)} instructions, "
          f"{len(inspector.found)} findings")
    if "--must-leak" in sys.argv:
        leaky = {name for name, _, _ in inspector.found}
        sys.exit(0 if leaky >= set(args[1:]) else 1)
    sys.exit(1 if inspector.found or inspector.unknown else 0)


main()
