/* The promises of normalise.h that hold for every value: applying twice changes nothing,
 * no control characters, valid UTF-8, bounded; profiles; threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <pthread.h>

#include "client/normalise/lists.h"
#include "client/normalise/normalise.h"
#include "common/crypto/hash.h"

typedef enum ov_drop (*rule)(char *out, const char *in, size_t len);

/* The profile that the rules below go by. */
static const struct ov_profile *profile;

static enum ov_drop
website(char *out, const char *in, size_t len)
{
	return ov_normalise_domain(profile, out, in, len, OV_FROM_WEBSITE);
}

static enum ov_drop
email(char *out, const char *in, size_t len)
{
	return ov_normalise_domain(profile, out, in, len, OV_FROM_EMAIL);
}

static enum ov_drop
name(char *out, const char *in, size_t len)
{
	return ov_normalise_name(profile, out, in, len, NULL);
}

static enum ov_drop
german_name(char *out, const char *in, size_t len)
{
	return ov_normalise_name(profile, out, in, len, "DE");
}

static enum ov_drop
country(char *out, const char *in, size_t len)
{
	return ov_normalise_country(profile, out, in, len);
}

static enum ov_drop
lei(char *out, const char *in, size_t len)
{
	return ov_normalise_lei(profile, out, in, len);
}

static enum ov_drop
cik(char *out, const char *in, size_t len)
{
	return ov_normalise_cik(profile, out, in, len);
}

static enum ov_drop
duns(char *out, const char *in, size_t len)
{
	return ov_normalise_duns(profile, out, in, len);
}

static enum ov_drop
german_vat(char *out, const char *in, size_t len)
{
	return ov_normalise_vat(profile, out, in, len, "DE");
}

static enum ov_drop
scheme_id(char *out, const char *in, size_t len)
{
	return ov_normalise_scheme_id(profile, out, "acme", in, len);
}

static enum ov_drop
ticker(char *out, const char *in, size_t len)
{
	return ov_normalise_scheme_id(profile, out, OV_SCHEME_TICKER, in, len);
}

static const rule rules[] = { website, email, name, german_name, country, lei, cik, duns,
	german_vat, scheme_id, ticker };
#define RULES (sizeof(rules) / sizeof(rules[0]))

/* Goes through the profiles of the release, current first. */
#define FOR_PROFILES(i) for (size_t i = 0; (profile = ov_profile_at(i)) != NULL; i++)

static int
current_profile(void **state)
{
	(void)state;
	profile = ov_profile_current();
	return 0;
}

static bool
is_utf8(const char *text)
{
	const uint8_t *p = (const uint8_t *)text;

	while (*p != 0) {
		int more = *p < 0x80	? 0
			   : *p >= 0xf0 ? 3
			   : *p >= 0xe0 ? 2
			   : *p >= 0xc2 ? 1
					: -1;

		if (more < 0)
			return false;
		for (p++; more > 0; more--, p++)
			if ((*p & 0xc0) != 0x80)
				return false;
	}
	return true;
}

static void
check(rule r, const char *in, size_t len)
{
	char out[OV_TOKEN_VALUE_CAP], again[OV_TOKEN_VALUE_CAP];
	enum ov_drop why;

	memset(out, 'x', sizeof(out));
	why = r(out, in, len);
	assert_non_null(memchr(out, '\0', sizeof(out)));
	if (why != OV_DROP_NONE) {
		assert_string_equal(out, "");
		return;
	}
	assert_true(out[0] != '\0');
	assert_true(is_utf8(out));
	for (const char *p = out; *p != '\0'; p++)
		assert_true((uint8_t)*p >= 0x20 && *p != 0x7f);
	assert_int_equal(r(again, out, strlen(out)), OV_DROP_NONE);
	assert_string_equal(again, out);
}

static uint64_t seed = 1;

static uint32_t
draw(uint32_t below)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (uint32_t)((seed * 0x2545f4914f6cdd1dU) >> 33) % below;
}

