#include "client/job/freeze.h"

#include <stdlib.h>
#include <string.h>

#include "client/book/book.h"
#include "client/book/icp_asked.h"
#include "common/crypto/memory.h"
#include "proto/slots.h"

#define ICP_SETTING "icp"

_Static_assert(
    OV_ICP_BANDS_MAX == OV_BANDS_MAX, "a profile's bands have room in a label");

struct freezing {
	struct ov_list *list;
	bool bands; /* the terms release how records fit the partner's criteria */
	uint8_t number[OV_POPULATIONS_MAX]; /* book's index -> number in the terms, 0:
					       hidden */
};

static enum ov_status
take_item(void *ctx, const struct ov_book_item *item)
{
	struct freezing *f = ctx;
	struct ov_list_token t[OV_TOKENS_PER_RECORD];
	uint8_t number = f->number[item->population], band;

	for (size_t i = 0; i < item->n; i++)
		t[i] =
		    (struct ov_list_token){ item->token[i].rank, item->token[i].value };
	if (!f->bands)
		return ov_list_add(f->list, (uint64_t)item->record, number,
		    OV_FIT(item->fit, OV_FIT_UNKNOWN), t, item->n);
	band = ov_band_of(item->asked_fit, item->asked_band);
	return ov_list_add(f->list, (uint64_t)item->record, OV_LABEL(number, band),
	    OV_FIT(item->fit, item->asked_fit), t, item->n);
}

/* Populations of the book that the terms do not name, or name as hidden, stay out. */
static enum ov_status
number_populations(
    struct freezing *f, uint32_t *hidden, struct ov_db *db, const struct ov_terms *terms)
{
	struct ov_populations *book = calloc(1, sizeof(*book));
	enum ov_status st;

	OV_REQUIRE(book != NULL, OV_E_NOMEM);
	OV_TRY(ov_book_populations(book, db));
	*hidden = 0;
	for (size_t i = 0; i < book->n; i++) {
		for (size_t k = 0; k < terms->n_mine; k++)
			if (strcmp(book->name[i], terms->mine[k].name) == 0 &&
			    terms->mine[k].level != OV_LEVEL_HIDDEN)
				f->number[i] = (uint8_t)(k + 1);
		if (f->number[i] == 0)
			*hidden |= 1U << i;
	}
done:
	free(book);
	return st;
}

/* The partner's criteria of these terms, where it may ask: what was agreed is looked at
 * again. */
static enum ov_status
load_asked(struct ov_icp **asked, struct ov_home *home, const struct ov_terms *terms)
{
	struct ov_shared_columns columns;
	struct ov_buf text = { 0 };
	enum ov_status st = OV_OK;

	*asked = NULL;
	if (!terms->release.bands[terms->low ? 0 : 1])
		goto done;
	OV_TRY(ov_terms_criteria(&text, &columns, home, terms, OV_CRITERIA_THEIRS));
	OV_TRY(ov_icp_read_asked(asked, OV_BUF_BYTES(&text), NULL));
	if (ov_icp_check_asked(*asked, &columns, NULL) != OV_OK)
		st = OV_E_TERMS_CRITERIA;
done:
	ov_buf_free(&text);
	return st;
}

static enum ov_status
load_icp(struct ov_icp **icp, struct ov_home *home)
{
	struct ov_buf text = { 0 };
	enum ov_status st;

	*icp = NULL;
	OV_TRY(ov_icp_text(&text, home));
	if (text.len > 0)
		OV_TRY(ov_icp_read(icp, text.p, text.len, NULL));
done:
	ov_buf_free(&text);
	return st;
}

/* Records as this release and the profile have them. */
static enum ov_status
make_records(struct ov_home *home, const struct ov_profile *profile)
{
	bool stale;
	enum ov_status st;

	OV_TRY(ov_book_is_stale(&stale, home->db));
	if (stale) {
		OV_TRY(ov_freeze_keep_accounts(home));
		OV_TRY(ov_book_rebuild(home->db));
	}
	if (profile != ov_profile_current())
		OV_TRY(ov_book_make_previous(home->db, profile));
done:
	return st;
}

