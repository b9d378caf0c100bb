#include "client/book/claims.h"

#include <stdlib.h>
#include <string.h>

static uint32_t
find(struct forest f, uint32_t row)
{
	while (f.up[row] != row) {
		f.up[row] = f.up[f.up[row]];
		row = f.up[row];
	}
	return row;
}

static uint32_t
unite(struct forest f, uint32_t a, uint32_t b)
{
	a = find(f, a);
	b = find(f, b);
	if (a < b)
		f.up[b] = a;
	else
		f.up[a] = b;
	return a < b ? a : b;
}

/* Distinct roots among the live claims of v, and how many of them have an LEI, a CIK, a
 * domain. */
struct tally {
	uint32_t groups, lei, cik, domain;
};

static struct tally
count_groups(struct ov_merge *m, uint32_t v)
{
	struct tally t = { 0, 0, 0, 0 };

	m->now++;
	FOR_CLAIMS(m, v, c)
	{
		uint32_t root = find(m->rows, c->row);

		if (c->lost || m->stamp[root] == m->now)
			continue;
		m->stamp[root] = m->now;
		t.groups++;
		t.lei += (m->signs[root] & HAS_LEI) != 0;
		t.cik += (m->signs[root] & HAS_CIK) != 0;
		t.domain += (m->signs[root] & HAS_DOMAIN) != 0;
	}
	return t;
}

/* LEIs veto all weaker ranks, CIKs all but LEI (proto/rank.h, ov_veto_default). */
static bool
is_conflict(uint8_t rank, uint32_t lei, uint32_t cik)
{
	return (rank > OV_RANK_LEI && lei > 1) || (rank > OV_RANK_CIK && cik > 1);
}

static uint32_t
count_names(struct ov_merge *m, uint32_t v)
{
	uint32_t names = 0;

	/* owner is not set yet: until settle_values it marks the names counted */
	m->now++;
	FOR_CLAIMS(m, v, c)
	{
		uint32_t name = m->name[c->row];

		if (name == NONE || m->value[name].owner == m->now)
			continue;
		m->value[name].owner = m->now;
		names++;
	}
	return names;
}

/* The letters of name without spaces, or its initials, are those of the domain's first
 * label without hyphens, or of the whole domain without dots ("booking com"). */
static bool
is_name_of_domain(
    const struct ov_merge *m, const struct value *name, const struct value *d)
{
	char compact[256], initials[256], label[256], whole[256];
	size_t nc = 0, ni = 0, nl = 0, nw = 0;
	bool first = true, in_label = true;

	for (size_t i = 0; i < name->len; i++) {
		char ch = m->text[name->offset + i];

		if (ch == ' ') {
			first = true;
			continue;
		}
		if (first)
			initials[ni++] = ch;
		compact[nc++] = ch;
		first = false;
	}
	for (size_t i = 0; i < d->len; i++) {
		char ch = m->text[d->offset + i];

		if (ch == '.')
			in_label = false;
		else if (ch != '-') {
			if (in_label)
				label[nl++] = ch;
			whole[nw++] = ch;
		}
	}
	return (nc == nl && memcmp(compact, label, nl) == 0) ||
	       (nc == nw && memcmp(compact, whole, nw) == 0) ||
	       (ni > 1 && ni == nl && memcmp(initials, label, nl) == 0);
}

/* Takes the domain v of a family from the rows that have another name. */
static void
leave_to_house(struct ov_merge *m, uint32_t v)
{
	uint32_t kept = 0;

	FOR_CLAIMS(m, v, c)
	{
		uint32_t name = m->name[c->row];

		if (name != NONE && is_name_of_domain(m, &m->value[name], &m->value[v]))
			kept++;
		else
			c->lost = OV_MERGE_FAMILY;
	}
	if (kept == 0)
		m->value[v].drop = OV_MERGE_FAMILY;
}

/* "US acme" of groups with different domains (each domain is in one group by now). */
static bool
is_weak_name(const struct ov_merge *m, const struct value *v, const struct tally *t)
{
	const char *space;

	if (v->rank != OV_RANK_NAME_COUNTRY || t->domain < 2)
		return false;
	space = memchr(m->text + v->offset, ' ', v->len);
	return space != NULL &&
	       memchr(space + 1, ' ',
		   v->len - (size_t)(space + 1 - (m->text + v->offset))) == NULL;
}