/* Texts put together from pieces that the rules look for. */
static void
promises_hold_for_made_up_text(void **state)
{
	static const char *const pieces[] = { "a", "B", "smith", "Acme", " ", " ", ".",
		",", "-", "/", "\\", "&", "&amp;", "&#39;", "(", ")", "[", "]", "the ",
		" The", "Inc", " Inc.", "S.A.", " GmbH & Co. KG", " AG", "Group", "/DE/",
		"株式会社", "㈱", "有限公司", "ß", "İ", "ø", "é", "e\xcc\x81",
		"\xe2\x84\xa2", "ﬁ", "com", ".com", "www.", "https://", "http:\\\\", "@",
		":", "8080", "github", "okta.com", "gov.uk", "co.uk", "xn--", "bücher",
		".de", "。", "\xc2\xa0", "\t", "0", "9", "US", "Charles", "J.", " B ",
		"'", "’", "+", " + ", "and", "und", "ООО ", "\xef\xbb\xbf", "%",
		"?q=", "#", "Ltd", "s.r.o.", "בע\"מ", "한국", "ｆｕｌｌ", "Ⅷ", "½", "ﷺ",
		"ᾳ", "ǆ" };
	char text[512];

	(void)state;
	FOR_PROFILES(age)
	for (int round = 0; round < 5000; round++) {
		size_t len = 0;
		uint32_t n = 1 + draw(9);

		while (n-- > 0) {
			const char *piece =
			    pieces[draw(sizeof(pieces) / sizeof(pieces[0]))];

			memcpy(text + len, piece, strlen(piece));
			len += strlen(piece);
		}
		for (size_t r = 0; r < RULES; r++)
			check(rules[r], text, len);
	}
}

static void
promises_hold_for_random_bytes(void **state)
{
	char text[300];

	(void)state;
	FOR_PROFILES(age)
	for (int round = 0; round < 1500; round++) {
		size_t len = draw(sizeof(text));

		for (size_t i = 0; i < len; i++)
			text[i] = (char)draw(256);
		for (size_t r = 0; r < RULES; r++)
			check(rules[r], text, len);
	}
}

static void
refuses_control_characters(void **state)
{
	char text[] = "acme?.com", out[OV_TOKEN_VALUE_CAP];

	(void)state;
	for (int c = 0; c < 0x20; c++) {
		bool space = c == '\t' || c == '\n' || c == '\r';

		text[4] = (char)c;
		for (size_t r = 0; r < RULES; r++)
			if (!space)
				assert_int_equal(rules[r](out, text, sizeof(text) - 1),
				    OV_DROP_CONTROL);
	}
	text[4] = 'x'; /* the control: the same text without one */
	assert_int_equal(website(out, text, sizeof(text) - 1), OV_DROP_NONE);
}

static void
refuses_text_beyond_its_bounds(void **state)
{
	static char text[1 << 16];
	char out[OV_TOKEN_VALUE_CAP];

	(void)state;
	memset(text, 'a', sizeof(text));
	for (size_t len = 250; len < sizeof(text); len += 997)
		for (size_t r = 0; r < RULES; r++)
			check(rules[r], text, len);
	assert_int_equal(name(out, text, OV_TOKEN_VALUE_MAX), OV_DROP_NONE);
	assert_int_equal(name(out, text, OV_TOKEN_VALUE_MAX + 1), OV_DROP_TOO_LONG);
	assert_int_equal(
	    ov_normalise_name_country(profile, out, text, OV_TOKEN_VALUE_MAX - 3, "US"),
	    OV_DROP_NONE);
	assert_int_equal(
	    ov_normalise_name_country(profile, out, text, OV_TOKEN_VALUE_MAX - 2, "US"),
	    OV_DROP_TOO_LONG);
	for (size_t i = 0; i < sizeof(text); i += 2)
		text[i] = ' ';
	assert_int_equal(name(out, text, 1024), OV_DROP_TOO_LONG);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = '&';
	assert_int_equal(name(out, text, 1024), OV_DROP_TOO_LONG);
}

static void
every_drop_has_a_sentence(void **state)
{
	(void)state;
	for (int i = 0; i < OV_DROP_COUNT; i++) {
		const char *text = ov_drop_text((enum ov_drop)i);

		assert_non_null(text);
		assert_true(strlen(text) > 10);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(text, ov_drop_text((enum ov_drop)k));
	}
	assert_non_null(ov_drop_text(OV_DROP_COUNT));
}

