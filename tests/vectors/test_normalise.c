/* Does every value normalise to what the table of its profile says, and stay there when
 * it is normalised again? */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "client/normalise/normalise.h"

#define FIELDS 4

static const struct ov_profile *profile;

struct vector {
	char *kind, *in, *want, *cc;
	size_t in_len;
	int line;
};

/* \t \n \r \\ \xHH in place; the new length. */
static size_t
unescape(char *s)
{
	char *out = s, *start = s;
	unsigned int byte;

	for (; *s != '\0'; s++) {
		if (*s != '\\') {
			*out++ = *s;
		} else if (s[1] == 'x' && sscanf(s + 2, "%2x", &byte) == 1) {
			*out++ = (char)byte;
			s += 3;
		} else {
			s++;
			*out++ = *s == 't'   ? '\t'
				 : *s == 'n' ? '\n'
				 : *s == 'r' ? '\r'
					     : *s;
		}
	}
	*out = '\0';
	return (size_t)(out - start);
}

static bool
parse(struct vector *v, char *line)
{
	char *field[FIELDS] = { NULL, NULL, NULL, NULL };
	size_t n = 0;

	line[strcspn(line, "\n")] = '\0';
	if (line[0] == '\0' || line[0] == '#')
		return false;
	while (n < FIELDS && line != NULL)
		field[n++] = strsep(&line, "\t");
	assert_true(n >= 3);
	v->kind = field[0];
	v->in = field[1];
	v->want = field[2];
	v->cc = field[3];
	v->in_len = unescape(v->in);
	(void)unescape(v->want);
	return true;
}

/* All names that the cell holds: "Meta (formerly Facebook)|Facebook". */
static enum ov_drop
join_names(char *out, const char *in, size_t len)
{
	struct ov_name_part part[OV_NAMES_MAX];
	size_t n = ov_normalise_names(profile, part, in, len), used = 0;

	for (size_t i = 0; i < n; i++)
		used += (size_t)snprintf(out + used, OV_TOKEN_VALUE_CAP - used, "%s%.*s",
		    i > 0 ? "|" : "", (int)part[i].len, part[i].p);
	return OV_DROP_NONE;
}

/* What the website tells of the name: "True Link@truelinkfinancial.com". */
static enum ov_drop
name_of_label(char *out, const char *in, size_t len, const char *cc)
{
	const char *at = memchr(in, '@', len);
	char domain[OV_TOKEN_VALUE_CAP];
	struct ov_name_signs signs;

	assert_non_null(at);
	assert_int_equal(ov_normalise_domain(profile, domain, at + 1,
			     len - (size_t)(at + 1 - in), OV_FROM_WEBSITE),
	    OV_DROP_NONE);
	assert_int_equal(
	    ov_normalise_name_signs(profile, out, &signs, in, (size_t)(at - in), cc),
	    OV_DROP_NONE);
	return ov_normalise_label_name(profile, out, domain, &signs, cc);
}

/* The domain of an account of a name: "Acme@acme.builder.example". */
static enum ov_drop
domain_of_site(char *out, const char *in, size_t len)
{
	const char *at = memchr(in, '@', len);
	char name[OV_TOKEN_VALUE_CAP];
	struct ov_name_signs s;

	assert_non_null(at);
	assert_int_equal(
	    ov_normalise_name_signs(profile, name, &s, in, (size_t)(at - in), NULL),
	    OV_DROP_NONE);
	return ov_normalise_site(profile, out, at + 1, len - (size_t)(at + 1 - in),
	    &(struct ov_kin_name){ OV_BYTES(name, strlen(name)),
		OV_BYTES(s.written, strlen(s.written)),
		OV_BYTES(s.initials, strlen(s.initials)), s.is_unit });
}

static enum ov_drop
bearers_of(char *out, const char *in, size_t len)
{
	static const char *const words[] = { "one", "several", "many" };
	struct ov_name_signs s;
	enum ov_drop why = ov_normalise_name_signs(profile, out, &s, in, len, NULL);

	if (why == OV_DROP_NONE)
		memcpy(out, words[s.bearers], strlen(words[s.bearers]) + 1);
	return why;
}