/* Does v join groups, and may it?  Marks it as dropped or linking. */
static void
judge_value(struct ov_merge *m, uint32_t v)
{
	struct value *val = &m->value[v];
	struct tally t;

	if (m->begin[v + 1] - m->begin[v] < 2)
		return;
	t = count_groups(m, v);
	if (val->rank == OV_RANK_DOMAIN && t.groups > OV_MERGE_NAMES_MAX &&
	    count_names(m, v) > OV_MERGE_NAMES_MAX) {
		leave_to_house(m, v);
		t = count_groups(m, v);
	}
	if (val->drop != OV_MERGE_KEPT)
		return;
	if (is_conflict(val->rank, t.lei, t.cik)) {
		val->drop = OV_MERGE_CONFLICT;
		return;
	}
	if (is_weak_name(m, val, &t)) {
		val->drop = OV_MERGE_SHARED;
		return;
	}
	val->links = t.groups > 1;
}

static void
link_value(struct ov_merge *m, uint32_t v, struct forest f)
{
	uint32_t first = NONE;

	FOR_CLAIMS(m, v, c)
	{
		if (c->lost)
			continue;
		if (first == NONE)
			first = c->row;
		else
			(void)unite(f, first, c->row);
	}
}

static uint32_t
first_row(struct ov_merge *m, uint32_t v)
{
	FOR_CLAIMS(m, v, c)
	{
		if (!c->lost)
			return c->row;
	}
	return NONE;
}

/* After roots changed: the signs of a root are those of its groups. */
static void
gather_signs(struct ov_merge *m)
{
	for (uint32_t r = 0; r < m->n_rows; r++)
		m->signs[find(m->rows, r)] |= m->signs[r];
}

/* Chains: groups that values of this rank would join to one with two LEIs or CIKs. */
static enum ov_status
drop_chains(struct ov_merge *m, uint8_t rank)
{
	uint8_t *lei = calloc((size_t)m->n_rows + 1, 1),
		*cik = calloc((size_t)m->n_rows + 1, 1);
	enum ov_status st = OV_OK;

	OV_REQUIRE(lei != NULL && cik != NULL, OV_E_NOMEM);
	for (uint32_t r = 0; r < m->n_rows; r++) {
		uint32_t top = find(m->stage, r);

		if (find(m->rows, r) != r)
			continue;
		if ((m->signs[r] & HAS_LEI) && lei[top] < 2)
			lei[top]++;
		if ((m->signs[r] & HAS_CIK) && cik[top] < 2)
			cik[top]++;
	}
	for (uint32_t v = 0; v < m->n_values; v++) {
		uint32_t top;

		if (m->value[v].rank != rank || !m->value[v].links)
			continue;
		top = find(m->stage, first_row(m, v));
		if (is_conflict(rank, lei[top], cik[top])) {
			m->value[v].drop = OV_MERGE_CONFLICT;
			m->value[v].links = false;
		}
	}
done:
	free(lei);
	free(cik);
	return st;
}

static enum ov_status
run_stage(struct ov_merge *m, uint8_t rank)
{
	enum ov_status st;

	memcpy(m->stage.up, m->rows.up, (size_t)m->n_rows * sizeof(*m->rows.up));
	for (uint32_t v = 0; v < m->n_values; v++)
		if (m->value[v].rank == rank) {
			judge_value(m, v);
			if (m->value[v].links)
				link_value(m, v, m->stage);
		}
	OV_TRY(drop_chains(m, rank));
	for (uint32_t v = 0; v < m->n_values; v++)
		if (m->value[v].rank == rank && m->value[v].links)
			link_value(m, v, m->rows);
	gather_signs(m);
done:
	return st;
}

/* After the domains: which groups have one as a key. */
static void
mark_domains(struct ov_merge *m)
{
	for (uint32_t v = 0; v < m->n_values; v++) {
		if (m->value[v].rank != OV_RANK_DOMAIN ||
		    m->value[v].drop != OV_MERGE_KEPT)
			continue;
		FOR_CLAIMS(m, v, c)
		{
			if (!c->lost)
				m->signs[find(m->rows, c->row)] |= HAS_DOMAIN;
		}
	}
}