static void
profile_binds_every_list(void **state)
{
	uint8_t mine[OV_HASH_LEN], file_digest[OV_HASH_LEN];
	struct ov_hash h, one;

	(void)state;
	FOR_PROFILES(age)
	{
		ov_hash_init(&h);
		ov_hash_lv(&h, ov_profile_id(profile), strlen(ov_profile_id(profile)));
		for (int i = 0; i < OV_LIST_COUNT; i++) {
			const struct ov_list_file f =
			    ov_list_file((enum ov_list)i, (enum ov_list_age)age);

			if (f.len == 0) /* the profile before has no such list */
				continue;
			ov_hash_init(&one);
			ov_hash_raw(&one, f.data, f.len);
			ov_hash_final(&one, file_digest);
			ov_hash_lv(&h, f.name, strlen(f.name));
			ov_hash_lv(&h, file_digest, sizeof(file_digest));
		}
		ov_hash_final(&h, mine);
		assert_memory_equal(ov_profile_digest(profile), mine, sizeof(mine));
	}
}

/* Partners of the release before know it by this digest: its lists are frozen. */
static void
previous_profile_is_frozen(void **state)
{
	char hex[2 * 8 + 1];
	const uint8_t *digest = ov_profile_digest(ov_profile_by_id("ov-norm-1"));

	(void)state;
	for (size_t i = 0; i < 8; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	assert_string_equal(hex, "0be3363cb79ff936");
}

static void
profiles_are_found_by_id_and_digest(void **state)
{
	uint8_t other[OV_PROFILE_DIGEST_LEN];
	size_t n = 0;

	(void)state;
	FOR_PROFILES(age)
	{
		n++;
		assert_ptr_equal(ov_profile_by_id(ov_profile_id(profile)), profile);
		assert_ptr_equal(
		    ov_profile_by_digest(ov_profile_digest(profile)), profile);
		memcpy(other, ov_profile_digest(profile), sizeof(other));
		other[sizeof(other) - 1] ^= 1;
		assert_null(ov_profile_by_digest(other));
	}
	assert_int_equal(n, 2);
	assert_ptr_equal(ov_profile_current(), ov_profile_at(0));
	assert_null(ov_profile_by_id("ov-norm-0"));
	assert_null(ov_profile_by_id(""));
	assert_null(ov_profile_at(1000));
}

static void
init_may_be_called_again(void **state)
{
	uint8_t before[OV_PROFILE_DIGEST_LEN];

	(void)state;
	memcpy(before, ov_profile_digest(profile), sizeof(before));
	assert_int_equal(ov_normalise_init(), OV_OK);
	assert_memory_equal(before, ov_profile_digest(profile), sizeof(before));
	ov_normalise_fini();
	assert_int_equal(ov_normalise_init(), OV_OK);
	assert_memory_equal(before, ov_profile_digest(profile), sizeof(before));
	check(website, "www.acme.co.uk", 14);
}

static bool
gives(rule r, const char *in, const char *want)
{
	char out[OV_TOKEN_VALUE_CAP];

	return r(out, in, strlen(in)) == OV_DROP_NONE && strcmp(out, want) == 0;
}

static void *
worker(void *failed)
{
	for (int i = 0; i < 2000; i++)
		if (!gives(website, "https://www.bücher.de/x", "xn--bcher-kva.de") ||
		    !gives(german_name, "Müller & Söhne GmbH", "mullersohne") ||
		    !gives(country, "Österreich", "AT"))
			*(int *)failed = 1;
	return NULL;
}

static void
threads_share_the_lists(void **state)
{
	pthread_t t[4];
	int failed[4] = { 0 };

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, worker, &failed[i]), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(failed[i], 0);
	}
}

static const struct ov_name_signs *
signs_of(const char *in, const char *cc)
{
	static struct ov_name_signs signs;
	char out[OV_TOKEN_VALUE_CAP];

	assert_int_equal(
	    ov_normalise_name_signs(profile, out, &signs, in, strlen(in), cc),
	    OV_DROP_NONE);
	return &signs;
}

static void
kind_is_told_where_it_tells_companies_apart(void **state)
{
	(void)state;
	assert_string_equal(signs_of("Deutsche Bank AG", "DE")->kind, "ag");
	assert_string_equal(
	    signs_of("Deutsche Bank Aktiengesellschaft", "DE")->kind, "ag");
	assert_string_equal(signs_of("Deutsche Bank AG", NULL)->kind, "ag");
	assert_string_equal(signs_of("Deutsche Bank GmbH", "DE")->kind, "gmbh");
	assert_string_equal(signs_of("Wuerth GmbH & Co. KG", "DE")->kind, "kg");
	assert_string_equal(signs_of("Target Group Inc.", "US")->kind, "");
	assert_string_equal(signs_of("Acme", "DE")->kind, "");
}

