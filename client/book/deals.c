#include "client/book/deals.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "client/book/sort.h"
#include "proto/slots.h"

#define KEY_MAX 512 /* bytes of an id or name; longer ones join nothing */
#define BY_ID 'i'
#define BY_NAME 'n'
#define A_DEAL 0       /* sorts before the accounts of the same key */
#define A_DEAL_AGAIN 1 /* by another of its ids: counted there */
#define AN_ACCOUNT 2
#define TOLD 9		 /* how much a deal tells of its account, see tell() */
#define TAIL (11 + TOLD) /* 0, what it is, told, row, population */

/* Deals and accounts by what they have in common: by key 0 what told row population.  The
 * population of an account is what it says of itself; OV_POPULATION_NONE: what is stored
 * counts.  Then changes: row population, to be made in the order of the rows. */
struct ov_deals {
	const char *directory;
	struct ov_sort *pairs, *changes;
	struct ov_tape *waiting; /* deals: ids 0 name 0 told row population */
	bool any_account_id;
	uint64_t n, nameless; /* deals; those that say nothing of their account */
};

enum ov_status
ov_deals_new(struct ov_deals **out, const char *directory)
{
	struct ov_deals *d = calloc(1, sizeof(*d));
	enum ov_status st;

	*out = NULL;
	OV_REQUIRE(d != NULL, OV_E_NOMEM);
	d->directory = directory;
	OV_TRY(ov_sort_new(&d->pairs, directory, OV_SORT_MEMORY));
	OV_TRY(ov_sort_new(&d->changes, directory, OV_SORT_MEMORY));
	OV_TRY(ov_tape_new(&d->waiting, directory));
	*out = d;
	d = NULL;
done:
	ov_deals_free(d);
	return st;
}

void
ov_deals_free(struct ov_deals *d)
{
	if (d == NULL)
		return;
	ov_sort_free(d->pairs);
	ov_sort_free(d->changes);
	ov_tape_free(d->waiting);
	free(d);
}

/* Of several deals that name an account the one stands for it that tells most, whatever
 * their order in the file: the number of empty cells, then a digest of all cells. */
static void
tell(uint8_t told[TOLD], const struct ov_row *deal)
{
	uint8_t digest[OV_HASH_LEN];
	struct ov_hash h;

	told[0] = 0;
	ov_hash_init(&h);
	for (int f = OV_FIELD_ID; f < OV_FIELD_ACCOUNTS; f++) {
		struct ov_bytes cell = ov_row_cell(deal, (enum ov_field)f);

		told[0] = (uint8_t)(told[0] + (cell.len == 0));
		ov_hash_lv(&h, cell.p, cell.len);
	}
	ov_hash_final(&h, digest);
	memcpy(told + 1, digest, TOLD - 1);
}

/* Whether a deal is known by its id or its name is known when all accounts were seen. */
enum ov_status
ov_deals_add(
    struct ov_deals *d, const struct ov_row *deal, int64_t row, uint8_t population)
{
	struct ov_bytes ids = ov_row_cell(deal, OV_FIELD_ACCOUNTS);
	struct ov_bytes name = ov_row_cell(deal, OV_FIELD_NAME);
	uint8_t record[2 * KEY_MAX + 2 + TOLD + 9];
	size_t len = 0;

	if (ids.len > KEY_MAX)
		ids.len = 0;
	if (name.len > KEY_MAX)
		name.len = 0;
	memcpy(record, ids.p, ids.len);
	len = ids.len;
	record[len++] = 0;
	memcpy(record + len, name.p, name.len);
	len += name.len;
	record[len++] = 0;
	tell(record + len, deal);
	len += TOLD;
	ov_put64(record + len, (uint64_t)row);
	record[len + 8] = population;
	d->n++;
	d->nameless += ids.len == 0 && name.len == 0;
	return ov_tape_put(d->waiting, record, len + 9);
}

/* What a deal or an account brings to those of its key. */
struct part {
	uint8_t what, told[TOLD], population;
	int64_t row;
};

static enum ov_status
add_pair(struct ov_deals *d, char by, struct ov_bytes key, const struct part *part)
{
	uint8_t record[1 + KEY_MAX + 3 + TAIL];
	size_t len = 0;

	if (key.len == 0 || key.len > KEY_MAX)
		return OV_OK;
	record[len++] = (uint8_t)by;
	if (by == BY_ID) {
		ov_crm_id((char *)record + len, (const char *)key.p, key.len);
		len += strlen((const char *)record + len);
	} else {
		for (size_t i = 0; i < key.len; i++)
			record[len++] = (uint8_t)tolower(key.p[i]);
	}
	record[len++] = 0;
	record[len++] = part->what;
	memcpy(record + len, part->told, TOLD);
	len += TOLD;
	ov_put64(record + len, (uint64_t)part->row);
	record[len + 8] = part->population;
	return ov_sort_add(d->pairs, record, len + 9);
}

