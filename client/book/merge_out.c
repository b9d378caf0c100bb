#include <string.h>

#include "client/book/merge_impl.h"
#include "proto/slots.h"

/* Where the root stands in an entry of `records`. */
static enum ov_status
find_root(size_t *at, struct ov_bytes r)
{
	const uint8_t *zero;

	*at = 1;
	if (r.p[0] != NO_KEY) {
		zero = memchr(r.p + 1, 0, r.len - 1);
		if (zero == NULL)
			return OV_E_BUG;
		*at = (size_t)(zero - r.p) + 1;
	}
	return r.len - *at >= 4 ? OV_OK : OV_E_BUG;
}

/* The stage is over: its pages now hold the number of the record of each root. */
static enum ov_status
number_roots(struct ov_merge *m)
{
	struct ov_bytes r;
	size_t at;
	bool any;
	enum ov_status st;

	ov_paged_clear(m->stage);
	OV_TRY(ov_sort_begin(m->records));
	for (uint32_t number = 0;; number++) {
		OV_TRY(ov_sort_next(&any, &r, m->records));
		if (!any)
			break;
		OV_TRY(find_root(&at, r));
		ov_paged_set(m->stage, ov_get32(r.p + at), number);
	}
done:
	return st;
}

/* Rows by record. */
static enum ov_status
sort_members(struct ov_merge *m)
{
	struct ov_tape_reader tags = { 0 };
	uint8_t record[16];
	struct ov_bytes tag;
	bool any;
	enum ov_status st;

	OV_TRY(ov_tape_read(&tags, m->tags, 0, ov_tape_end(m->tags)));
	for (uint32_t row = 0;; row++) {
		OV_TRY(ov_tape_next(&any, &tag, &tags));
		if (!any)
			break;
		ov_put32(record, ov_paged_get(m->stage, ov_merge_find(m->up, row)));
		ov_put32(record + 4, row);
		memcpy(record + 8, tag.p, 8);
		OV_TRY(ov_sort_add(m->members, record, sizeof(record)));
	}
	OV_TRY(ov_sort_begin(m->members));
done:
	ov_tape_reader_fini(&tags);
	return st;
}

static enum ov_status
step_member(struct ov_merge *m)
{
	struct ov_bytes r;
	enum ov_status st;

	OV_TRY(ov_sort_next(&m->any_member, &r, m->members));
	if (m->any_member) {
		m->member_record = ov_get32(r.p);
		m->member_tag = ov_get64(r.p + 8);
	}
done:
	return st;
}

enum ov_status
ov_merge_number_records(struct ov_merge *m)
{
	enum ov_status st;

	OV_TRY(number_roots(m));
	OV_TRY(sort_members(m));
	OV_TRY(step_member(m));
	OV_TRY(ov_sort_begin(m->records));
	OV_TRY(ov_sort_begin(m->dropped));
	OV_TRY(ov_tape_read(&m->drop_tags, m->tags, 0, ov_tape_end(m->tags)));
	m->drop_row = NO_ROW;
done:
	return st;
}

enum ov_status
ov_merge_next_record(bool *any, struct ov_merge_record *out, struct ov_merge *m)
{
	struct ov_bytes r;
	size_t at;
	enum ov_status st;

	OV_REQUIRE(m->ran, OV_E_BUG);
	while (m->any_member && m->member_record < m->given)
		OV_TRY(step_member(m));
	OV_TRY(ov_sort_next(any, &r, m->records));
	if (!*any)
		goto done;
	OV_TRY(find_root(&at, r));
	out->number = m->given++;
	out->marks =
	    (uint16_t)(ov_paged_get(m->signs, ov_get32(r.p + at)) >> MARKS_SHIFT);
	out->n = 0;
	for (at += 4; at < r.len;) {
		struct ov_merge_token *t = &out->token[out->n];

		OV_REQUIRE(out->n < OV_MERGE_TOKENS_MAX && r.len - at > 3 &&
			       r.len - at - 3 >= r.p[at + 2],
		    OV_E_BUG);
		t->rank = (enum ov_rank)r.p[at];
		t->source = (enum ov_claim_source)r.p[at + 1];
		t->value = OV_BYTES(r.p + at + 3, r.p[at + 2]);
		at += 3 + t->value.len;
		out->n++;
	}
done:
	return st;
}

enum ov_status
ov_merge_next_member(bool *any, uint64_t *tag, struct ov_merge *m)
{
	*any = m->given > 0 && m->any_member && m->member_record == m->given - 1;
	if (!*any)
		return OV_OK;
	*tag = m->member_tag;
	return step_member(m);
}

/* Tags come in the order of the rows, as the dropped claims do. */
static enum ov_status
tag_of_row(uint64_t *tag, struct ov_merge *m, uint32_t row)
{
	struct ov_bytes r;
	bool any;
	enum ov_status st = OV_OK;

	while (m->drop_row == NO_ROW || m->drop_row < row) {
		OV_TRY(ov_tape_next(&any, &r, &m->drop_tags));
		OV_REQUIRE(any, OV_E_BUG);
		m->drop_row++; /* NO_ROW is before row 0 */
		m->drop_tag = ov_get64(r.p);
	}
	*tag = m->drop_tag;
done:
	return st;
}

enum ov_status
ov_merge_next_dropped(bool *any, struct ov_merge_dropped *out, struct ov_merge *m)
{
	const uint8_t *zero;
	struct ov_bytes r;
	enum ov_status st;

	OV_REQUIRE(m->ran, OV_E_BUG);
	OV_TRY(ov_sort_next(any, &r, m->dropped));
	if (!*any)
		goto done;
	zero = memchr(r.p + 5, 0, r.len - 5);
	OV_REQUIRE(zero != NULL && r.len - (size_t)(zero - r.p) == 3, OV_E_BUG);
	OV_TRY(tag_of_row(&out->tag, m, ov_get32(r.p)));
	out->claim =
	    (struct ov_merge_token){ (enum ov_rank)r.p[4], (enum ov_claim_source)zero[1],
		    OV_BYTES(r.p + 5, (size_t)(zero - r.p) - 5) };
	out->why = (enum ov_merge_drop)zero[2];
done:
	return st;
}

const char *
ov_merge_drop_text(enum ov_merge_drop why)
{
	switch (why) {
	case OV_MERGE_KEPT:
		return "it is a key of this account";
	case OV_MERGE_CONFLICT:
		return "it is shared by accounts whose registry ids say that they are "
		       "different companies; correct one of them";
	case OV_MERGE_FAMILY:
		return "accounts of different names share it, so it says to which "
		       "house they belong; only those that are named like it keep it";
	case OV_MERGE_SHARED:
		return "another account of this book has it too";
	case OV_MERGE_OVER_CAP:
		return "the account has six stronger keys already";
	case OV_MERGE_NAMESAKE:
		return "another account of this book has this name with another legal "
		       "form, so it is another company";
	}
	return "";
}
