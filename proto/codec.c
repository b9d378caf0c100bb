#include "proto/codec.h"

#include <msgpack.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum kind { KIND_U, KIND_B, KIND_V, KIND_T };

struct field {
	enum kind kind;
	size_t offset;
	uint64_t lo, hi;
};

struct layout {
	enum ov_msg type;
	const char *name;
	size_t size;
	const struct field *fields;
	size_t n_fields;
};

#define FIELDS_MAX 32

#define FIELD_U(S, name, lo, hi)                                                         \
	{ KIND_U, offsetof(struct ov_msg_##S, name), (lo), (hi) },
#define FIELD_B(S, name, n) { KIND_B, offsetof(struct ov_msg_##S, name), (n), (n) },
#define FIELD_V(S, name, lo, hi)                                                         \
	{ KIND_V, offsetof(struct ov_msg_##S, name), (lo), (hi) },
#define FIELD_T(S, name, lo, hi)                                                         \
	{ KIND_T, offsetof(struct ov_msg_##S, name), (lo), (hi) },

#define MESSAGE(NAME, lower, number, text)                                               \
	static const struct field fields_##lower[] = { OV_FIELDS_##NAME(                 \
	    lower, FIELD_U, FIELD_B, FIELD_V, FIELD_T) };                                \
	_Static_assert(                                                                  \
	    sizeof(fields_##lower) / sizeof(fields_##lower[0]) < FIELDS_MAX, #NAME);
#include "proto/messages.def"
#undef MESSAGE

static const struct layout layouts[] = {
#define MESSAGE(NAME, lower, number, text)                                               \
	{ OV_MSG_##NAME, #NAME, sizeof(struct ov_msg_##lower), fields_##lower,           \
		sizeof(fields_##lower) / sizeof(fields_##lower[0]) },
#include "proto/messages.def"
#undef MESSAGE
};

const enum ov_msg ov_msg_all[] = {
#define MESSAGE(NAME, lower, number, text) OV_MSG_##NAME,
#include "proto/messages.def"
#undef MESSAGE
	OV_MSG_NONE
};

static const struct layout *
layout_of(enum ov_msg type)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (layouts[i].type == type)
			return &layouts[i];
	return NULL;
}

const char *
ov_msg_name(enum ov_msg type)
{
	const struct layout *l = layout_of(type);

	return l != NULL ? l->name : "?";
}

size_t
ov_msg_size(enum ov_msg type)
{
	const struct layout *l = layout_of(type);

	return l != NULL ? l->size : 0;
}

void
ov_buf_free(struct ov_buf *b)
{
	free(b->p);
	*b = (struct ov_buf){ 0 };
}

enum ov_status
ov_buf_reserve(struct ov_buf *b, size_t n)
{
	size_t cap = b->cap > 0 ? b->cap : 256;
	uint8_t *p;

	if (n > SIZE_MAX / 2 - b->len)
		return OV_E_NOMEM;
	if (b->len + n <= b->cap)
		return OV_OK;
	while (cap < b->len + n)
		cap *= 2; /* no overflow: len + n <= SIZE_MAX / 2 */
	p = realloc(b->p, cap);
	if (p == NULL)
		return OV_E_NOMEM;
	b->p = p;
	b->cap = cap;
	return OV_OK;
}

enum ov_status
ov_buf_append(struct ov_buf *b, const void *p, size_t n)
{
	enum ov_status st = ov_buf_reserve(b, n);

	if (st == OV_OK && n > 0) {
		memcpy(b->p + b->len, p, n);
		b->len += n;
	}
	return st;
}

/* --- bounds of a value, the same for both directions --- */

/* UTF-8 (RFC 3629, no overlong forms, no surrogates) without C0, DEL and C1. */
static bool
text_ok(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t c = p[i++];
		int more = c < 0x80    ? 0
			   : c >= 0xf0 ? 3
			   : c >= 0xe0 ? 2
			   : c >= 0xc2 ? 1
				       : -1;
		static const uint32_t least[4] = { 0x20, 0x80, 0x800, 0x10000 };

		if (more < 0 || c > 0xf4 || (size_t)more > len - i)
			return false;
		if (more > 0)
			c &= 0x3fU >> more;
		for (int k = 0; k < more; k++, i++) {
			if ((p[i] & 0xc0) != 0x80)
				return false;
			c = c << 6 | (p[i] & 0x3f); /* <= 21 bits */
		}
		if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ||
		    (c >= 0x7f && c < 0xa0))
			return false;
	}
	return true;
}

static enum ov_status
check_bounds(const struct field *f, const uint8_t *at)
{
	struct ov_bytes v;
	uint64_t u;

	switch (f->kind) {
	case KIND_U:
		memcpy(&u, at, sizeof(u));
		return u >= f->lo && u <= f->hi ? OV_OK : OV_E_WIRE_RANGE;
	case KIND_B:
		return OV_OK;
	case KIND_V:
	case KIND_T:
		memcpy(&v, at, sizeof(v));
		if (v.len < f->lo || v.len > f->hi)
			return OV_E_WIRE_RANGE;
		if (f->kind == KIND_T && !text_ok(v.p, v.len))
			return OV_E_WIRE_RANGE;
		return OV_OK;
	}
	return OV_E_BUG;
}

/* --- encode --- */

static int
write_buf(void *data, const char *p, size_t len)
{
	return ov_buf_append(data, p, len) == OV_OK ? 0 : -1;
}

static int
pack_bin(msgpack_packer *pk, const uint8_t *p, size_t len)
{
	int rc = msgpack_pack_bin(pk, len);

	return rc != 0 || len == 0 ? rc : msgpack_pack_bin_body(pk, p, len);
}

static int
pack_field(msgpack_packer *pk, const struct field *f, const uint8_t *at)
{
	struct ov_bytes v;
	uint64_t u;
	int rc;

	switch (f->kind) {
	case KIND_U:
		memcpy(&u, at, sizeof(u));
		return msgpack_pack_uint64(pk, u);
	case KIND_B:
		return pack_bin(pk, at, f->lo);
	case KIND_V:
		memcpy(&v, at, sizeof(v));
		return pack_bin(pk, v.p, v.len);
	case KIND_T:
		memcpy(&v, at, sizeof(v));
		rc = msgpack_pack_str(pk, v.len);
		return rc != 0 || v.len == 0 ? rc : msgpack_pack_str_body(pk, v.p, v.len);
	}
	return -1;
}

enum ov_status
ov_msg_encode(struct ov_buf *out, enum ov_msg type, const void *msg)
{
	const struct layout *l = layout_of(type);
	const uint8_t *base = msg;
	size_t start = out->len;
	enum ov_status st = OV_OK;
	msgpack_packer pk;
	int rc;

	OV_REQUIRE(l != NULL, OV_E_WIRE_UNKNOWN);
	for (size_t i = 0; i < l->n_fields; i++)
		OV_TRY(check_bounds(&l->fields[i], base + l->fields[i].offset));
	msgpack_packer_init(&pk, out, write_buf);
	rc = msgpack_pack_array(&pk, l->n_fields + 1);
	if (rc == 0)
		rc = msgpack_pack_uint16(&pk, (uint16_t)type);
	for (size_t i = 0; rc == 0 && i < l->n_fields; i++)
		rc = pack_field(&pk, &l->fields[i], base + l->fields[i].offset);
	OV_REQUIRE(rc == 0, OV_E_NOMEM);
done:
	if (st != OV_OK)
		out->len = start;
	return st;
}

/* --- decode --- */

/* One element's header: its kind, value or length, and that the header is in
 * its shortest form.  Elements are unsigned integers, bin and str, nothing else. */
struct element {
	enum kind kind; /* KIND_U, KIND_V (bin), KIND_T (str) */
	uint64_t value; /* of an integer, or length */
};

static enum ov_status
read_be(uint64_t *v, const uint8_t **p, size_t *left, size_t n)
{
	if (*left < n)
		return OV_E_WIRE_TRUNCATED;
	*v = 0;
	for (size_t i = 0; i < n; i++) /* n <= 8 */
		*v = *v << 8 | (*p)[i];
	*p += n;
	*left -= n;
	return OV_OK;
}

static enum ov_status
scan_element(struct element *e, const uint8_t **p, size_t *left)
{
	static const struct {
		uint8_t tag;
		enum kind kind;
		uint8_t width;
		uint64_t least; /* smaller values have a shorter form */
	} forms[] = {
		{ 0xcc, KIND_U, 1, 0x80 },
		{ 0xcd, KIND_U, 2, 0x100 },
		{ 0xce, KIND_U, 4, 0x10000 },
		{ 0xcf, KIND_U, 8, 0x100000000 },
		{ 0xc4, KIND_V, 1, 0 },
		{ 0xc5, KIND_V, 2, 0x100 },
		{ 0xc6, KIND_V, 4, 0x10000 },
		{ 0xd9, KIND_T, 1, 32 },
		{ 0xda, KIND_T, 2, 0x100 },
		{ 0xdb, KIND_T, 4, 0x10000 },
	};
	uint64_t tag = 0;
	enum ov_status st;

	OV_TRY(read_be(&tag, p, left, 1));
	if (tag < 0x80) {
		*e = (struct element){ KIND_U, tag };
		return OV_OK;
	}
	if (tag >= 0xa0 && tag <= 0xbf) {
		*e = (struct element){ KIND_T, tag & 31 };
		return OV_OK;
	}
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (forms[i].tag == tag) {
			e->kind = forms[i].kind;
			OV_TRY(read_be(&e->value, p, left, forms[i].width));
			return e->value >= forms[i].least ? OV_OK : OV_E_WIRE_CANONICAL;
		}
	st = OV_E_WIRE_TYPE;
done:
	return st;
}

/* Elements of the array; its header is consumed.  fixarray or array16 only. */
static enum ov_status
scan_array(size_t *n, const uint8_t **p, size_t *left)
{
	uint64_t v = 0;
	enum ov_status st;

	OV_TRY(read_be(&v, p, left, 1));
	if (v >= 0x90 && v <= 0x9f) {
		*n = v & 15;
		return OV_OK;
	}
	OV_REQUIRE(v == 0xdc, OV_E_WIRE_TYPE);
	OV_TRY(read_be(&v, p, left, 2));
	OV_REQUIRE(v > 15, OV_E_WIRE_CANONICAL);
	OV_REQUIRE(v <= FIELDS_MAX, OV_E_WIRE_LIMIT);
	*n = (size_t)v;
done:
	return st;
}

/* The whole message against its layout, without allocation: after this every
 * length lies inside the message and within the field's bounds. */
static enum ov_status
scan(const struct layout *l, struct ov_bytes in)
{
	const uint8_t *p = in.p;
	size_t left = in.len, n = 0;
	struct element e = { KIND_U, 0 };
	enum ov_status st;

	OV_TRY(scan_array(&n, &p, &left));
	OV_REQUIRE(n == l->n_fields + 1, OV_E_WIRE_TYPE);
	OV_TRY(scan_element(&e, &p, &left));
	OV_REQUIRE(e.kind == KIND_U && e.value == (uint64_t)l->type, OV_E_WIRE_TYPE);
	for (size_t i = 0; i < l->n_fields; i++) {
		const struct field *f = &l->fields[i];

		OV_TRY(scan_element(&e, &p, &left));
		OV_REQUIRE(
		    e.kind == (f->kind == KIND_B ? KIND_V : f->kind), OV_E_WIRE_TYPE);
		OV_REQUIRE(e.value >= f->lo && e.value <= f->hi, OV_E_WIRE_RANGE);
		if (e.kind == KIND_U)
			continue;
		OV_REQUIRE(e.value <= left, OV_E_WIRE_TRUNCATED);
		OV_REQUIRE(
		    f->kind != KIND_T || text_ok(p, (size_t)e.value), OV_E_WIRE_RANGE);
		p += e.value;
		left -= (size_t)e.value;
	}
	OV_REQUIRE(left == 0, OV_E_WIRE_TRAILING);
done:
	return st;
}

/* After scan: types and lengths are known to fit. */
static void
take(uint8_t *at, const struct field *f, const msgpack_object *o)
{
	struct ov_bytes v;

	switch (f->kind) {
	case KIND_U:
		memcpy(at, &o->via.u64, sizeof(o->via.u64));
		return;
	case KIND_B:
		memcpy(at, o->via.bin.ptr, f->lo);
		return;
	case KIND_V:
		v = OV_BYTES(o->via.bin.ptr, o->via.bin.size);
		break;
	case KIND_T:
		v = OV_BYTES(o->via.str.ptr, o->via.str.size);
		break;
	}
	memcpy(at, &v, sizeof(v));
}

enum ov_msg
ov_msg_type(struct ov_bytes in)
{
	const uint8_t *p = in.p;
	size_t left = in.len, n = 0;
	struct element e = { KIND_U, 0 };

	if (scan_array(&n, &p, &left) != OV_OK || n == 0 ||
	    scan_element(&e, &p, &left) != OV_OK || e.kind != KIND_U ||
	    e.value > 0xffff || layout_of((enum ov_msg)e.value) == NULL)
		return OV_MSG_NONE;
	return (enum ov_msg)e.value;
}

enum ov_status
ov_msg_decode(void *msg, enum ov_msg type, struct ov_bytes in)
{
	const struct layout *l = layout_of(type);
	msgpack_unpacked u;
	size_t off = 0;
	enum ov_status st;

	if (l == NULL)
		return OV_E_WIRE_UNKNOWN;
	msgpack_unpacked_init(&u);
	OV_TRY(scan(l, in));
	OV_REQUIRE(msgpack_unpack_next(&u, (const char *)in.p, in.len, &off) ==
			   MSGPACK_UNPACK_SUCCESS &&
		       off == in.len,
	    OV_E_NOMEM);
	OV_REQUIRE(u.data.type == MSGPACK_OBJECT_ARRAY &&
		       u.data.via.array.size == l->n_fields + 1,
	    OV_E_BUG);
	for (size_t i = 0; i < l->n_fields; i++)
		take((uint8_t *)msg + l->fields[i].offset, &l->fields[i],
		    &u.data.via.array.ptr[i + 1]);
done:
	msgpack_unpacked_destroy(&u);
	return st;
}
