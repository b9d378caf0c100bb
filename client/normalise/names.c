/* names.c - the names that a cell holds, or a website tells. */
#include <string.h>

#include "client/normalise/normalise.h"
#include "client/normalise/profile.h"

#define SLASH_LETTERS_MIN 6 /* not "R/GA", "A/S", "24/7" */
#define LABEL_NAME_MIN 5    /* a beginning that is no accident */
#define LABEL_REST_MIN 4    /* not "app", "pay", "hq" */
#define LABEL_MIN 3	    /* two letters are many companies' */
#define BARE_LABEL_MIN 6
#define LABEL_MAX 63 /* RFC 1035 section 2.3.4; and bits of a word */

static size_t
count_letters(struct ov_name_part part)
{
	size_t n = 0;

	for (size_t i = 0; i < part.len; i++) {
		uint8_t c = (uint8_t)part.p[i];

		n += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
	}
	return n;
}

/* Without what stands around a name. */
static struct ov_name_part
trim(struct ov_name_part part)
{
	while (part.len > 0 && strchr(" ,;:-(", part.p[0]) != NULL)
		part.p++, part.len--;
	while (part.len > 0 && strchr(" ,;:-", part.p[part.len - 1]) != NULL)
		part.len--;
	return part;
}

struct names {
	struct ov_name_part *out;
	size_t n;
};

static void
add(struct names *names, const char *from, const char *to)
{
	struct ov_name_part part =
	    trim((struct ov_name_part){ from, (size_t)(to - from) });

	if (names->n < OV_NAMES_MAX && count_letters(part) > 1)
		names->out[names->n++] = part;
}

static bool
is_open(char c)
{
	return c == '(' || c == '[';
}

static bool
is_close(char c)
{
	return c == ')' || c == ']';
}

/* Behind each marker another name; the first outside of brackets ends the own one. */
static void
add_marked(struct names *names, const struct ov_forms *forms, const char *in, size_t len)
{
	struct ov_name_part *own = &names->out[0];
	const char *end = in + len, *stop;
	bool inside = false;

	for (const char *p = in + 1; p < end; p++) {
		size_t n = 0;

		if (is_open(p[-1]))
			inside = true;
		else if (is_close(p[-1]))
			inside = false;
		if (is_open(p[-1]) || p[-1] == ' ' || p[-1] == ',')
			n = ov_marker_at(forms, p, (size_t)(end - p), inside);
		if (n == 0)
			continue;
		for (stop = p + n; stop < end && !is_open(*stop) && !is_close(*stop);
		     stop++)
			;
		if (!inside && own->p + own->len == end) {
			struct ov_name_part before =
			    trim((struct ov_name_part){ in, (size_t)(p - in) });

			if (count_letters(before) == 0)
				return;
			*own = before;
		}
		add(names, p + n, stop);
		p = stop - 1;
	}
}

static bool
is_register_mark(const struct ov_forms *forms, struct ov_name_part part)
{
	char word[16];

	if (part.len >= sizeof(word))
		return false;
	for (size_t i = 0; i < part.len; i++)
		word[i] = (char)(part.p[i] | 0x20); /* lower case, where it is a letter */
	return ov_word_in(forms, OV_WORD_EDGAR, word, part.len);
}

/* "Optilly/Installmonetizer": either side, where it is long enough to be a name. */
static void
add_halves(struct names *names, const struct ov_forms *forms)
{
	struct ov_name_part own = names->out[0], half[2];
	const char *slash = memchr(own.p, '/', own.len);
	size_t left;

	if (slash == NULL)
		return;
	left = (size_t)(slash - own.p);
	if (memchr(slash + 1, '/', own.len - left - 1) != NULL)
		return; /* an address, or a register's mark */
	half[0] = trim((struct ov_name_part){ own.p, left });
	half[1] = trim((struct ov_name_part){ slash + 1, own.len - left - 1 });
	if (is_register_mark(forms, half[1]) || count_letters(half[0]) < 3 ||
	    count_letters(half[1]) < 3)
		return;
	for (size_t i = 0; i < 2; i++)
		if (count_letters(half[i]) >= SLASH_LETTERS_MIN)
			add(names, half[i].p, half[i].p + half[i].len);
}

size_t
ov_normalise_names(const struct ov_profile *p, struct ov_name_part out[OV_NAMES_MAX],
    const char *in, size_t len)
{
	struct names names = { out, 1 };

	out[0] = (struct ov_name_part){ in, len };
	if (p->rules < 2 || len == 0 || len > OV_TEXT_MAX)
		return 1;
	add_marked(&names, p->forms, in, len);
	if (names.n == 1)
		add_halves(&names, p->forms);
	return names.n;
}

/* "corporation" of comcastcorporation.com says no more. */
static bool
is_form(const struct ov_forms *forms, const char *text, size_t len, const char *cc)
{
	char word[OV_TOKEN_VALUE_CAP];

	memcpy(word, text, len);
	return ov_form_find(forms, word, ov_name_shorten(forms, word, len), cc, 0) !=
	       NULL;
}

/* A longer name: it begins with the name, and goes on for more than a form. */
static bool
is_longer(const struct ov_forms *forms, const char *label, size_t n,
    const struct ov_name_signs *signs, const char *cc)
{
	size_t name = strlen(signs->written);

	return name >= LABEL_NAME_MIN && n >= name + LABEL_REST_MIN &&
	       memcmp(label, signs->written, name) == 0 &&
	       !is_form(forms, label + name, n - name, cc);
}