static enum ov_drop
apply(const char *kind, char *out, const char *in, size_t len, const char *cc)
{
	const struct ov_profile *p = profile;

	if (strcmp(kind, "website") == 0)
		return ov_normalise_domain(p, out, in, len, OV_FROM_WEBSITE);
	if (strcmp(kind, "email") == 0)
		return ov_normalise_domain(p, out, in, len, OV_FROM_EMAIL);
	if (strcmp(kind, "name") == 0)
		return ov_normalise_name(p, out, in, len, cc);
	if (strcmp(kind, "namecc") == 0)
		return ov_normalise_name_country(p, out, in, len, cc);
	if (strcmp(kind, "country") == 0)
		return ov_normalise_country(p, out, in, len);
	if (strcmp(kind, "lei") == 0)
		return ov_normalise_lei(p, out, in, len);
	if (strcmp(kind, "cik") == 0)
		return ov_normalise_cik(p, out, in, len);
	if (strcmp(kind, "duns") == 0)
		return ov_normalise_duns(p, out, in, len);
	if (strcmp(kind, "vat") == 0)
		return ov_normalise_vat(p, out, in, len, cc);
	if (strcmp(kind, "id") == 0)
		return ov_normalise_scheme_id(p, out, "acme", in, len);
	if (strcmp(kind, "ticker") == 0)
		return ov_normalise_scheme_id(p, out, OV_SCHEME_TICKER, in, len);
	if (strcmp(kind, "names") == 0)
		return join_names(out, in, len);
	if (strcmp(kind, "label") == 0)
		return name_of_label(out, in, len, cc);
	if (strcmp(kind, "site") == 0)
		return domain_of_site(out, in, len);
	if (strcmp(kind, "bearers") == 0)
		return bearers_of(out, in, len);
	fail_msg("unknown kind %s", kind);
	return OV_DROP_NONE;
}

static const char *
drop_name(enum ov_drop why)
{
	static const char *const names[OV_DROP_COUNT] = { "none", "empty", "control",
		"encoding", "too_long", "malformed", "ip_literal", "unknown_tld",
		"public_suffix", "shared_host", "free_mail", "bad_checksum",
		"placeholder", "no_country", "unknown_country", "no_exchange",
		"unknown_exchange", "not_in_profile", "common_name" };

	return names[why];
}

/* What comes out is not what goes in: it is not applied again. */
static bool
gives_another_kind(const char *kind)
{
	return strcmp(kind, "namecc") == 0 || strcmp(kind, "names") == 0 ||
	       strcmp(kind, "label") == 0 || strcmp(kind, "site") == 0 ||
	       strcmp(kind, "bearers") == 0;
}

static bool
check(const struct vector *v)
{
	char got[OV_TOKEN_VALUE_CAP + 1] = "!", again[OV_TOKEN_VALUE_CAP];
	enum ov_drop why = apply(v->kind, got, v->in, v->in_len, v->cc);

	if (why != OV_DROP_NONE) {
		assert_string_equal(got, "");
		snprintf(got, sizeof(got), "!%s", drop_name(why));
	} else if (!gives_another_kind(v->kind)) {
		/* a drop would leave "" */
		(void)apply(v->kind, again, got, strlen(got), v->cc);
		if (strcmp(again, got) != 0) {
			print_error("line %d: '%s' becomes '%s'\n", v->line, got, again);
			return false;
		}
	}
	if (strcmp(got, v->want) != 0) {
		print_error("line %d: %s '%s': got '%s', want '%s'\n", v->line, v->kind,
		    v->in, got, v->want);
		return false;
	}
	return true;
}

static void
run(const char *id, const char *path)
{
	FILE *f = fopen(path, "r");
	int line_no = 0, ran = 0, wrong = 0;
	char line[8192];

	profile = ov_profile_by_id(id);
	assert_non_null(profile);
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		struct vector v = { .line = ++line_no };

		if (!parse(&v, line))
			continue;
		ran++;
		wrong += check(&v) ? 0 : 1;
	}
	fclose(f);
	print_message("%d vectors\n", ran);
	assert_true(ran > 0);
	assert_int_equal(wrong, 0);
}

static void
current_profile_gives_every_vector(void **state)
{
	(void)state;
	run("ov-norm-2", OV_SOURCE_DIR "/tests/vectors/normalise.tsv");
}

/* What partners of the release before this one reach must not move any more. */
static void
previous_profile_gives_what_it_always_gave(void **state)
{
	(void)state;
	run("ov-norm-1", OV_SOURCE_DIR "/tests/vectors/normalise_1.tsv");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(current_profile_gives_every_vector),
		cmocka_unit_test(previous_profile_gives_what_it_always_gave),
	};

	if (ov_normalise_init() != OV_OK)
		return 1;
	return cmocka_run_group_tests_name("normalise vectors", tests, NULL, NULL);
}
