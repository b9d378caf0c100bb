#include "client/book/encoding.h"

#include <inttypes.h>
#include <string.h>

#define SAVE_AS "save the file again as CSV UTF-8"

/* Windows-1252 0x80 to 0x9f (the WHATWG index without its control characters);
 * 0 where the code page has nothing.  0xa0 to 0xff are Latin-1. */
static const uint16_t high_1252[32] = { 0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020,
	0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017d, 0, 0, 0x2018, 0x2019,
	0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,
	0x017e, 0x0178 };

const char *
ov_encoding_name(enum ov_encoding e)
{
	switch (e) {
	case OV_ENCODING_ASCII:
		return "ASCII";
	case OV_ENCODING_UTF8:
		return "UTF-8";
	case OV_ENCODING_UTF8_BOM:
		return "UTF-8 with byte-order mark";
	case OV_ENCODING_UTF16LE:
		return "UTF-16, little-endian";
	case OV_ENCODING_UTF16BE:
		return "UTF-16, big-endian";
	case OV_ENCODING_WINDOWS1252:
		return "Windows-1252";
	}
	return "unknown";
}

void
ov_decoder_init(struct ov_decoder *d, ov_text_fn *fn, void *ctx)
{
	memset(d, 0, sizeof(*d));
	d->fn = fn;
	d->ctx = ctx;
}

static enum ov_status
refuse(struct ov_fault *fault, uint64_t offset, unsigned byte, const char *what)
{
	return ov_fault_set(fault, OV_E_IMPORT_ENCODING, 0,
	    "byte %" PRIu64 " of the file (0x%02x) %s; " SAVE_AS, offset + 1, byte, what);
}

/* cp < 0x110000 and no surrogate: at most 4 bytes. */
static enum ov_status
emit(struct ov_decoder *d, uint32_t cp)
{
	uint8_t out[4];
	size_t n = 0;

	if (cp < 0x80) {
		out[n++] = (uint8_t)cp;
	} else if (cp < 0x800) {
		out[n++] = (uint8_t)(0xc0 | (cp >> 6));
	} else if (cp < 0x10000) {
		out[n++] = (uint8_t)(0xe0 | (cp >> 12));
		out[n++] = (uint8_t)(0x80 | ((cp >> 6) & 0x3f));
	} else {
		out[n++] = (uint8_t)(0xf0 | (cp >> 18));
		out[n++] = (uint8_t)(0x80 | ((cp >> 12) & 0x3f));
		out[n++] = (uint8_t)(0x80 | ((cp >> 6) & 0x3f));
	}
	if (cp >= 0x80)
		out[n++] = (uint8_t)(0x80 | (cp & 0x3f));
	return d->fn(d->ctx, out, n);
}

/* Continuation bytes after lead byte b; 0 if b starts no sequence (RFC 3629). */
static size_t
sequence_need(uint8_t b)
{
	if (b >= 0xc2 && b <= 0xdf)
		return 1;
	if (b >= 0xe0 && b <= 0xef)
		return 2;
	return b >= 0xf0 && b <= 0xf4 ? 3 : 0;
}

/* Would b continue the sequence that starts with pend?  The second byte excludes
 * overlong forms, surrogates and values over 0x10ffff (RFC 3629 section 4). */
static bool
continues(const struct ov_decoder *d, uint8_t b)
{
	uint8_t lo = 0x80, hi = 0xbf;

	if (d->n_pend == 1) {
		if (d->pend[0] == 0xe0)
			lo = 0xa0;
		else if (d->pend[0] == 0xed)
			hi = 0x9f;
		else if (d->pend[0] == 0xf0)
			lo = 0x90;
		else if (d->pend[0] == 0xf4)
			hi = 0x8f;
	}
	return b >= lo && b <= hi;
}