/* What an account that stands in the book already says of itself. */
static uint8_t
own_word(const struct ov_populations *p, struct ov_db_stmt *s)
{
	struct ov_population_signs signs = { .type = ov_db_blob(s, 4),
		.lifecycle = ov_db_blob(s, 5),
		.stage = ov_db_blob(s, 6) };
	uint8_t own;

	(void)ov_population_of(&own, p, &signs, OV_POPULATION_NONE);
	return own;
}

/* Of those that deals may be of. */
static int64_t
first_row(enum ov_deals_scope scope, int64_t last_old)
{
	return scope == OV_DEALS_OF_IMPORT ? last_old + 1 : 0;
}

static enum ov_status
add_accounts(struct ov_deals *d, struct ov_db *db, int64_t last_old,
    enum ov_deals_scope scope, const struct ov_populations *p)
{
	struct ov_db_stmt *s = NULL;
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_query(&s, db,
	    "SELECT row, ext_id, name, population, type, lifecycle, stage FROM book_row"
	    " WHERE row >= ? AND population != ?",
	    OV_DB_I64(first_row(scope, last_old)), OV_DB_I64(OV_PENDING_DEAL)));
	for (;;) {
		struct part a = { .what = AN_ACCOUNT };

		OV_TRY(ov_db_step(s, &row));
		if (!row)
			break;
		a.row = ov_db_i64(s, 0);
		if (a.row > last_old)
			a.population = OV_POPULATION_NONE;
		else if (scope == OV_DEALS_ADDED)
			a.population = (uint8_t)ov_db_i64(s, 3);
		else
			a.population = own_word(p, s);
		d->any_account_id = d->any_account_id || ov_db_blob(s, 1).len > 0;
		OV_TRY(add_pair(d, BY_ID, ov_db_blob(s, 1), &a));
		OV_TRY(add_pair(d, BY_NAME, ov_db_blob(s, 2), &a));
	}
done:
	ov_db_finish(s);
	return st;
}

/* A deal joins by each of its accounts' ids; where accounts have none, by name. */
static enum ov_status
add_deal(struct ov_deals *d, struct ov_bytes r, bool any_account)
{
	const uint8_t *name = memchr(r.p, 0, r.len), *end = r.p + r.len - 9 - TOLD;
	struct ov_bytes ids = OV_BYTES(r.p, (size_t)(name - r.p)), id;
	struct part deal = { .what = A_DEAL,
		.population = end[TOLD + 8],
		.row = (int64_t)ov_get64(end + TOLD) };
	enum ov_status st = OV_OK;

	name++;
	memcpy(deal.told, end, TOLD);
	if (ids.len == 0 || (any_account && !d->any_account_id))
		return add_pair(
		    d, BY_NAME, OV_BYTES(name, (size_t)(end - 1 - name)), &deal);
	while ((id = ov_row_next_part(&ids)).len > 0) {
		OV_TRY(add_pair(d, BY_ID, id, &deal));
		deal.what = A_DEAL_AGAIN;
	}
done:
	return st;
}

static enum ov_status
add_deals(struct ov_deals *d, bool any_account)
{
	struct ov_tape_reader reader = { 0 };
	struct ov_bytes r;
	bool any;
	enum ov_status st;

	OV_TRY(ov_tape_read(&reader, d->waiting, 0, ov_tape_end(d->waiting)));
	for (;;) {
		OV_TRY(ov_tape_next(&any, &r, &reader));
		if (!any)
			break;
		OV_TRY(add_deal(d, r, any_account));
	}
done:
	ov_tape_reader_fini(&reader);
	return st;
}

/* Everything of one key. */
struct group {
	uint8_t key[KEY_MAX + 8];
	size_t len;
	uint64_t deals, again, accounts;
	uint8_t population; /* the first that its deals say */
	int64_t stand_in;   /* row of the deal that tells most; 0: none */
};

static enum ov_status
add_change(struct ov_deals *d, int64_t row, uint8_t population)
{
	uint8_t record[9];

	ov_put64(record, (uint64_t)row);
	record[8] = population;
	return ov_sort_add(d->changes, record, sizeof(record));
}

static enum ov_status
end_group(struct ov_deals *d, struct group *g, struct ov_deals_result *out)
{
	enum ov_status st = OV_OK;

	if (g->deals + g->again > 0 && g->accounts > 0) {
		out->joined += g->deals;
		out->accounts += g->accounts;
	} else if (g->deals > 0 && g->stand_in > 0) {
		out->stand_ins++;
		OV_TRY(add_change(d, g->stand_in, g->population));
	} else {
		out->lost += g->deals;
	}
	g->deals = g->again = g->accounts = 0;
	g->population = OV_POPULATION_NONE;
	g->stand_in = 0;
done:
	return st;
}

