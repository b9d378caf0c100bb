"""criteria_ref - criteria of a partner, read and evaluated from PROTOCOL.md 6.6 alone.

Beside overlap_ref: what is computed here decides labels and fits (7.16) and never crosses the wire
as bytes.  Truths are 0 false, 1 unknown, 2 true.
"""

import re
import unicodedata

FALSE, UNKNOWN, TRUE = 0, 1, 2
CHOICES = ("country", "industry", "type", "lifecycle", "stage")
NEVER = ("id", "name", "website", "email", "population", "lei", "cik", "duns", "vat", "ticker",
         "exchange", "won", "lost", "closed", "owner")  # fmt: skip


class Refused(Exception):
    """Criteria that are not in their form, or ask what may not be asked."""


def must(good):
    if not good:
        raise Refused


def lower(text):
    """Without ASCII case."""
    return re.sub("[A-Z]+", lambda m: m[0].lower(), text)


# --- 6.6.1 form

CHAR = r'\\(?:["\\]|x(?:0[1-9a-f]|1[0-9a-f]|7f))|[ !#-\[\]-~\u00a0-\u2027\u202a-\ufffd\U00010000-\U0010ffff]'
STRING = re.compile('"((?:%s)+)"' % CHAR)
NUMBER = re.compile("0|[1-9][0-9]*")


class Reader:
    """Recursive descent over the grammar, in its order."""

    def __init__(self, text):
        self.text, self.at, self.count, self.columns = text, 0, 0, []

    def has(self, word):
        found = self.text.startswith(word, self.at)
        self.at += len(word) if found else 0
        return found

    def want(self, word):
        must(self.has(word))

    def match(self, pattern):
        found = pattern.match(self.text, self.at)
        must(found)
        self.at = found.end()
        return found

    def number(self):
        return int(self.match(NUMBER)[0])

    def string(self):
        escape = lambda m: chr(int(m[1][1:], 16)) if m[1][0] == "x" else m[1]
        return re.sub(r"\\(x..|.)", escape, self.match(STRING)[1])

    def many(self, one, between, end):
        out = [one()]
        while self.has(between):
            out.append(one())
        self.want(end)
        return out

    def band(self):
        name = self.string()
        self.want(": ")
        return name, self.number()

    def test(self, depth):
        self.want("{")
        self.count += 1
        for group in ("any_of", "all_of"):
            if self.has(group + ": ["):
                must(depth <= 4)
                return group, None, self.many(lambda: self.part(depth + 1), ", ", "]")
        self.want("column: ")
        column = self.string()
        must(all(column == c or lower(column) != lower(c) for c in self.columns))
        self.columns.append(column)
        self.want(", ")
        if self.has("one_of: ["):
            return "one_of", column, self.many(self.string, ", ", "]")
        if self.has("between: ["):
            ends = self.many(self.string, ", ", "]")
            must(len(ends) == 2)
            low, high = map(number, ends)
            must(low and high and low[0] <= high[1])
            return "between", column, (low[0], high[1])
        return "exists", column, self.has("exists: yes") or self.want("exists: no") or False

    def part(self, depth):
        test = self.test(depth)
        self.want("}")
        return test

    def top(self):
        test = self.test(1)
        self.want(", weight: ")
        weight = self.number()
        required = self.has(", required: yes")
        self.want("}")
        must(weight <= 1000)
        return test, weight, required


class Criteria:
    """6.6.1 of the bytes of GRANTS.icp; Refused for all else."""

    def __init__(self, data):
        must(len(data) <= 8192)
        try:
            r = Reader(data.decode())
        except UnicodeDecodeError:
            raise Refused from None
        r.want("threshold: ")
        self.threshold = r.number()
        r.want("\n")
        self.bands = r.many(r.band, ", ", "}\n") if r.has("bands: {") else []
        r.want("criteria:\n  [")
        self.tops = r.many(r.top, ",\n  ", "]\n")
        must(r.at == len(r.text))
        most = sum(weight for _, weight, _ in self.tops)
        must(1 <= self.threshold <= most)
        scores = [score for _, score in self.bands]
        must(all(1 <= s <= most for s in scores) and scores == sorted(set(scores), reverse=True))
        names = [name for name, _ in self.bands]
        must(len(names) <= 8 and len(set(names)) == len(names))
        must(all(len(name.encode()) <= 15 for name in names))
        must(r.count <= 256)

    def tests(self, tests=None):
        for test in tests or [test for test, _, _ in self.tops]:
            yield from self.tests(test[2]) if test[1] is None else [test]

    def may_be_asked(self, listed):
        """6.6, by what the other side lists."""
        names = [lower(c) for c in listed]
        for kind, column, _ in self.tests():
            column = lower(column)
            must(column in names and column not in NEVER and not column.startswith("id:"))
            must(kind == "exists" or kind == ("one_of" if column in CHOICES else "between"))

    def evaluate(self, record, countries):
        """6.6.4: (answer as 7.16 has it: 0 unknown, 1 no, 2 yes; place of the band or 0)."""
        cells = {lower(c): text for c, text in record.items()}
        found = [(truth(t, cells, countries), weight, needed) for t, weight, needed in self.tops]
        s = sum(weight for t, weight, _ in found if t == TRUE)
        u = sum(weight for t, weight, _ in found if t != FALSE)
        required = min((t for t, _, needed in found if needed), default=TRUE)
        if required == FALSE or u < self.threshold:
            return 1, 0
        if required != TRUE or s < self.threshold:
            return 0, 0
        return 2, next((i for i, (_, score) in enumerate(self.bands, 1) if score <= s), 0)


# --- 6.6.2 numbers

