#include "client/book/ticker.h"

#include <stdbool.h>
#include <string.h>

#include "client/normalise/ascii.h"

#define ALIKE_MIN 2 /* letters that two classes of shares have in common */

struct reading {
	struct ov_bytes exchange, before; /* the symbol that had it; empty: none yet */
	ov_listing_fn *fn;
	void *ctx;
};

static struct ov_bytes
trim(struct ov_bytes text)
{
	while (text.len > 0 && ov_among((char)text.p[0], " \t/()[]"))
		text.p++, text.len--;
	while (text.len > 0 && ov_among((char)text.p[text.len - 1], " \t/()[]"))
		text.len--;
	return text;
}

/* Length of the mark between two parts at p: 0 if there is none. */
static size_t
mark_at(struct ov_bytes text, size_t i)
{
	static const char *const words[] = { " and ", " & ", " / " };

	if (ov_among((char)text.p[i], ";,|"))
		return 1;
	for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++)
		if (text.len - i > strlen(words[k]) &&
		    memcmp(text.p + i, words[k], strlen(words[k])) == 0)
			return strlen(words[k]);
	return 0;
}

/* The next part that is not empty; empty at the end. */
static struct ov_bytes
next_part(struct ov_bytes *rest)
{
	struct ov_bytes part = { rest->p, 0 };

	while (rest->len > 0 && part.len == 0) {
		size_t n = 0, mark = 0;

		while (n < rest->len && (mark = mark_at(*rest, n)) == 0)
			n++;
		part = trim(OV_BYTES(rest->p, n));
		rest->p += n + mark;
		rest->len -= n + mark;
	}
	return part;
}

static size_t
count_parts(struct ov_bytes cell)
{
	size_t n = 0;

	while (next_part(&cell).len > 0)
		n++;
	return n;
}

static bool
begin_alike(struct ov_bytes a, struct ov_bytes b)
{
	for (size_t i = 0; i < ALIKE_MIN; i++)
		if (i >= a.len || i >= b.len ||
		    ov_lower((char)a.p[i]) != ov_lower((char)b.p[i]))
			return false;
	return true;
}

static enum ov_status
tell(struct reading *r, struct ov_bytes symbol)
{
	symbol = trim(symbol);
	if (symbol.len == 0)
		return OV_OK;
	if (r->before.len > 0 && !begin_alike(r->before, symbol))
		return r->fn(r->ctx, OV_BYTES("", 0), symbol);
	r->before = symbol;
	return r->fn(r->ctx, r->exchange, symbol);
}

/* "GOOGL/GOOG" are two symbols, "BRK/B" is one. */
static enum ov_status
tell_symbols(struct reading *r, struct ov_bytes text)
{
	enum ov_status st = OV_OK;

	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] == '/' &&
		    begin_alike(text, OV_BYTES(text.p + i + 1, text.len - i - 1))) {
			OV_TRY(tell(r, OV_BYTES(text.p, i)));
			text = OV_BYTES(text.p + i + 1, text.len - i - 1);
			i = 0;
		}
	OV_TRY(tell(r, text));
done:
	return st;
}

/* Without a mark between them, the next exchange begins behind the first word. */
static size_t
end_of_symbol(struct ov_bytes text)
{
	size_t n = 0;

	if (text.len == 0 || memchr(text.p, ':', text.len) == NULL)
		return text.len;
	while (!ov_among((char)text.p[n], " \t/:"))
		n++;
	return n;
}

static enum ov_status
tell_part(struct reading *r, struct ov_bytes part)
{
	enum ov_status st = OV_OK;

	while (part.len > 0) {
		const uint8_t *colon = memchr(part.p, ':', part.len);
		size_t n;

		if (colon != NULL) {
			n = (size_t)(colon - part.p);
			r->exchange = trim(OV_BYTES(part.p, n));
			r->before = OV_BYTES("", 0);
			part = trim(OV_BYTES(colon + 1, part.len - n - 1));
		}
		n = end_of_symbol(part);
		OV_TRY(tell_symbols(r, OV_BYTES(part.p, n)));
		part = trim(OV_BYTES(part.p + n, part.len - n));
	}
done:
	return st;
}

enum ov_status
ov_ticker_each(
    struct ov_bytes ticker, struct ov_bytes exchange, ov_listing_fn *fn, void *ctx)
{
	struct reading r = { trim(exchange), OV_BYTES("", 0), fn, ctx };
	const size_t n = count_parts(exchange);
	const bool one_each = n > 1 && n == count_parts(ticker);
	struct ov_bytes part;
	enum ov_status st = OV_OK;

	while ((part = next_part(&ticker)).len > 0) {
		if (one_each) {
			r.exchange = next_part(&exchange);
			r.before = OV_BYTES("", 0);
		}
		OV_TRY(tell_part(&r, part));
	}
done:
	return st;
}