enum ov_status
ov_freeze(struct ov_list *out, uint64_t *generation, struct ov_home *home,
    const struct ov_terms *terms, const struct ov_profile *profile)
{
	struct ov_freeze_options o = { .ranks = terms->release.ranks,
		.profile = profile };
	struct freezing f = { .list = out };
	struct ov_icp *icp = NULL, *asked = NULL;
	enum ov_status st;

	OV_TRY(load_icp(&icp, home));
	OV_TRY(load_asked(&asked, home, terms));
	o.icp = icp;
	o.asked = asked;
	f.bands = asked != NULL;
	OV_TRY(make_records(home, profile));
	OV_TRY(ov_book_generation(generation, home->db));
	OV_REQUIRE(*generation > 0, OV_E_BOOK_EMPTY);
	OV_TRY(number_populations(&f, &o.hidden, home->db, terms));
	OV_TRY(ov_book_freeze(home->db, &o, take_item, &f));
	OV_TRY(ov_list_sort(out));
	OV_REQUIRE(out->n_tokens >= terms->release.minimum_list, OV_E_LIST_TOO_SMALL);
	OV_REQUIRE(out->n_tokens <= terms->release.slots, OV_E_LIST_TOO_LARGE);
done:
	ov_icp_free(icp);
	ov_icp_free(asked);
	return st;
}

/* --- accounts of a generation of the book that goes --- */

static enum ov_status
keep_account(struct ov_home *home, uint64_t generation, uint64_t record)
{
	struct ov_book_account a = { 0 };
	enum ov_status st;

	OV_TRY(ov_book_account(&a, home->db, (int64_t)record));
	OV_TRY(ov_db_run(home->db,
	    "INSERT OR IGNORE INTO job_account(generation, record, rows, name, ids)"
	    " VALUES (?, ?, ?, ?, ?)",
	    OV_DB_I64(generation), OV_DB_I64(record), OV_DB_I64(a.rows),
	    OV_DB_TEXT(a.name), OV_DB_TEXT(a.ids)));
done:
	ov_book_account_fini(&a);
	return st;
}

/* Those that stand in reports. */
static enum ov_status
keep_matched(struct ov_home *home, uint64_t generation)
{
	struct ov_db_stmt *q = NULL;
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_db_query(&q, home->db,
	    "SELECT DISTINCT m.record FROM job_match m JOIN job j ON j.id = m.job"
	    " WHERE j.generation = ?",
	    OV_DB_I64(generation)));
	for (;;) {
		OV_TRY(ov_db_step(q, &row));
		if (!row)
			break;
		OV_TRY(keep_account(home, generation, (uint64_t)ov_db_i64(q, 0)));
	}
	OV_TRY(ov_db_commit(home->db, "job.accounts"));
done:
	ov_db_finish(q);
	ov_db_rollback(home->db);
	return st;
}

/* Those that open jobs may bring into reports. */
struct keeping {
	struct ov_home *home;
	uint64_t generation;
};

static enum ov_status
keep_job(void *arg, const struct ov_job *j)
{
	struct keeping *k = arg;
	struct ov_list list = { 0 };
	enum ov_status st = OV_OK;

	if (ov_job_final(j->state) || j->generation != k->generation)
		return OV_OK;
	OV_TRY(ov_job_load_list(&list, k->home, j));
	OV_TRY(ov_db_begin(k->home->db));
	for (size_t i = 0; i < list.n_records; i++)
		OV_TRY(keep_account(k->home, k->generation, list.records[i].account));
	OV_TRY(ov_db_commit(k->home->db, "job.accounts"));
done:
	ov_db_rollback(k->home->db);
	ov_list_fini(&list);
	return st;
}

enum ov_status
ov_freeze_keep_accounts(struct ov_home *home)
{
	struct keeping k = { .home = home };
	enum ov_status st;

	OV_TRY(ov_book_generation(&k.generation, home->db));
	OV_TRY(ov_job_each(home, keep_job, &k));
	OV_TRY(keep_matched(home, k.generation));
done:
	return st;
}

/* --- the own ICP --- */

enum ov_status
ov_icp_text(struct ov_buf *out, struct ov_home *home)
{
	struct ov_db_stmt *q = NULL;
	struct ov_bytes text;
	bool row = false;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, home->db, "SELECT value FROM setting WHERE name = ?",
	    OV_DB_TEXT(ICP_SETTING)));
	OV_TRY(ov_db_step(q, &row));
	if (row) {
		text = ov_db_blob(q, 0);
		OV_TRY(ov_buf_append(out, text.p, text.len));
	}
done:
	ov_db_finish(q);
	return st;
}

enum ov_status
ov_icp_store(struct ov_home *home, struct ov_bytes text)
{
	enum ov_status st;

	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_db_run(home->db,
	    "INSERT OR REPLACE INTO setting(name, value) VALUES (?, ?)",
	    OV_DB_TEXT(ICP_SETTING), OV_DB_BYTES(text)));
	OV_TRY(ov_db_commit(home->db, "icp.store"));
done:
	ov_db_rollback(home->db);
	return st;
}