BLANK = "[\t-\r \u00a0]*"
CURRENCY = BLANK + r"(?:(?:US\$|A\$|C\$|\$|\u20ac|\u00a3|\u00a5|[A-Z]{3}(?![A-Za-z]))" + BLANK + ")?"
MARK = "[.,' \u00a0\u202f\u2019]"
ONE = re.compile("%s(-?)%s([0-9](?:%s?[0-9])*)%s" % (CURRENCY, CURRENCY, MARK, BLANK))
LETTERS, END = re.compile("[A-Za-z]*"), re.compile(BLANK + CURRENCY)
BETWEEN = re.compile("(?:-|\u2013|\u2014|to )" + BLANK)
TENS = {3: "k t tsd thousand", 6: "m mm mn mio mil mill million millions",
        9: "b bn mrd md bil billion billions", 12: "tn trillion"}  # fmt: skip


def decimals(digits):
    """Digits behind the decimal mark; None: no number."""
    marks = re.findall(MARK, digits)
    if not marks:
        return 0
    last, behind = marks[-1], len(re.split(MARK, digits)[-1])
    if last in marks[:-1] and len(set(marks)) > 1:
        return None
    if len(marks) == 1:
        is_decimal = last == "." or last == "," and behind != 3
    else:
        is_decimal = last in ".," and last not in marks[:-1]
    if is_decimal:
        return behind
    return 0 if behind == 3 else None


def one(text, at):
    """(signed digits, decimals, tens or None, place behind it), or None."""
    found = ONE.match(text, at)
    if not found or len(re.sub(MARK, "", found[2])) > 23 or decimals(found[2]) is None:
        return None
    at, tens = found.end(), None
    word = LETTERS.match(text, at)[0]
    known = next((n for n, words in TENS.items() if lower(word) in words.split()), None)
    if known and word != "T":
        tens, at = known, at + len(word)
        at += text[at : at + 1] == "."
    return found[1] + re.sub(MARK, "", found[2]), decimals(found[2]), tens, END.match(text, at).end()


def value(digits, behind, tens):
    return float("%se%d" % (digits, (tens or 0) - behind))  # rounds once


def number(text):
    """(low, high), or None."""
    first = one(text, 0)
    if not first:
        return None
    digits, behind, tens, at = first
    high, dash = value(digits, behind, tens), BETWEEN.match(text, at)
    if text[at : at + 1] == "+":
        at, high = at + 1, float("inf")
    elif dash:
        second = one(text, dash.end())
        if not second:
            return None
        high, at, tens = value(*second[:3]), second[3], tens or second[2]
    low = value(digits, behind, tens)
    return (low, high) if re.fullmatch(BLANK, text[at:]) and low <= high else None


# --- 6.6.3 countries

FIRST = {**dict.fromkeys("\u00b4\u02bc\u2018\u2019\u201b\u2032", "'"),
         **dict.fromkeys("\u00a9\u00ae\u2117\u2120\u2122\t\n\r", " ")}  # fmt: skip
DROPPED = re.compile("['`\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff"
                     "\u20d0-\u20ff\ufe20-\ufe2f]")  # fmt: skip
SPELLED = {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th", "ħ": "h", "ı": "i"}


def is_word(c):
    return c.isalnum() if c < "\x80" else unicodedata.category(c)[0] in "LMN"


def words(text):
    """What a text is looked up by; None: not at all."""
    if re.search("[\x80-\x9f]", text):
        return None
    text = unicodedata.normalize("NFKD", "".join(FIRST.get(c, c) for c in text)).casefold()
    text = DROPPED.sub("", unicodedata.normalize("NFKD", text))
    text = "".join(SPELLED.get(c, c) for c in text if unicodedata.category(c) != "Cf")
    text = re.sub(r"&|(?<= )\+(?= )", " and ", text)
    text = " ".join("".join(c if is_word(c) else " " for c in text).split())
    return re.sub(r"\b([a-z]) (?=[a-z]\b)", r"\1", text)


class Countries:
    def __init__(self, path):
        self.known = {}
        for line in path.read_text().splitlines():
            if line and line[0] != "#":
                letters, name = line.split("\t")
                self.known.setdefault(words(name), letters)

    def find(self, text):
        """The two letters, or None."""
        text = text.strip(" \t")
        if not text or len(text.encode()) > 1024 or lower(text) in ("n/a", "n.a.", "n.a", "n\\a", "none", "-"):
            return None
        if re.search("[\0-\x08\x0b\x0c\x0e-\x1f\x7f]", text):
            return None
        tries, data = [text], text.encode()
        if 4 <= len(data) <= 6 and data[2:3] == b"-":
            tries.append(data[:2].decode())
        tries += reversed(re.split(r"[()\[\],/|-]", text))
        return next((self.known[w] for w in map(words, tries) if w in self.known), None)


# --- 6.6.4 evaluation


def truth(test, cells, countries):
    kind, column, what = test
    if kind in ("any_of", "all_of"):
        return (max if kind == "any_of" else min)(truth(t, cells, countries) for t in what)
    text = cells.get(lower(column), "")
    empty = not text.strip(" \t")
    if kind == "exists":
        return TRUE if what != empty else FALSE
    if empty:
        return UNKNOWN
    if kind == "between":
        return is_between(number(text), *what)
    is_country = lower(column) == "country"
    return TRUE if any(same(x, text, is_country and countries) for x in what) else FALSE


def is_between(cell, low, high):
    if cell is None:
        return UNKNOWN
    if low <= cell[0] and cell[1] <= high:
        return TRUE
    return FALSE if cell[1] < low or cell[0] > high else UNKNOWN


def same(x, y, countries):
    both = [countries.find(t) for t in (x, y)] if countries else [None]
    if all(both):
        return both[0] == both[1]
    return lower(x.strip(" \t")) == lower(y.strip(" \t"))
