#include "client/normalise/kinship.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define NEAR_MIN 3 /* letters that two beginnings have in common by no accident */

struct letters {
	uint8_t p[256]; /* values have at most 255 bytes */
	size_t n;
};

/* The domain's letters without hyphens and dots: of its first label, or of all. */
static void
spell(struct letters *out, struct ov_bytes domain, bool whole)
{
	out->n = 0;
	for (size_t i = 0; i < domain.len; i++) {
		if (domain.p[i] == '.' && !whole)
			break;
		if (domain.p[i] != '.' && domain.p[i] != '-')
			out->p[out->n++] = domain.p[i];
	}
}

static bool
is_same(const struct letters *a, struct ov_bytes b)
{
	return a->n == b.len && memcmp(a->p, b.p, b.len) == 0;
}

static bool
begin_alike(const struct letters *a, struct ov_bytes b)
{
	size_t least = a->n < b.len ? a->n : b.len;

	return least >= NEAR_MIN && memcmp(a->p, b.p, least) == 0;
}

/* "hartford" of thehartford.com, "robert bosch" of bosch.com */
static bool
end_alike(const struct letters *a, struct ov_bytes b)
{
	size_t least = a->n < b.len ? a->n : b.len;

	return least > NEAR_MIN &&
	       memcmp(a->p + a->n - least, b.p + b.len - least, least) == 0;
}

static bool
is_fund(struct ov_bytes name)
{
	static const char *const words[] = { "fund", "etf", "portfolio" };
	const struct ov_bytes *n = &name;

	if (memmem(n->p, n->len, words[0], strlen(words[0])) != NULL)
		return true;
	for (size_t i = 1; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t len = strlen(words[i]);

		if (n->len > len && memcmp(n->p + n->len - len, words[i], len) == 0)
			return true;
	}
	return false;
}

enum ov_kinship
ov_kinship(const struct ov_kin_name *n, struct ov_bytes domain)
{
	struct letters label, whole;

	if (n->name.len == 0)
		return OV_KIN_NEAR;
	spell(&label, domain, false);
	spell(&whole, domain, true);
	if (is_same(&label, n->name) || is_same(&label, n->written) ||
	    is_same(&whole, n->name) || is_same(&whole, n->written) || /* "booking com" */
	    (n->initials.len > 1 && is_same(&label, n->initials)))
		return OV_KIN_HOUSE;
	if ((n->is_unit || is_fund(n->name)) && !is_fund(OV_BYTES(label.p, label.n)))
		return OV_KIN_UNIT;
	return begin_alike(&label, n->name) || begin_alike(&label, n->written) ||
		       end_alike(&label, n->written)
		   ? OV_KIN_NEAR
		   : OV_KIN_NONE;
}
