#include "client/normalise/others.h"

#include <stdlib.h>
#include <string.h>

/* Without a country, a few letters are several companies' initials. */
#define BARE_MIN 6
#define KEY_CAP (3 + OV_TOKEN_VALUE_CAP)

struct ov_others {
	const struct ov_profile *profile;
	struct ov_table table; /* "CC name" or "name" -> offset in names */
	char *names;	       /* each ended by NUL */
	size_t used, cap;
};

static size_t
make_key(char out[KEY_CAP], const char *name, size_t len, const char *cc)
{
	size_t n = 0;

	if (cc != NULL) {
		memcpy(out, cc, 2);
		out[2] = ' ';
		n = 3;
	}
	memcpy(out + n, name, len);
	return n + len;
}

const char *
ov_others_find(const struct ov_others *o, const char *name, size_t len, const char *cc)
{
	char key[KEY_CAP];
	uint64_t at;

	if (o == NULL || len > OV_TOKEN_VALUE_MAX)
		return NULL;
	return ov_table_get(&o->table, key, make_key(key, name, len, cc), &at)
		   ? o->names + at
		   : NULL;
}

static enum ov_status
keep_name(uint64_t *at, struct ov_others *o, const char *name)
{
	size_t len = strlen(name) + 1, cap = o->cap > 0 ? 2 * o->cap : 4096;
	char *more;

	if (o->used + len > o->cap) { /* len is at most 256 */
		more = realloc(o->names, cap);
		if (more == NULL)
			return OV_E_NOMEM;
		o->names = more;
		o->cap = cap;
	}
	*at = o->used;
	memcpy(o->names + o->used, name, len);
	o->used += len;
	return OV_OK;
}

/* In one country, or, for NULL, in any. */
static enum ov_status
add_in(struct ov_others *o, const struct ov_field *name, const struct ov_field *other,
    const char *cc)
{
	char value[OV_TOKEN_VALUE_CAP], alias[OV_TOKEN_VALUE_CAP], key[KEY_CAP];
	const char *before;
	uint64_t at;
	enum ov_status st = OV_OK;

	OV_REQUIRE(
	    ov_normalise_name(o->profile, value, name->p, name->len, cc) == OV_DROP_NONE,
	    OV_E_BUG);
	OV_REQUIRE(ov_normalise_name(o->profile, alias, other->p, other->len, cc) ==
		       OV_DROP_NONE,
	    OV_E_BUG);
	if (cc == NULL && strlen(alias) < BARE_MIN)
		goto done;
	/* neither a chain nor two meanings, and not for nothing */
	OV_REQUIRE(strcmp(value, alias) != 0 &&
		       ov_others_find(o, value, strlen(value), cc) == NULL,
	    OV_E_BUG);
	before = ov_others_find(o, alias, strlen(alias), cc);
	OV_REQUIRE(before == NULL || strcmp(before, value) == 0, OV_E_BUG);
	OV_TRY(keep_name(&at, o, value));
	OV_TRY(ov_table_put(&o->table, key, make_key(key, alias, strlen(alias), cc), at));
done:
	return st;
}

static enum ov_status
add(void *ctx, const struct ov_field *f, size_t n)
{
	char cc[OV_COUNTRY_CAP] = "";
	enum ov_status st = OV_OK;

	OV_REQUIRE(n == 3 && f[0].len % 3 == 2, OV_E_BUG);
	for (size_t i = 0; i < f[0].len; i += 3) {
		memcpy(cc, f[0].p + i, 2);
		OV_TRY(add_in(ctx, &f[1], &f[2], cc));
	}
	OV_TRY(add_in(ctx, &f[1], &f[2], NULL));
done:
	return st;
}

enum ov_status
ov_others_new(
    struct ov_others **out, const struct ov_profile *p, struct ov_list_file file)
{
	struct ov_others *o = calloc(1, sizeof(*o));
	enum ov_status st;

	*out = NULL;
	OV_REQUIRE(o != NULL, OV_E_NOMEM);
	o->profile = p;
	OV_TRY(ov_list_each(file, add, o));
	*out = o;
	o = NULL;
done:
	ov_others_free(o);
	return st;
}

void
ov_others_free(struct ov_others *o)
{
	if (o == NULL)
		return;
	ov_table_fini(&o->table);
	free(o->names);
	free(o);
}