static enum ov_status
feed_1252(struct ov_decoder *d, uint8_t b, uint64_t at, struct ov_fault *fault)
{
	uint32_t cp = b >= 0x80 && b < 0xa0 ? high_1252[b - 0x80] : b;

	if (d->shadow > 0 && (b & 0xc0) == 0x80) {
		if (--d->shadow == 0)
			d->utf8_runs++;
	} else if (b >= 0x80) {
		d->odd_bytes += d->shadow > 0; /* the lead byte before was alone */
		d->shadow = sequence_need(b);
		d->odd_bytes += d->shadow == 0;
	} else {
		d->odd_bytes += d->shadow > 0;
		d->shadow = 0;
	}
	if (cp == 0)
		return refuse(fault, at, b, "is neither UTF-8 nor Windows-1252");
	return emit(d, cp);
}

/* The first high bytes are no UTF-8: they, and all that follows, are Windows-1252. */
static enum ov_status
fall_back(struct ov_decoder *d, uint8_t next, struct ov_fault *fault)
{
	uint64_t first = d->offset - d->n_pend;
	enum ov_status st = OV_OK;
	size_t n = d->n_pend;

	d->encoding = OV_ENCODING_WINDOWS1252;
	d->odd_at = first;
	d->odd_byte = n > 0 ? d->pend[0] : next;
	d->n_pend = 0;
	for (size_t i = 0; i < n && st == OV_OK; i++)
		st = feed_1252(d, d->pend[i], first + i, fault);
	return st;
}

static enum ov_status
feed_utf8(struct ov_decoder *d, uint8_t b, struct ov_fault *fault)
{
	enum ov_status st;

	if (d->n_pend == 0 && b < 0x80)
		return emit(d, b);
	if (d->n_pend == 0 ? (d->need = sequence_need(b)) > 0 : continues(d, b)) {
		d->pend[d->n_pend++] = b;
		if (d->n_pend <= d->need)
			return OV_OK;
		d->n_pend = 0;
		if (d->encoding == OV_ENCODING_ASCII)
			d->encoding = OV_ENCODING_UTF8;
		return d->fn(d->ctx, d->pend, d->need + 1);
	}
	if (d->encoding != OV_ENCODING_ASCII)
		return refuse(fault, d->offset - d->n_pend,
		    d->n_pend > 0 ? d->pend[0] : b, "is not valid UTF-8");
	if ((st = fall_back(d, b, fault)) != OV_OK)
		return st;
	return feed_1252(d, b, d->offset, fault);
}

static enum ov_status
feed_utf16(struct ov_decoder *d, uint8_t b, struct ov_fault *fault)
{
	uint16_t unit;
	uint32_t cp;

	d->pend[d->n_pend++] = b;
	if (d->n_pend < 2)
		return OV_OK;
	d->n_pend = 0;
	if (d->encoding == OV_ENCODING_UTF16LE)
		unit = (uint16_t)(d->pend[0] | d->pend[1] << 8);
	else
		unit = (uint16_t)(d->pend[1] | d->pend[0] << 8);
	if ((unit & 0xfc00) == 0xdc00 ? d->high == 0 : d->high != 0)
		return refuse(
		    fault, d->offset - 1, d->pend[0], "is half of a UTF-16 pair");
	if ((unit & 0xfc00) == 0xd800) {
		d->high = unit;
		return OV_OK;
	}
	/* both halves carry 10 bits: cp <= 0x10000 + 0xfffff */
	cp = d->high == 0
		 ? unit
		 : 0x10000 + ((uint32_t)(d->high & 0x3ff) << 10 | (unit & 0x3ff));
	d->high = 0;
	if (cp == 0)
		return refuse(fault, d->offset - 1, 0, "is a zero character");
	return emit(d, cp);
}

static enum ov_status
feed_byte(struct ov_decoder *d, uint8_t b, struct ov_fault *fault)
{
	switch (d->encoding) {
	case OV_ENCODING_UTF16LE:
	case OV_ENCODING_UTF16BE:
		return feed_utf16(d, b, fault);
	case OV_ENCODING_ASCII:
	case OV_ENCODING_UTF8:
	case OV_ENCODING_UTF8_BOM:
		if (b == 0)
			return refuse(fault, d->offset, 0,
			    "is zero (UTF-16 without "
			    "byte-order mark?)");
		return feed_utf8(d, b, fault);
	case OV_ENCODING_WINDOWS1252:
		if (b == 0)
			return refuse(fault, d->offset, 0, "is zero");
		return feed_1252(d, b, d->offset, fault);
	}
	return OV_E_BUG;
}

