#include <stdlib.h>
#include <string.h>

#include "client/book/merge_impl.h"
#include "proto/slots.h"

#define COUNT_MAX (1U << 30)
#define BUILT_HEAD 3 /* rank source length */
#define CLAIM_MAX (1 + VALUE_MAX + 1 + 5 + NOTE_MAX)

enum ov_status
ov_merge_new(struct ov_merge **out, const char *directory)
{
	struct ov_merge *m = calloc(1, sizeof(*m));
	enum ov_status st;

	*out = NULL;
	OV_REQUIRE(m != NULL, OV_E_NOMEM);
	m->directory = strdup(directory);
	OV_REQUIRE(m->directory != NULL, OV_E_NOMEM);
	OV_TRY(ov_sort_new(&m->claims, m->directory, OV_SORT_MEMORY));
	OV_TRY(ov_sort_new(&m->by_root, m->directory, OV_SORT_MEMORY));
	OV_TRY(ov_sort_new(&m->over_cap, m->directory, OV_SORT_MEMORY));
	OV_TRY(ov_sort_new(&m->dropped, m->directory, OV_SORT_MEMORY));
	OV_TRY(ov_sort_new(&m->records, m->directory, OV_SORT_MEMORY));
	OV_TRY(ov_sort_new(&m->members, m->directory, OV_SORT_MEMORY));
	OV_TRY(ov_tape_new(&m->tags, m->directory));
	OV_TRY(ov_tape_new(&m->keys, m->directory));
	OV_TRY(ov_paged_new(&m->up, m->directory));
	OV_TRY(ov_paged_new(&m->signs, m->directory));
	OV_TRY(ov_paged_new(&m->stage, m->directory));
	OV_TRY(ov_paged_new(&m->ids, m->directory));
	OV_TRY(ov_paged_new(&m->stamp, m->directory));
	*out = m;
	m = NULL;
done:
	ov_merge_free(m);
	return st;
}

void
ov_merge_free(struct ov_merge *m)
{
	if (m == NULL)
		return;
	ov_shelf_close(&m->stage_shelf);
	ov_shelf_close(&m->vats);
	ov_shelf_close(&m->names);
	ov_tape_reader_fini(&m->drop_tags);
	ov_tape_free(m->tags);
	ov_tape_free(m->keys);
	ov_sort_free(m->claims);
	ov_sort_free(m->by_root);
	ov_sort_free(m->over_cap);
	ov_sort_free(m->dropped);
	ov_sort_free(m->records);
	ov_sort_free(m->members);
	ov_paged_free(m->up);
	ov_paged_free(m->signs);
	ov_paged_free(m->stage);
	ov_paged_free(m->ids);
	ov_paged_free(m->stamp);
	free(m->built);
	free(m->directory);
	free(m);
}

static struct ov_bytes
built_value(const struct ov_merge *m, size_t at)
{
	return OV_BYTES(m->built + at + BUILT_HEAD, m->built[at + 2]);
}

static size_t
next_built(const struct ov_merge *m, size_t at)
{
	return at + BUILT_HEAD + m->built[at + 2];
}

static struct ov_bytes
name_of_built(const struct ov_merge *m)
{
	for (size_t at = 0; at < m->n_built; at = next_built(m, at))
		if (m->built[at] == OV_RANK_NAME)
			return built_value(m, at);
	return OV_BYTES("", 0);
}

static size_t
add_text(uint8_t *record, size_t len, struct ov_bytes text, bool more)
{
	memcpy(record + len, text.p, text.len);
	len += text.len;
	if (more)
		record[len++] = OV_NOTE_SEPARATOR;
	return len;
}

#define TEXT(s) OV_BYTES((s), strlen(s))

/* The bare name, or one that is no key and yet the row's: many bear it, or it is a filler
 * that the domain says, too ("Freelancer" at freelancer.com). */
static struct ov_bytes
known_name(const struct ov_merge *m, struct ov_bytes name, struct ov_bytes domain)
{
	const struct ov_bytes written = TEXT(m->name_signs.written);
	const struct ov_kin_name who = { written, written, OV_BYTES("", 0), false };

	if (name.len > 0 || written.len == 0)
		return name;
	return m->name_signs.bearers == OV_BEARER_MANY ||
		       ov_kinship(&who, domain) == OV_KIN_HOUSE
		   ? written
		   : name;
}

/* What rules need beside the value of a claim, behind it: the new length. */
static size_t
add_note(uint8_t *record, size_t len, const struct ov_merge *m, const uint8_t *built,
    struct ov_bytes name)
{
	const struct ov_name_signs *s = &m->name_signs;