static enum ov_status
take_pair(struct ov_deals *d, struct group *g, struct ov_bytes r)
{
	const uint8_t *tail = r.p + r.len - (TAIL - 1); /* after the key's 0 */
	int64_t row = (int64_t)ov_get64(tail + 1 + TOLD);
	uint8_t population = tail[1 + TOLD + 8];

	if (tail[0] != AN_ACCOUNT) {
		g->deals += tail[0] == A_DEAL;
		g->again += tail[0] == A_DEAL_AGAIN;
		if (population < g->population)
			g->population = population;
		if (g->stand_in == 0 && tail[0] == A_DEAL)
			g->stand_in = row;
		return OV_OK;
	}
	g->accounts++;
	if (g->deals + g->again == 0)
		return OV_OK;
	return add_change(
	    d, row, population < g->population ? population : g->population);
}

static enum ov_status
pair_up(struct ov_deals *d, struct ov_deals_result *out)
{
	struct group g = { .len = 0, .population = OV_POPULATION_NONE };
	struct ov_bytes r;
	size_t len;
	bool any;
	enum ov_status st;

	OV_TRY(ov_sort_begin(d->pairs));
	for (;;) {
		OV_TRY(ov_sort_next(&any, &r, d->pairs));
		len = any ? r.len - TAIL : 0;
		if (!any || len != g.len || memcmp(r.p, g.key, len) != 0) {
			OV_TRY(end_group(d, &g, out));
			if (!any)
				break;
			memcpy(g.key, r.p, len);
			g.len = len;
		}
		OV_TRY(take_pair(d, &g, r));
	}
done:
	return st;
}

static enum ov_status
change_row(struct ov_db *db, int64_t row, uint8_t population, int64_t last_old)
{
	if (population == OV_POPULATION_NONE)
		population = OV_PENDING_NONE;
	if (row <= last_old)
		return population == OV_PENDING_NONE
			   ? OV_OK /* nothing says anything new */
			   : ov_db_run(db,
				 "UPDATE book_row SET population = ? WHERE row = ?"
				 " AND NOT told",
				 OV_DB_I64(population), OV_DB_I64(row));
	/* of several changes of a row, the first population wins */
	return ov_db_run(db,
	    "UPDATE book_row SET population = min(CASE population WHEN ?1 THEN ?2"
	    " ELSE population END, ?3) WHERE row = ?4 AND population & ?5 = 0"
	    " OR row = ?4 AND population = ?1",
	    OV_DB_I64(OV_PENDING_DEAL), OV_DB_I64(OV_PENDING_NONE), OV_DB_I64(population),
	    OV_DB_I64(row), OV_DB_I64(OV_PENDING_FIXED));
}

static enum ov_status
make_changes(struct ov_deals *d, struct ov_db *db, int64_t last_old)
{
	int64_t row, before = 0;
	struct ov_bytes r;
	bool any;
	enum ov_status st;

	OV_TRY(ov_sort_begin(d->changes));
	for (;;) {
		OV_TRY(ov_sort_next(&any, &r, d->changes));
		if (!any)
			break;
		row = (int64_t)ov_get64(r.p);
		/* the smallest population of a row comes first */
		if (row != before)
			OV_TRY(change_row(db, row, r.p[8], last_old));
		before = row;
	}
	OV_TRY(ov_db_run(db, "DELETE FROM book_row WHERE row > ? AND population = ?",
	    OV_DB_I64(last_old), OV_DB_I64(OV_PENDING_DEAL)));
done:
	return st;
}

enum ov_status
ov_deals_join(struct ov_deals_result *out, struct ov_deals *d, struct ov_db *db,
    int64_t last_old, enum ov_deals_scope scope, const struct ov_populations *p)
{
	int64_t first = first_row(scope, last_old), accounts;
	enum ov_status st;

	*out = (struct ov_deals_result){ .deals = d->n, .lost = d->nameless };
	OV_TRY(ov_db_number(&accounts, db,
	    "SELECT EXISTS (SELECT 1 FROM book_row WHERE row >= ? AND population != ?)",
	    OV_DB_I64(first), OV_DB_I64(OV_PENDING_DEAL)));
	OV_TRY(add_accounts(d, db, last_old, scope, p));
	OV_TRY(add_deals(d, accounts > 0));
	OV_TRY(pair_up(d, out));
	OV_TRY(make_changes(d, db, last_old));
done:
	return st;
}