/* Decides on the byte-order mark once enough bytes are there, or the file ends. */
static enum ov_status
start(struct ov_decoder *d, bool at_end, struct ov_fault *fault)
{
	static const uint8_t bom8[3] = { 0xef, 0xbb, 0xbf };
	uint8_t head[3] = { 0, 0, 0 };
	size_t n = d->n_pend, skip = 0;
	enum ov_status st = OV_OK;

	if (n < 3 && !at_end)
		return OV_OK;
	d->started = true;
	memcpy(head, d->pend, sizeof(head));
	d->n_pend = 0;
	if (n >= 2 && memcmp(head, "PK", 2) == 0 && n == 3 && head[2] < 0x20)
		return ov_fault_set(fault, OV_E_IMPORT_FORMAT, 0,
		    "this is an Excel workbook or another archive; " SAVE_AS);
	if (n == 3 && memcmp(head, bom8, 3) == 0) {
		d->encoding = OV_ENCODING_UTF8_BOM;
		return OV_OK;
	}
	if (n >= 2 && head[0] == 0xff && head[1] == 0xfe)
		d->encoding = OV_ENCODING_UTF16LE;
	else if (n >= 2 && head[0] == 0xfe && head[1] == 0xff)
		d->encoding = OV_ENCODING_UTF16BE;
	if (d->encoding != OV_ENCODING_ASCII)
		skip = 2;
	d->offset = skip;
	for (size_t i = skip; i < n && st == OV_OK; i++, d->offset++)
		st = feed_byte(d, head[i], fault);
	return st;
}

/* Length of the run of ASCII without NUL at p: most of every file, passed on whole. */
static size_t
ascii_run(const uint8_t *p, size_t len)
{
	size_t n = 0;

	while (n < len && p[n] - 1U < 0x7f)
		n++;
	return n;
}

static bool
is_plain(const struct ov_decoder *d)
{
	return d->n_pend == 0 && d->shadow == 0 && d->encoding != OV_ENCODING_UTF16LE &&
	       d->encoding != OV_ENCODING_UTF16BE;
}

enum ov_status
ov_decoder_feed(
    struct ov_decoder *d, const uint8_t *bytes, size_t len, struct ov_fault *fault)
{
	enum ov_status st = OV_OK;
	size_t run;

	for (size_t i = 0; i < len && st == OV_OK;) {
		if (!d->started) {
			d->pend[d->n_pend++] = bytes[i++];
			d->offset++;
			st = start(d, false, fault);
		} else if (is_plain(d) && (run = ascii_run(bytes + i, len - i)) > 0) {
			st = d->fn(d->ctx, bytes + i, run);
			d->offset += run;
			i += run;
		} else {
			st = feed_byte(d, bytes[i++], fault);
			d->offset++;
		}
	}
	return st;
}

enum ov_status
ov_decoder_end(struct ov_decoder *d, struct ov_fault *fault)
{
	enum ov_status st = d->started ? OV_OK : start(d, true, fault);

	if (st != OV_OK)
		return st;
	if (d->n_pend > 0 && d->encoding == OV_ENCODING_ASCII) {
		st = fall_back(d, 0, fault);
	} else if (d->n_pend > 0 || d->high != 0) {
		st = refuse(fault, d->offset - d->n_pend, d->pend[0],
		    "starts a character that the file's end cuts off");
	}
	d->odd_bytes += d->shadow > 0;
	if (st == OV_OK && d->utf8_runs > d->odd_bytes)
		st = refuse(fault, d->odd_at, d->odd_byte,
		    "is the first that is not UTF-8, as most of the file is");
	return st;
}