/* Rows with nothing but the same bare name. */
static void
join_bare_names(struct ov_merge *m)
{
	for (uint32_t v = 0; v < m->n_values; v++) {
		uint32_t first = NONE;

		if (m->value[v].rank != OV_RANK_NAME)
			continue;
		FOR_CLAIMS(m, v, c)
		{
			if (m->signs[c->row] & HAS_MORE_THAN_NAME)
				continue;
			if (first == NONE)
				first = c->row;
			else
				(void)unite(m->rows, first, c->row);
		}
	}
}

/* Sets owner and source of each value; drops those of two records. */
static void
settle_values(struct ov_merge *m)
{
	for (uint32_t v = 0; v < m->n_values; v++) {
		struct value *val = &m->value[v];
		uint32_t owner = NONE;

		val->owner = NONE;
		val->source = OV_CLAIM_EMAIL;
		if (val->drop != OV_MERGE_KEPT)
			continue;
		FOR_CLAIMS(m, v, c)
		{
			uint32_t root = find(m->rows, c->row);

			if (c->lost)
				continue;
			if (owner != NONE && owner != root)
				val->drop = OV_MERGE_SHARED;
			owner = root;
			if (c->source < val->source)
				val->source = c->source;
		}
		if (val->drop == OV_MERGE_KEPT)
			val->owner = owner;
	}
}

static int
compare_keys(const void *x, const void *y, void *ctx)
{
	const struct ov_merge *m = ctx;
	const struct value *a = &m->value[*(const uint32_t *)x];
	const struct value *b = &m->value[*(const uint32_t *)y];

	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	if (a->source != b->source)
		return a->source < b->source ? -1 : 1;
	return ov_claims_compare(m, a, b);
}

/* Keys of each root in key[key_begin[root]] .., sorted and cut to the cap. */
static enum ov_status
collect_keys(struct ov_merge *m)
{
	uint32_t *begin = calloc((size_t)m->n_rows + 2, sizeof(*begin)), sum = 0, n;

	m->key_begin = begin;
	m->key = malloc(((size_t)m->n_values + 1) * sizeof(*m->key));
	if (begin == NULL || m->key == NULL)
		return OV_E_NOMEM;
	for (uint32_t v = 0; v < m->n_values; v++)
		if (m->value[v].owner != NONE)
			begin[m->value[v].owner + 1]++;
	for (uint32_t r = 0; r <= m->n_rows; r++) {
		n = begin[r];
		sum += n;
		begin[r] = sum;
	}
	for (uint32_t v = 0; v < m->n_values; v++)
		if (m->value[v].owner != NONE)
			m->key[begin[m->value[v].owner]++] = v;
	memmove(begin + 1, begin, (size_t)m->n_rows * sizeof(*begin));
	begin[0] = 0;
	for (uint32_t r = 0; r < m->n_rows; r++)
		if (begin[r + 1] - begin[r] > 1)
			qsort_r(m->key + begin[r], begin[r + 1] - begin[r],
			    sizeof(*m->key), compare_keys, m);
	return OV_OK;
}

/* Order of a list: by rank and bytes (PROTOCOL.md "list order"); what was cut, last. */
static int
compare_kept(const void *x, const void *y, void *ctx)
{
	const struct ov_merge *m = ctx;
	const struct value *a = &m->value[*(const uint32_t *)x];
	const struct value *b = &m->value[*(const uint32_t *)y];

	if (a->drop != b->drop)
		return a->drop < b->drop ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return ov_claims_compare(m, a, b);
}

/* Over the cap the weakest go, bare names counted apart. */
static void
cut_keys(struct ov_merge *m)
{
	for (uint32_t r = 0; r < m->n_rows; r++) {
		uint32_t strong = 0, bare = 0, n = m->key_begin[r + 1] - m->key_begin[r];

		for (uint32_t k = m->key_begin[r]; k < m->key_begin[r + 1]; k++) {
			struct value *val = &m->value[m->key[k]];
			uint32_t *count = val->rank == OV_RANK_NAME ? &bare : &strong;

			if (++*count > OV_TOKENS_PER_RECORD)
				val->drop = OV_MERGE_OVER_CAP;
		}
		if (n > 1)
			qsort_r(m->key + m->key_begin[r], n, sizeof(*m->key),
			    compare_kept, m);
	}
}