	if (built[0] == OV_RANK_DOMAIN)
		name = known_name(m, name, OV_BYTES(built + BUILT_HEAD, built[2]));
	if (built[0] == OV_RANK_DOMAIN && built[1] != OV_CLAIM_COLUMN && name.len > 0) {
		len = add_text(record, len, name, true);
		len = add_text(record, len, TEXT(s->written), true);
		len = add_text(record, len, TEXT(s->initials), s->is_unit);
		return len;
	}
	if (built[0] == OV_RANK_NAME_COUNTRY || built[0] == OV_RANK_NAME)
		return add_text(record, len, TEXT(s->kind), false);
	return len;
}

static enum ov_status
add_claim(struct ov_merge *m, size_t at, struct ov_bytes name)
{
	struct ov_bytes value = built_value(m, at);
	uint8_t record[CLAIM_MAX];
	size_t len = 0;

	record[len++] = m->built[at];
	memcpy(record + len, value.p, value.len);
	len += value.len;
	record[len++] = 0;
	ov_put32(record + len, m->n_rows - 1);
	len += 4;
	record[len++] = m->built[at + 1];
	len = add_note(record, len, m, m->built + at, name);
	return ov_sort_add(m->claims, record, len);
}

enum ov_status
ov_merge_end_row(struct ov_merge *m)
{
	const struct ov_bytes name = name_of_built(m);
	uint32_t signs = (uint32_t)m->marks << MARKS_SHIFT;
	enum ov_status st = OV_OK;

	for (size_t at = 0; at < m->n_built; at = next_built(m, at)) {
		signs |= m->built[at] == OV_RANK_LEI ? HAS_LEI : 0;
		signs |= m->built[at] == OV_RANK_CIK ? HAS_CIK : 0;
		signs |= m->built[at] != OV_RANK_NAME ? HAS_MORE_THAN_NAME : 0;
		OV_TRY(add_claim(m, at, name));
	}
	if (signs != 0)
		ov_paged_set(m->signs, m->n_rows - 1, signs);
	m->n_leis += (signs & HAS_LEI) != 0;
	m->n_ciks += (signs & HAS_CIK) != 0;
	m->n_built = 0;
	memset(&m->name_signs, 0, sizeof(m->name_signs));
	m->has_signs = false;
	m->marks = 0;
	OV_TRY(ov_paged_status(m->signs));
done:
	return st;
}

enum ov_status
ov_merge_row(struct ov_merge *m, uint64_t tag)
{
	uint8_t record[8];
	enum ov_status st;

	OV_REQUIRE(m->n_rows < COUNT_MAX, OV_E_LIST_TOO_LARGE);
	OV_TRY(ov_merge_end_row(m));
	ov_put64(record, tag);
	OV_TRY(ov_tape_put(m->tags, record, sizeof(record)));
	m->n_rows++;
done:
	return st;
}

enum ov_status
ov_merge_claim(struct ov_merge *m, enum ov_rank rank, enum ov_claim_source source,
    struct ov_bytes value)
{
	size_t want = m->n_built + BUILT_HEAD + value.len;
	uint8_t *more;
	enum ov_status st = OV_OK;

	OV_REQUIRE(m->n_rows > 0 && value.len >= 1 && value.len <= VALUE_MAX, OV_E_BUG);
	OV_REQUIRE(memchr(value.p, 0, value.len) == NULL, OV_E_BUG);
	OV_REQUIRE(m->n_claims < COUNT_MAX, OV_E_LIST_TOO_LARGE);
	if (want > m->built_cap) {
		more = realloc(m->built, 2 * want);
		OV_REQUIRE(more != NULL, OV_E_NOMEM);
		m->built = more;
		m->built_cap = 2 * want;
	}
	m->built[m->n_built] = (uint8_t)rank;
	m->built[m->n_built + 1] = (uint8_t)source;
	m->built[m->n_built + 2] = (uint8_t)value.len;
	memcpy(m->built + m->n_built + BUILT_HEAD, value.p, value.len);
	m->n_built = want;
	m->n_claims++;
done:
	return st;
}

void
ov_merge_marks(struct ov_merge *m, uint16_t marks)
{
	m->marks = marks;
}

void
ov_merge_signs(struct ov_merge *m, const struct ov_name_signs *signs)
{
	if (!m->has_signs)
		m->name_signs = *signs;
	m->has_signs = true;
}