static bool
is_many_companies(const struct ov_forms *forms, const char *name, size_t n)
{
	char word[OV_TOKEN_VALUE_CAP];

	memcpy(word, name, n);
	n = ov_name_shorten(forms, word, n);
	return ov_word_in(forms, OV_WORD_PLAIN, word, n) ||
	       ov_word_in(forms, OV_WORD_COMMON, word, n) ||
	       ov_word_in(forms, OV_WORD_GIVEN, word, n);
}

/* The first words of the name, not all. */
static bool
is_beginning(const struct ov_forms *forms, const char *label, size_t n,
    const struct ov_name_signs *signs)
{
	return n < signs->own && (signs->ends >> (n - 1) & 1) != 0 &&
	       memcmp(label, signs->spelt, n) == 0 && !is_many_companies(forms, label, n);
}

/* Lengths of the label (bit n: n letters) that are spelt by what `at` are and then by one
 * letter or more of the word. */
static uint64_t
spell_on(uint64_t at, const char *label, size_t n, const char *word, size_t word_len)
{
	uint64_t next = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; (at >> i & 1) != 0 && k < word_len && i + k < n &&
				   label[i + k] == word[k];
		     k++)
			next |= UINT64_C(2) << (i + k);
	return next;
}

/* The beginnings of all words of the name, and perhaps of the forms behind it, in order;
 * "of" and the like may be left out. */
static bool
is_shortened(const struct ov_forms *forms, const char *label, size_t n,
    const struct ov_name_signs *signs)
{
	uint64_t at = 1;
	size_t from = 0, words = 0;

	if (n >= signs->own && memcmp(label, signs->spelt, signs->own) == 0)
		return false; /* the name itself, and perhaps a form */
	for (size_t i = 0; signs->spelt[i] != '\0'; i++) {
		const char *word = signs->spelt + from;
		uint64_t next;

		if ((signs->ends >> i & 1) == 0)
			continue;
		next = spell_on(at, label, n, word, i + 1 - from);
		words++;
		at =
		    next | (ov_word_in(forms, OV_WORD_LINK, word, i + 1 - from) ? at : 0);
		from = i + 1;
		if (words > 1 && from >= signs->own && (at >> n & 1) != 0)
			return true;
	}
	return false;
}

/* Three letters are several companies' initials: the best known has the .com.  Without a
 * country that is not enough. */
static bool
is_telling(const char *ending, size_t n, const char *cc)
{
	if (cc == NULL)
		return n >= BARE_LABEL_MIN;
	return n > LABEL_MIN || strcmp(ending, ".com") == 0;
}

/* "Summit Systems" has summit.com, so it is the best known Summit. */
static bool
is_core(
    const char *label, size_t n, const struct ov_name_signs *signs, const char *ending)
{
	return n == strlen(signs->written) && n < signs->own &&
	       memcmp(label, signs->written, n) == 0 && strcmp(ending, ".com") == 0;
}

enum ov_drop
ov_normalise_label_name(const struct ov_profile *p, char out[OV_TOKEN_VALUE_CAP],
    const char *domain, const struct ov_name_signs *signs, const char *cc)
{
	char letters[OV_TOKEN_VALUE_CAP], *label = letters;
	size_t n = 0;

	out[0] = '\0';
	if (p->rules < 2 || ov_domain_is_lent(p->hosts, domain))
		return OV_DROP_EMPTY; /* anybody may have called himself so */
	for (; *domain != '\0' && *domain != '.'; domain++)
		if (*domain != '-')
			label[n++] = *domain; /* values fit */
	if (n > 3 + LABEL_MIN && memcmp(label, "the", 3) == 0 &&
	    memcmp(signs->spelt, "the", 3) != 0) {
		label += 3;
		n -= 3;
	}
	if (n < LABEL_MIN || n > LABEL_MAX ||
	    !(is_longer(p->forms, label, n, signs, cc) ||
		is_core(label, n, signs, domain) ||
		(cc != NULL && is_beginning(p->forms, label, n, signs)) ||
		(is_telling(domain, n, cc) && is_shortened(p->forms, label, n, signs))))
		return OV_DROP_EMPTY;
	return ov_normalise_name(p, out, label, n, cc);
}

/* The first label of the domain, less hyphens, is the name. */
static bool
is_spelt(const char *domain, const char *name)
{
	if (*name == '\0')
		return false;
	for (; *domain != '\0' && *domain != '.'; domain++)
		if (*domain != '-' && *domain != *name++)
			return false;
	return *name == '\0' && *domain == '.';
}

bool
ov_is_own_domain(const char *domain, const struct ov_name_signs *signs, const char *cc)
{
	char ending[3] = "";
	const char *dot;

	if (!is_spelt(domain, signs->written) && !is_spelt(domain, signs->initials))
		return false;
	domain += strcspn(domain, ".");
	if (cc != NULL) {
		ending[0] = (char)(cc[0] | 0x20);
		ending[1] = (char)(cc[1] | 0x20);
	}
	dot = strrchr(domain, '.');
	return strcmp(domain, ".com") == 0 ||
	       strcmp(dot + 1, strcmp(ending, "gb") == 0 ? "uk" : ending) == 0;
}