/* For ordering the records: a root by its first key. */
struct place {
	uint64_t head; /* rank and first seven bytes; all ones: no key */
	uint32_t root, key;
};

static int
compare_places(const void *x, const void *y, void *ctx)
{
	const struct place *a = x, *b = y;
	const struct ov_merge *m = ctx;
	int c = 0;

	if (a->head != b->head)
		return a->head < b->head ? -1 : 1;
	if (a->key != NONE && b->key != NONE)
		c = ov_claims_compare(m, &m->value[a->key], &m->value[b->key]);
	return c != 0 ? c : (a->root > b->root) - (a->root < b->root);
}

static struct place
place_of(const struct ov_merge *m, uint32_t root)
{
	struct place p = { UINT64_MAX, root, NONE };
	const struct value *v;

	if (m->key_begin[root] == m->key_begin[root + 1])
		return p;
	p.key = m->key[m->key_begin[root]];
	v = &m->value[p.key];
	p.head = v->rank;
	for (size_t i = 0; i < 7; i++)
		p.head = p.head << 8 | (i < v->len ? (uint8_t)m->text[v->offset + i] : 0);
	return p;
}

/* Numbers the records by their first key. */
static enum ov_status
number_records(struct ov_merge *m)
{
	struct place *p = malloc(((size_t)m->n_rows + 1) * sizeof(*p));
	uint32_t n = 0, *keys = malloc(((size_t)m->n_values + 1) * sizeof(*keys));
	uint32_t *begin = malloc(((size_t)m->n_rows + 1) * sizeof(*begin)), at = 0;
	enum ov_status st = OV_OK;

	OV_REQUIRE(p != NULL && keys != NULL && begin != NULL, OV_E_NOMEM);
	for (uint32_t r = 0; r < m->n_rows; r++)
		if (find(m->rows, r) == r)
			p[n++] = place_of(m, r);
	qsort_r(p, n, sizeof(*p), compare_places, m);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t root = p[i].root;

		m->record[root] = i;
		begin[i] = at;
		for (uint32_t k = m->key_begin[root]; k < m->key_begin[root + 1]; k++)
			if (m->value[m->key[k]].drop == OV_MERGE_KEPT)
				keys[at++] = m->key[k];
	}
	begin[n] = at;
	for (uint32_t r = 0; r < m->n_rows; r++)
		m->record[r] = m->record[find(m->rows, r)];
	m->n_records = n;
	free(m->key_begin);
	free(m->key);
	m->key_begin = begin;
	m->key = keys;
	begin = keys = NULL;
done:
	free(p);
	free(keys);
	free(begin);
	return st;
}

static enum ov_status
prepare(struct ov_merge *m)
{
	size_t bytes = ((size_t)m->n_rows + 1) * sizeof(uint32_t);

	m->rows.up = malloc(bytes);
	m->stage.up = malloc(bytes);
	m->stamp = calloc(1, bytes);
	m->record = malloc(bytes);
	if (m->rows.up == NULL || m->stage.up == NULL || m->stamp == NULL ||
	    m->record == NULL)
		return OV_E_NOMEM;
	for (uint32_t r = 0; r < m->n_rows; r++)
		m->rows.up[r] = r;
	return ov_claims_index(m);
}

enum ov_status
ov_merge_run(struct ov_merge *m)
{
	static const uint8_t stages[] = { OV_RANK_LEI, OV_RANK_CIK, OV_RANK_DUNS,
		OV_RANK_DOMAIN, OV_RANK_NAME_COUNTRY };
	enum ov_status st;

	OV_REQUIRE(m->rows.up == NULL, OV_E_BUG);
	OV_TRY(prepare(m));
	for (size_t i = 0; i < sizeof(stages); i++) {
		OV_TRY(run_stage(m, stages[i]));
		if (stages[i] == OV_RANK_DOMAIN)
			mark_domains(m);
	}
	join_bare_names(m);
	settle_values(m);
	OV_TRY(collect_keys(m));
	cut_keys(m);
	OV_TRY(number_records(m));
done:
	return st;
}
