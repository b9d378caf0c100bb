"""ref_crypto - what PROTOCOL.md takes from elsewhere, in plain big-integer Python.

Written from the RFCs alone and meant to be read beside them: RFC 9496 (ristretto255), RFC 9380
(expand_message_xmd), RFC 8032 (Ed25519), RFC 7748 (X25519), RFC 8439 (ChaCha20-Poly1305) with the
XChaCha draft, RFC 5869 (HKDF), RFC 9162 (Merkle trees), SipHash-2-4.  SHA-2, HMAC and BLAKE2b are
the standard library's.  Nothing here is constant time: it is for test vectors, never for secrets.
Results are remembered (lru_cache), since tests compute the same again with one input changed.
"""

import functools
import hashlib
import hmac
import struct

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)


# --- the curve: points are (X, Y, Z, T), a = -1, formulas of RFC 8032 section 5.1.4

IDENTITY = (0, 1, 1, 0)


def add(p, q):
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def double(p):
    a = p[0] * p[0] % P
    b = p[1] * p[1] % P
    h = a + b
    s = p[0] + p[1]
    e = h - s * s % P
    g = a - b
    f = 2 * p[2] * p[2] % P + g
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(s, p):
    """s * p, four bits of s at a time."""
    table = [IDENTITY, p]
    for _ in range(14):
        table.append(add(table[-1], p))
    r = IDENTITY
    for digit in "%x" % s:
        r = double(double(double(double(r))))
        r = add(r, table[int(digit, 16)])
    return r