static void
initials_are_those_of_the_name_without_its_form(void **state)
{
	(void)state;
	assert_string_equal(
	    signs_of("The International Business Machines Corp.", "US")->initials, "ibm");
	assert_string_equal(signs_of("Acme Inc", "US")->initials, "");
	/* cut, not overrun */
	assert_int_equal(
	    strlen(signs_of("a1 b2 c3 d4 e5 f6 g7 h8 i9 j0 k1 l2 m3 n4 o5 p6 q7", NULL)
		       ->initials),
	    15);
}

static enum ov_status
check_shared(void *ctx, const struct ov_field *f, size_t n)
{
	char host[300];

	assert_int_equal(n, 2);
	if ((f[0].len == 5 && memcmp(f[0].p, "label", 5) == 0) ||
	    (f[0].len == 6 && memcmp(f[0].p, "portal", 6) == 0) ||
	    (f[0].len == 4 && memcmp(f[0].p, "unit", 4) == 0))
		return OV_OK;
	snprintf(host, sizeof(host), "%.*s", (int)f[1].len, f[1].p);
	check(website, host, strlen(host));
	snprintf(host, sizeof(host), "acme.%.*s/x", (int)f[1].len, f[1].p);
	check(website, host, strlen(host));
	snprintf(host, sizeof(host), "www.%.*s", (int)f[1].len, f[1].p);
	check(website, host, strlen(host));
	snprintf(host, sizeof(host), "www.docs.%.*s/x/y", (int)f[1].len, f[1].p);
	check(website, host, strlen(host));
	++*(int *)ctx;
	return OV_OK;
}

/* An entry whose result is another entry with another mode would not stay put. */
static void
every_shared_host_stays_put(void **state)
{
	int n = 0;

	(void)state;
	FOR_PROFILES(age)
	assert_int_equal(
	    ov_list_each(ov_list_file(OV_LIST_SHARED_HOSTS, (enum ov_list_age)age),
		check_shared, &n),
	    OV_OK);
	assert_true(n > 200);
}

static enum ov_status
check_country(void *ctx, const struct ov_field *f, size_t n)
{
	char out[OV_COUNTRY_CAP];

	assert_int_equal(n, 2);
	assert_int_equal(country(out, f[1].p, f[1].len), OV_DROP_NONE);
	check(country, f[0].p, f[0].len);
	assert_int_equal(country(out, f[0].p, f[0].len), OV_DROP_NONE);
	assert_memory_equal(out, f[0].p, 2);
	++*(int *)ctx;
	return OV_OK;
}

/* Every name is found, and every code stands for itself. */
static void
every_country_stays_put(void **state)
{
	int n = 0;

	(void)state;
	FOR_PROFILES(age)
	assert_int_equal(
	    ov_list_each(ov_list_file(OV_LIST_COUNTRIES, (enum ov_list_age)age),
		check_country, &n),
	    OV_OK);
	assert_true(n > 2000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promises_hold_for_made_up_text),
		cmocka_unit_test(promises_hold_for_random_bytes),
		cmocka_unit_test_setup(refuses_control_characters, current_profile),
		cmocka_unit_test_setup(refuses_text_beyond_its_bounds, current_profile),
		cmocka_unit_test(every_drop_has_a_sentence),
		cmocka_unit_test(profile_binds_every_list),
		cmocka_unit_test(previous_profile_is_frozen),
		cmocka_unit_test(profiles_are_found_by_id_and_digest),
		cmocka_unit_test_setup(init_may_be_called_again, current_profile),
		cmocka_unit_test_setup(threads_share_the_lists, current_profile),
		cmocka_unit_test_setup(
		    kind_is_told_where_it_tells_companies_apart, current_profile),
		cmocka_unit_test_setup(
		    initials_are_those_of_the_name_without_its_form, current_profile),
		cmocka_unit_test(every_shared_host_stays_put),
		cmocka_unit_test(every_country_stays_put),
	};
	int failed;

	if (ov_normalise_init() != OV_OK)
		return 1;
	failed = cmocka_run_group_tests_name("normalise rules", tests, NULL, NULL);
	ov_normalise_fini();
	return failed;
}
