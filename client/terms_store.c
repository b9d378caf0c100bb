#include <string.h>

#include "client/terms_impl.h"

void
ov_sheets_free(struct ov_sheets *s)
{
	ov_buf_free(&s->mine);
	ov_buf_free(&s->theirs);
	ov_buf_free(&s->seen);
}

void
ov_signed_terms_free(struct ov_signed_terms *r)
{
	ov_buf_free(&r->terms);
	ov_buf_free(&r->body);
	ov_buf_free(&r->release);
	ov_buf_free(&r->sealed);
}

static enum ov_status
take_blob(struct ov_buf *out, struct ov_db_stmt *q, int column)
{
	struct ov_bytes b = ov_db_blob(q, column);

	out->len = 0;
	return ov_buf_append(out, b.p, b.len);
}

enum ov_status
ov_sheets_load(struct ov_sheets *s, struct ov_home *home, const uint8_t partner[OV_ID])
{
	struct ov_db_stmt *q = NULL;
	enum ov_status st = OV_OK;
	bool row;

	OV_TRY(ov_db_query(&q, home->db,
	    "SELECT mine, sequence, grants, consented, seen FROM sheet WHERE company = ?",
	    OV_DB_BLOB(partner, OV_ID)));
	for (;;) {
		OV_TRY(ov_db_step(q, &row));
		if (!row)
			break;
		if (ov_db_i64(q, 0) != 0) {
			s->mine_sequence = (uint64_t)ov_db_i64(q, 1);
			OV_TRY(take_blob(&s->mine, q, 2));
			OV_TRY(ov_db_copy(s->consented, sizeof(s->consented), q, 3));
			OV_TRY(take_blob(&s->seen, q, 4));
		} else {
			s->theirs_sequence = (uint64_t)ov_db_i64(q, 1);
			OV_TRY(take_blob(&s->theirs, q, 2));
		}
	}
done:
	ov_db_finish(q);
	return st;
}

uint64_t
ov_sheets_sequence(const struct ov_sheets *s)
{
	return s->mine_sequence > s->theirs_sequence ? s->mine_sequence
						     : s->theirs_sequence;
}

/* Columns state, since, terms, body, release, sealed, signature_mine, signature_theirs;
 * takes q over.  OV_E_NOT_FOUND without a row. */
static enum ov_status
take_row(struct ov_signed_terms *r, struct ov_db_stmt *q)
{
	enum ov_status st = OV_OK;
	bool row;

	OV_TRY(ov_db_step(q, &row));
	OV_REQUIRE(row, OV_E_NOT_FOUND);
	r->state = (enum ov_terms_state)ov_db_i64(q, 0);
	r->since = (uint64_t)ov_db_i64(q, 1);
	OV_TRY(take_blob(&r->terms, q, 2));
	OV_TRY(take_blob(&r->body, q, 3));
	OV_TRY(take_blob(&r->release, q, 4));
	OV_TRY(take_blob(&r->sealed, q, 5));
	OV_TRY(ov_db_copy(r->mine, sizeof(r->mine), q, 6));
	if (!ov_db_is_null(q, 7))
		OV_TRY(ov_db_copy(r->theirs, sizeof(r->theirs), q, 7));
done:
	ov_db_finish(q);
	return st;
}

#define ROW_COLUMNS                                                                      \
	"SELECT state, since, terms, body, release, sealed, signature_mine, "            \
	"signature_theirs FROM terms "

enum ov_status
ov_signed_terms_load(struct ov_signed_terms *r, struct ov_home *home,
    const uint8_t partner[OV_ID], uint64_t sequence)
{
	struct ov_db_stmt *q = NULL;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, home->db, ROW_COLUMNS "WHERE company = ? AND sequence = ?",
	    OV_DB_BLOB(partner, OV_ID), OV_DB_I64(sequence)));
	OV_TRY(take_row(r, q));
done:
	return st;
}

/* The greatest sequence number signed by both is in force. */
enum ov_status
ov_signed_terms_in_force(
    struct ov_signed_terms *r, struct ov_home *home, const uint8_t partner[OV_ID])
{
	struct ov_db_stmt *q = NULL;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, home->db,
	    ROW_COLUMNS "WHERE company = ? AND state = ? ORDER BY sequence DESC LIMIT 1",
	    OV_DB_BLOB(partner, OV_ID), OV_DB_I64(OV_TERMS_IN_FORCE)));
	OV_TRY(take_row(r, q));
done:
	return st == OV_E_NOT_FOUND ? OV_E_TERMS_MISSING : st;
}

enum ov_status
ov_signed_terms_in_force_sequence(
    uint64_t *sequence, struct ov_home *home, const uint8_t partner[OV_ID])
{
	int64_t n;
	enum ov_status st = ov_db_number(&n, home->db,
	    "SELECT coalesce(max(sequence), 0) FROM terms WHERE company = ? AND state = "
	    "?",
	    OV_DB_BLOB(partner, OV_ID), OV_DB_I64(OV_TERMS_IN_FORCE));

	*sequence = (uint64_t)n;
	return st;
}

enum ov_status
ov_signed_terms_greatest(
    uint64_t *sequence, struct ov_home *home, const uint8_t partner[OV_ID])
{
	int64_t n;
	enum ov_status st = ov_db_number(&n, home->db,
	    "SELECT coalesce(max(sequence), 0) FROM (SELECT sequence FROM terms WHERE"
	    " company = ?1 UNION ALL SELECT sequence FROM ended WHERE company = ?1)",
	    OV_DB_BLOB(partner, OV_ID));

	*sequence = (uint64_t)n;
	return st;
}