def sqrt_ratio(u, v):
    """RFC 9496 section 4.2: whether u/v is a square, and the non-negative root."""
    r = u * pow(v, 3, P) * pow(u * pow(v, 7, P) % P, (P - 5) // 8, P) % P
    check = v * r * r % P
    square, flipped = check == u % P, check == -u % P
    if flipped or check == -u * SQRT_M1 % P:
        r = r * SQRT_M1 % P
    return square or flipped, absolute(r)


def absolute(x):
    return P - x if x & 1 else x


BASE_Y = 4 * pow(5, -1, P) % P
BASE_X = sqrt_ratio(BASE_Y * BASE_Y - 1, D * BASE_Y * BASE_Y + 1)[1]
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


# --- ristretto255, RFC 9496 section 4.3

INVSQRT_A_MINUS_D = sqrt_ratio(1, -1 - D)[1]
# of two roots RFC 9496 section 4.1 prints the odd one
SQRT_AD_MINUS_ONE = 25063068953384623474111414158702152701244531502492656460079210482610430750235
assert SQRT_AD_MINUS_ONE**2 % P == (-D - 1) % P


def ristretto_decode(b):
    """The point of a canonical encoding; ValueError for all others."""
    s = int.from_bytes(b, "little")
    if len(b) != 32 or s >= P or s & 1:
        raise ValueError("not a canonical field element")
    ss = s * s % P
    u1, u2 = 1 - ss, 1 + ss
    u2u2 = u2 * u2 % P
    v = (-D * u1 * u1 - u2u2) % P
    square, invsqrt = sqrt_ratio(1, v * u2u2 % P)
    den_x = invsqrt * u2 % P
    den_y = invsqrt * den_x * v % P
    x = absolute(2 * s * den_x % P)
    y = u1 * den_y % P
    t = x * y % P
    if not square or t & 1 or y == 0:
        raise ValueError("not a point")
    return x, y, 1, t


def ristretto_encode(p):
    x0, y0, z0, t0 = p
    u1 = (z0 + y0) * (z0 - y0) % P
    u2 = x0 * y0 % P
    invsqrt = sqrt_ratio(1, u1 * u2 * u2 % P)[1]
    den1, den2 = invsqrt * u1 % P, invsqrt * u2 % P
    z_inv = den1 * den2 * t0 % P
    if t0 * z_inv % P & 1:
        x, y, den_inv = y0 * SQRT_M1 % P, x0 * SQRT_M1 % P, den1 * INVSQRT_A_MINUS_D % P
    else:
        x, y, den_inv = x0, y0, den2
    if x * z_inv % P & 1:
        y = -y
    return absolute(den_inv * (z0 - y) % P).to_bytes(32, "little")


def elligator(b):
    """MAP of RFC 9496 section 4.3.4, of 32 bytes whose top bit does not count."""
    t = int.from_bytes(b, "little") % 2**255
    r = SQRT_M1 * t * t % P
    u = (r + 1) * (1 - D * D) % P
    v = (-1 - r * D) * (r + D) % P
    square, s = sqrt_ratio(u, v)
    c = -1
    if not square:
        s, c = -absolute(s * t % P), r
    n = (c * (r - 1) * (D - 1) ** 2 - v) % P
    w0, w1 = 2 * s * v, n * SQRT_AD_MINUS_ONE
    w2, w3 = 1 - s * s, 1 + s * s
    return w0 * w3 % P, w2 * w1 % P, w1 * w3 % P, w0 * w2 % P


def expand_message_xmd(message, dst, length):
    """RFC 9380 section 5.3.1 with SHA-512."""
    dst_prime = dst + bytes([len(dst)])
    b0 = sha512(bytes(128) + message + struct.pack(">HB", length, 0) + dst_prime)
    b, out = bytes(64), b""
    for i in range(1, (length + 63) // 64 + 1):
        b = sha512(bytes(x ^ y for x, y in zip(b0, b)) + bytes([i]) + dst_prime)
        out += b
    return out[:length]


def hash_to_ristretto255(message, dst):
    """RFC 9380 appendix B."""
    uniform = expand_message_xmd(message, dst, 64)
    return add(elligator(uniform[:32]), elligator(uniform[32:]))


# --- Ed25519, RFC 8032 section 5.1, and X25519, RFC 7748 section 5


def ed25519_encode(p):
    z_inv = pow(p[2], -1, P)
    x, y = p[0] * z_inv % P, p[1] * z_inv % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def ed25519_expand(seed):
    h = sha512(seed)
    return int.from_bytes(h[:32], "little") & (2**254 - 8) | 2**254, h[32:]


@functools.lru_cache(maxsize=None)
def ed25519_public(seed):
    return ed25519_encode(multiply(ed25519_expand(seed)[0], BASE))


@functools.lru_cache(maxsize=None)
def ed25519_sign(seed, message):
    a, prefix = ed25519_expand(seed)
    public = ed25519_public(seed)
    r = int.from_bytes(sha512(prefix + message), "little") % L
    big_r = ed25519_encode(multiply(r, BASE))
    k = int.from_bytes(sha512(big_r + public + message), "little") % L
    return big_r + ((r + k * a) % L).to_bytes(32, "little")


@functools.lru_cache(maxsize=None)
def x25519(scalar, u):
    k = int.from_bytes(scalar, "little") & (2**254 - 8) | 2**254
    x1 = int.from_bytes(u, "little") % 2**255
    x2, z2, x3, z3 = 1, 0, x1, 1
    for t in reversed(range(255)):
        if k >> t & 1:
            x2, z2, x3, z3 = x3, z3, x2, z2
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb, aa, bb = d * a % P, c * b % P, a * a % P, b * b % P
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, x1 * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
        if k >> t & 1:
            x2, z2, x3, z3 = x3, z3, x2, z2
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


def x25519_public(scalar):
    return x25519(scalar, (9).to_bytes(32, "little"))


# --- hashes


def sha512(x):
    return hashlib.sha512(x).digest()


def hmac_sha512(key, x):
    return hmac.digest(key, x, "sha512")


def hkdf_extract(salt, ikm):
    return hmac_sha512(salt, ikm)


def hkdf_expand(prk, info, length):
    block, out = b"", b""
    for i in range(1, (length + 63) // 64 + 1):
        block = hmac_sha512(prk, block + info + bytes([i]))
        out += block
    return out[:length]


def blake2b(key, x, length):
    return hashlib.blake2b(x, key=key, digest_size=length).digest()


@functools.lru_cache(maxsize=None)
def siphash(key, x):
    """SipHash-2-4, its 64-bit result in the order of its authors: little-endian."""
    mask = 2**64 - 1
    k0, k1 = struct.unpack("<QQ", key)
    v0, v1 = k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D
    v2, v3 = k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573
    padded = x + bytes(-(len(x) + 1) % 8) + bytes([len(x) % 256])
    for m in [*struct.unpack("<%dQ" % (len(padded) // 8), padded), None]:
        if m is None:
            v2 ^= 0xFF
        else:
            v3 ^= m
        for _ in range(4 if m is None else 2):
            v0 = v0 + v1 & mask
            v2 = v2 + v3 & mask
            v1 = (v1 << 13 & mask | v1 >> 51) ^ v0
            v3 = (v3 << 16 & mask | v3 >> 48) ^ v2
            v0 = v0 << 32 & mask | v0 >> 32
            v2 = v2 + v1 & mask
            v0 = v0 + v3 & mask
            v1 = (v1 << 17 & mask | v1 >> 47) ^ v2
            v3 = (v3 << 21 & mask | v3 >> 43) ^ v0
            v2 = v2 << 32 & mask | v2 >> 32
        if m is not None:
            v0 ^= m
    return struct.pack("<Q", v0 ^ v1 ^ v2 ^ v3)


# --- ChaCha20 and XChaCha20-Poly1305, RFC 8439 and draft-irtf-cfrg-xchacha

CHACHA_WORDS = struct.unpack("<4I", b"expand 32-byte k")
COLUMNS = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)]
DIAGONALS = [(0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]


def chacha_rounds(state):
    s, mask = list(state), 2**32 - 1
    for _ in range(10):
        for a, b, c, d in COLUMNS + DIAGONALS:
            s[a] = s[a] + s[b] & mask
            x = s[d] ^ s[a]
            s[d] = x << 16 & mask | x >> 16
            s[c] = s[c] + s[d] & mask
            x = s[b] ^ s[c]
            s[b] = x << 12 & mask | x >> 20
            s[a] = s[a] + s[b] & mask
            x = s[d] ^ s[a]
            s[d] = x << 8 & mask | x >> 24
            s[c] = s[c] + s[d] & mask
            x = s[b] ^ s[c]
            s[b] = x << 7 & mask | x >> 25
    return s


@functools.lru_cache(maxsize=None)
def chacha20_block(key, counter, nonce):
    state = (*CHACHA_WORDS, *struct.unpack("<8I", key), counter, *struct.unpack("<3I", nonce))
    return struct.pack("<16I", *(x + y & 2**32 - 1 for x, y in zip(chacha_rounds(state), state)))


def hchacha20(key, nonce):
    s = chacha_rounds((*CHACHA_WORDS, *struct.unpack("<8I", key), *struct.unpack("<4I", nonce)))
    return struct.pack("<8I", *s[:4], *s[12:])


def poly1305(key, x):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    a = 0
    for i in range(0, len(x), 16):
        a = (a + int.from_bytes(x[i : i + 16] + b"\1", "little")) * r % (2**130 - 5)
    return ((a + int.from_bytes(key[16:], "little")) % 2**128).to_bytes(16, "little")


@functools.lru_cache(maxsize=None)
def xchacha20_poly1305(key, nonce, ad, plain):
    """What is sealed, then its 16-byte tag."""
    key, nonce = hchacha20(key, nonce[:16]), bytes(4) + nonce[16:]
    stream = b"".join(chacha20_block(key, 1 + i, nonce) for i in range((len(plain) + 63) // 64))
    sealed = bytes(a ^ b for a, b in zip(plain, stream))
    covered = ad + bytes(-len(ad) % 16) + sealed + bytes(-len(sealed) % 16)
    covered += struct.pack("<QQ", len(ad), len(sealed))
    return sealed + poly1305(chacha20_block(key, 0, nonce)[:32], covered)


# --- Merkle trees, RFC 9162 section 2.1


def sha256(x):
    return hashlib.sha256(x).digest()


def merkle_root(leaves):
    if len(leaves) < 2:
        return sha256(b"\0" + leaves[0]) if leaves else sha256(b"")
    k = split(len(leaves))
    return sha256(b"\1" + merkle_root(leaves[:k]) + merkle_root(leaves[k:]))


def split(n):
    """The largest power of two below n."""
    return 1 << (n - 1).bit_length() - 1


def inclusion_proof(m, leaves):
    """PATH(m, D[n])."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return inclusion_proof(m, leaves[:k]) + [merkle_root(leaves[k:])]
    return inclusion_proof(m - k, leaves[k:]) + [merkle_root(leaves[:k])]


def consistency_proof(m, leaves, whole=True):
    """PROOF(m, D[n]) for 0 < m < n, else nothing; `whole` is b of SUBPROOF."""
    if m == len(leaves):
        return [] if whole else [merkle_root(leaves)]
    if m == 0:
        return []
    k = split(len(leaves))
    if m <= k:
        return consistency_proof(m, leaves[:k], whole) + [merkle_root(leaves[k:])]
    return consistency_proof(m - k, leaves[k:], False) + [merkle_root(leaves[:k])]


def verify_inclusion(leaf, m, n, proof, root):
    """RFC 9162 section 2.1.3.2; proof as a list of hashes."""
    fn, sn, r = m, n - 1, sha256(b"\0" + leaf)
    for p in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = sha256(b"\1" + p + r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = sha256(b"\1" + r + p)
        fn, sn = fn >> 1, sn >> 1
    return m < n and sn == 0 and r == root


def verify_consistency(m, first_root, n, second_root, proof):
    """RFC 9162 section 2.1.4.2, for 0 < m <= n."""
    if m == n:
        return not proof and first_root == second_root
    if m & m - 1 == 0:
        proof = [first_root, *proof]
    if not proof:
        return False
    fn, sn = m - 1, n - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = proof[0]
    for c in proof[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = sha256(b"\1" + c + fr), sha256(b"\1" + c + sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = sha256(b"\1" + sr + c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == first_root and sr == second_root
