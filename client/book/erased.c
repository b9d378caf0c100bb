#include "client/book/erased.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "client/book/build.h"
#include "client/book/find.h"
#include "client/book/row.h"
#include "common/crypto/memory.h"

#define DIGEST_LEN 16
#define NAME_MAX_LEN 512

/* What a digest is of.  Part of what is hashed: append only. */
enum what {
	BY_ID = 1,
	BY_KEY = 2,	      /* rank and value, of a row without id */
	BY_NAME = 3,	      /* of a row without id, as it stands, case aside */
	BY_NAME_OF_DEALS = 4, /* the same of a row with an id: for deals without one */
	BY_KEY_BESIDE_ID = 5, /* as BY_KEY, of rows with an id: for rows without one */
	/* rank, value and name, of a key that may be others' too, without and with id */
	BY_NAME_AT = 6,
	BY_NAME_AT_BESIDE_ID = 7,
	BY_WORD =
	    8, /* a name that is not to come, whoever has it; as a key by its rank */
};

struct ov_erased {
	uint8_t key[OV_ERASED_KEY_LEN];
	size_t n;
	uint8_t (*digest)[DIGEST_LEN]; /* sorted */
};

static void
digest_of(uint8_t out[DIGEST_LEN], const uint8_t key[OV_ERASED_KEY_LEN], enum what what,
    uint8_t rank, struct ov_bytes value)
{
	const uint8_t head[2] = { (uint8_t)what, rank };

	ov_blake2b(out, DIGEST_LEN, key, OV_BYTES(head, sizeof(head)), value);
}

/* As deals find accounts by name: case aside.  A longer name finds none. */
static struct ov_bytes
folded(uint8_t out[NAME_MAX_LEN], struct ov_bytes name)
{
	if (name.len > NAME_MAX_LEN)
		return OV_BYTES(out, 0);
	for (size_t i = 0; i < name.len; i++)
		out[i] = (uint8_t)tolower(name.p[i]);
	return OV_BYTES(out, name.len);
}

/* --- reading --- */

enum ov_status
ov_erased_any(bool *any, struct ov_db *db)
{
	int64_t n;
	enum ov_status st;

	OV_TRY(ov_db_number(&n, db, "SELECT EXISTS (SELECT 1 FROM book_erased)"));
	*any = n != 0;
done:
	return st;
}

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, DIGEST_LEN);
}

enum ov_status
ov_erased_load(
    struct ov_erased **out, struct ov_db *db, const uint8_t key[OV_ERASED_KEY_LEN])
{
	struct ov_erased *e = calloc(1, sizeof(*e));
	struct ov_db_stmt *s = NULL;
	int64_t n;
	bool row;
	enum ov_status st;

	*out = NULL;
	OV_REQUIRE(e != NULL, OV_E_NOMEM);
	memcpy(e->key, key, sizeof(e->key));
	OV_TRY(ov_db_number(&n, db, "SELECT count(*) FROM book_erased_digest"));
	e->digest = calloc((size_t)n + 1, DIGEST_LEN);
	OV_REQUIRE(e->digest != NULL, OV_E_NOMEM);
	OV_TRY(ov_db_query(&s, db, "SELECT digest FROM book_erased_digest"));
	while (e->n < (size_t)n) {
		OV_TRY(ov_db_step(s, &row));
		if (!row)
			break;
		OV_TRY(ov_db_copy(e->digest[e->n], DIGEST_LEN, s, 0));
		e->n++;
	}
	qsort(e->digest, e->n, DIGEST_LEN, compare);
	*out = e;
	e = NULL;
done:
	ov_db_finish(s);
	ov_erased_free(e);
	return st;
}

void
ov_erased_free(struct ov_erased *e)
{
	if (e == NULL)
		return;
	ov_wipe(e->key, sizeof(e->key));
	free(e->digest);
	free(e);
}

static bool
knows(const struct ov_erased *e, enum what what, uint8_t rank, struct ov_bytes value)
{
	uint8_t digest[DIGEST_LEN];

	if (value.len == 0)
		return false;
	digest_of(digest, e->key, what, rank, value);
	return bsearch(digest, e->digest, e->n, DIGEST_LEN, compare) != NULL;
}

/* A key together with a name: together they are nobody else's. */
struct name_at {
	uint8_t bytes[OV_TOKEN_VALUE_CAP + NAME_MAX_LEN];
};

static struct ov_bytes
name_at(struct name_at *out, const char *value, struct ov_bytes name)
{
	size_t len = strlen(value) + 1;

	memcpy(out->bytes, value, len);
	memcpy(out->bytes + len, name.p, name.len);
	/* without a name it says nothing */
	return OV_BYTES(out->bytes, name.len > 0 ? len + name.len : 0);
}

/* A name that a website tells may be another company's own. */
static bool
is_told(enum ov_rank rank, enum ov_claim_source source)
{
	return source == OV_CLAIM_WEBSITE &&
	       (rank == OV_RANK_NAME_COUNTRY || rank == OV_RANK_NAME);
}

/* The keys that a row claims. */
struct looking {
	const struct ov_erased *e;
	struct ov_bytes name; /* folded */
	bool has_id;
	bool found, name_found;
	bool any, better; /* a key; one above the bare name */
};

static enum ov_status
look_at(void *ctx, const struct ov_claim_try *t)
{
	struct looking *l = ctx;
	const uint8_t rank = (uint8_t)t->rank;
	struct ov_bytes value = OV_BYTES(t->value, strlen(t->value));
	struct name_at at;
	bool has;

	if (t->why != OV_DROP_NONE || is_told(t->rank, t->source))
		return OV_OK;
	has = knows(l->e, BY_KEY, rank, value) ||
	      (!l->has_id && knows(l->e, BY_KEY_BESIDE_ID, rank, value));
	l->any = true;
	if (t->rank == OV_RANK_NAME) {
		l->name_found = l->name_found || has;
		l->found = l->found || knows(l->e, BY_WORD, rank, value);
		return OV_OK;
	}
	value = name_at(&at, t->value, l->name);
	l->better = true;
	l->found = l->found || has || knows(l->e, BY_NAME_AT, rank, value) ||
		   (!l->has_id && knows(l->e, BY_NAME_AT_BESIDE_ID, rank, value));
	return OV_OK;
}

enum ov_status
ov_erased_has(bool *has, const struct ov_erased *e, struct ov_bytes id,
    const struct ov_row_cells *c)
{
	const struct ov_profile *p;
	uint8_t name[NAME_MAX_LEN];
	struct ov_bytes folded_name;
	enum ov_status st = OV_OK;

	*has = false;
	if (e == NULL)
		goto done;
	folded_name = folded(name, c->name);
	*has = knows(e, BY_ID, 0, id) || knows(e, BY_WORD, 0, folded_name);
	/* it may have been erased by the release before */
	for (size_t i = 0; !*has && (p = ov_profile_at(i)) != NULL; i++) {
		struct looking l = { .e = e, .has_id = id.len > 0, .name = folded_name };

		OV_TRY(ov_row_claims(p, c, look_at, &l));
		*has = l.found || (l.name_found && !l.better) ||
		       (!l.any && knows(e, BY_NAME, 0, folded_name));
	}
done:
	return st;
}

static enum ov_status
has_id(bool *has, const struct ov_erased *e, struct ov_bytes part)
{
	char *id = malloc(part.len + 4);

	if (id == NULL)
		return OV_E_NOMEM;
	ov_crm_id(id, (const char *)part.p, part.len);
	*has = knows(e, BY_ID, 0, OV_BYTES(id, strlen(id)));
	free(id);
	return OV_OK;
}

/* Leaves those that were not, in place: what is left is never longer. */
static enum ov_status
strike_ids(size_t *struck, const struct ov_erased *e, struct ov_text *ids)
{
	struct ov_bytes rest = OV_BYTES(ids->p, ids->len), part;
	size_t len = 0;
	bool has;
	enum ov_status st = OV_OK;

	*struck = 0;
	while ((part = ov_row_next_part(&rest)).len > 0) {
		OV_TRY(has_id(&has, e, part));
		*struck += has;
		if (has)
			continue;
		if (len > 0)
			ids->p[len++] = ';';
		memmove(ids->p + len, part.p, part.len);
		len += part.len;
	}
	if (ids->len > 0)
		ids->p[len] = '\0';
	ids->len = len;
done:
	return st;
}

/* The same name in any spelling. */
static bool
knows_name(const struct ov_erased *e, struct ov_bytes name)
{
	char bare[OV_TOKEN_VALUE_CAP];
	bool has = false;

	for (size_t i = 0; !has && ov_profile_at(i) != NULL; i++) {
		(void)ov_normalise_name(
		    ov_profile_at(i), bare, (const char *)name.p, name.len, NULL);
		has = knows(e, BY_NAME_OF_DEALS, OV_RANK_NAME,
		    OV_BYTES(bare, strlen(bare))); /* a drop leaves "" */
	}
	return has;
}

enum ov_status
ov_erased_strike_deal(enum ov_erased_deal *of, const struct ov_erased *e,
    struct ov_text *ids, struct ov_bytes name)
{
	uint8_t lower[NAME_MAX_LEN];
	struct ov_bytes text;
	size_t struck;
	enum ov_status st = OV_OK;

	*of = OV_DEAL_OF_OTHERS;
	if (e == NULL)
		goto done;
	OV_TRY(strike_ids(&struck, e, ids));
	text = folded(lower, name);
	if (struck > 0)
		*of = ids->len > 0 ? OV_DEAL_OF_BOTH : OV_DEAL_OF_ERASED;
	if (knows(e, BY_NAME, 0, text) ||
	    (ids->len == 0 && knows(e, BY_NAME_OF_DEALS, 0, text)))
		*of = OV_DEAL_OF_ERASED;
	if (*of == OV_DEAL_OF_OTHERS && ids->len == 0 && knows_name(e, name))
		*of = OV_DEAL_LIKE_ERASED;
done:
	return st;
}

/* --- writing --- */

struct memory {
	struct ov_db *db;
	const uint8_t *key;
	int64_t account; /* of book_erased */
};

static enum ov_status
put(const struct memory *m, enum what what, uint8_t rank, struct ov_bytes value)
{
	uint8_t digest[DIGEST_LEN];

	if (value.len == 0)
		return OV_OK;
	digest_of(digest, m->key, what, rank, value);
	return ov_db_run(m->db,
	    "INSERT OR IGNORE INTO book_erased_digest(account, digest) VALUES(?,?)",
	    OV_DB_I64(m->account), OV_DB_BLOB(digest, DIGEST_LEN));
}

/* The keys that are the record's own.  Of bare names only where it has nothing better. */
static enum ov_status
put_keys(const struct memory *m, enum what what, int64_t record)
{
	struct ov_db_stmt *s = NULL;
	struct ov_merge_token t;
	struct ov_bytes keys;
	size_t at = 0;
	bool row, ok = true, better = false;
	enum ov_status st;

	OV_TRY(ov_db_query(&s, m->db, "SELECT keys FROM book_record WHERE record = ?",
	    OV_DB_I64(record)));
	OV_TRY(ov_db_step(s, &row));
	OV_REQUIRE(row, OV_E_NOT_FOUND);
	keys = ov_db_blob(s, 0);
	while (ov_book_next_key(&t, &at, keys, &ok)) {
		better = better || t.rank != OV_RANK_NAME;
		if (is_told(t.rank, t.source))
			continue;
		if (t.rank != OV_RANK_NAME || !better) /* bare names come last */
			OV_TRY(put(m, what, (uint8_t)t.rank, t.value));
	}
	OV_REQUIRE(ok, OV_E_DB_FAILED);
done:
	ov_db_finish(s);
	return st;
}

struct claims {
	const struct memory *m;
	enum what what;
	struct ov_bytes name; /* folded */
};

static enum ov_status
put_claim(void *ctx, const struct ov_claim_try *t)
{
	const struct claims *c = ctx;
	struct name_at at;

	if (t->why != OV_DROP_NONE || is_told(t->rank, t->source))
		return OV_OK;
	if (t->rank == OV_RANK_NAME)
		return put(c->m, BY_NAME_OF_DEALS, OV_RANK_NAME,
		    OV_BYTES(t->value, strlen(t->value)));
	return put(c->m, c->what, (uint8_t)t->rank, name_at(&at, t->value, c->name));
}

static enum ov_status
put_rows(const struct memory *m, int64_t record)
{
	uint8_t lower[NAME_MAX_LEN];
	struct ov_db_stmt *s = NULL;
	struct ov_row_cells cells;
	struct claims claims;
	struct ov_bytes id, name;
	bool row, without_id = false;
	enum ov_status st;

	OV_TRY(ov_db_query(&s, m->db,
	    "SELECT ext_id, " OV_ROW_CELL_COLUMNS
	    " FROM book_member b JOIN book_row r ON r.row = b.row"
	    " WHERE b.record = ?",
	    OV_DB_I64(record)));
	for (;;) {
		OV_TRY(ov_db_step(s, &row));
		if (!row)
			break;
		id = ov_db_blob(s, 0);
		name = folded(lower, ov_db_blob(s, 1));
		without_id = without_id || id.len == 0;
		OV_TRY(put(m, BY_ID, 0, id));
		OV_TRY(put(m, id.len == 0 ? BY_NAME : BY_NAME_OF_DEALS, 0, name));
		cells = ov_row_cells_at(s, 1);
		claims = (struct claims){ m,
			id.len == 0 ? BY_NAME_AT : BY_NAME_AT_BESIDE_ID, name };
		OV_TRY(ov_row_claims(ov_profile_current(), &cells, put_claim, &claims));
	}
	OV_TRY(put_keys(m, without_id ? BY_KEY : BY_KEY_BESIDE_ID, record));
done:
	ov_db_finish(s);
	return st;
}

enum ov_status
ov_erased_remember(struct ov_db *db, const uint8_t key[OV_ERASED_KEY_LEN], int64_t record,
    const char *id, uint64_t now)
{
	struct memory m = { .db = db, .key = key };
	enum ov_status st;

	OV_TRY(ov_db_run(db, "INSERT INTO book_erased(at) VALUES(?)", OV_DB_I64(now)));
	m.account = ov_db_last_id(db);
	OV_TRY(put(&m, BY_ID, 0, OV_BYTES(id, strlen(id))));
	if (record >= 0)
		OV_TRY(put_rows(&m, record));
done:
	return st;
}

/* --- a text that a person gives: an id, a domain or a name --- */

struct meaning {
	enum what what;
	uint8_t rank;
	struct ov_bytes value; /* empty: it cannot be that */
};

struct text {
	char *id;
	char domain[OV_TOKEN_VALUE_CAP], bare[OV_TOKEN_VALUE_CAP];
	uint8_t name[NAME_MAX_LEN];
	size_t name_len;
};

static enum ov_status
read_text(struct text *t, const struct ov_profile *p, const char *text)
{
	const size_t len = strlen(text);

	t->id = ov_find_id(text);
	if (t->id == NULL)
		return OV_E_NOMEM;
	/* a drop leaves "" */
	(void)ov_normalise_domain(p, t->domain, text, len, OV_FROM_WEBSITE);
	(void)ov_normalise_name(p, t->bare, text, len, NULL);
	t->name_len = folded(t->name, OV_BYTES(text, len)).len;
	return OV_OK;
}

#define OF_ID(t) OV_BYTES((t)->id, strlen((t)->id))
#define OF_NAME(t) OV_BYTES((t)->name, (t)->name_len)
#define OF_DOMAIN(t) OV_BYTES((t)->domain, strlen((t)->domain))
#define OF_BARE(t) OV_BYTES((t)->bare, strlen((t)->bare))

enum ov_status
ov_erased_remember_text(struct ov_db *db, const uint8_t key[OV_ERASED_KEY_LEN],
    const char *text, uint64_t now)
{
	struct memory m = { .db = db, .key = key };
	struct text t = { .id = NULL };
	enum ov_status st;

	OV_TRY(read_text(&t, ov_profile_current(), text));
	const struct meaning all[] = { { BY_ID, 0, OF_ID(&t) },
		{ BY_NAME, 0, OF_NAME(&t) }, /* deals */
		{ BY_WORD, 0, OF_NAME(&t) }, { BY_WORD, OV_RANK_NAME, OF_BARE(&t) },
		{ BY_KEY, OV_RANK_DOMAIN, OF_DOMAIN(&t) } };

	OV_TRY(ov_db_run(db, "INSERT INTO book_erased(at) VALUES(?)", OV_DB_I64(now)));
	m.account = ov_db_last_id(db);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		OV_TRY(put(&m, all[i].what, all[i].rank, all[i].value));
done:
	free(t.id);
	return st;
}

/* --- forgetting --- */

static enum ov_status
find(int64_t *account, struct ov_db *db, const uint8_t digest[DIGEST_LEN])
{
	struct ov_db_stmt *s = NULL;
	bool row;
	enum ov_status st;

	OV_TRY(
	    ov_db_query(&s, db, "SELECT account FROM book_erased_digest WHERE digest = ?",
		OV_DB_BLOB(digest, DIGEST_LEN)));
	for (;;) {
		OV_TRY(ov_db_step(s, &row));
		if (!row)
			break;
		OV_REQUIRE(
		    *account == 0 || *account == ov_db_i64(s, 0), OV_E_DB_CONFLICT);
		*account = ov_db_i64(s, 0);
	}
done:
	ov_db_finish(s);
	return st;
}

/* What text means by the keys of p. */
static enum ov_status
find_text(int64_t *account, struct ov_db *db, const uint8_t key[OV_ERASED_KEY_LEN],
    const struct ov_profile *p, const char *text)
{
	struct text t = { .id = NULL };
	uint8_t digest[DIGEST_LEN];
	enum ov_status st = OV_OK;

	OV_TRY(read_text(&t, p, text));
	const struct meaning all[] = { { BY_ID, 0, OF_ID(&t) },
		{ BY_NAME, 0, OF_NAME(&t) }, { BY_NAME_OF_DEALS, 0, OF_NAME(&t) },
		{ BY_KEY, OV_RANK_DOMAIN, OF_DOMAIN(&t) },
		{ BY_KEY, OV_RANK_NAME, OF_BARE(&t) },
		{ BY_KEY_BESIDE_ID, OV_RANK_DOMAIN, OF_DOMAIN(&t) },
		{ BY_KEY_BESIDE_ID, OV_RANK_NAME, OF_BARE(&t) },
		{ BY_WORD, OV_RANK_NAME, OF_BARE(&t) } };

	/* an id means itself, whatever else has such a name */
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && !(i == 1 && *account != 0);
	     i++) {
		digest_of(digest, key, all[i].what, all[i].rank, all[i].value);
		OV_TRY(find(account, db, digest));
	}
done:
	free(t.id);
	return st;
}

enum ov_status
ov_erased_forget(struct ov_db *db, const uint8_t key[OV_ERASED_KEY_LEN], const char *text)
{
	const struct ov_profile *p;
	int64_t account = 0;
	enum ov_status st = OV_OK;

	OV_REQUIRE(text[0] != '\0', OV_E_NOT_FOUND);
	for (size_t i = 0; account == 0 && (p = ov_profile_at(i)) != NULL; i++)
		OV_TRY(find_text(&account, db, key, p, text));
	OV_REQUIRE(account != 0, OV_E_NOT_FOUND);
	OV_TRY(ov_db_run(
	    db, "DELETE FROM book_erased_digest WHERE account = ?", OV_DB_I64(account)));
	OV_TRY(ov_db_run(
	    db, "DELETE FROM book_erased WHERE account = ?", OV_DB_I64(account)));
done:
	return st;
}

enum ov_status
ov_erased_each(
    struct ov_db *db, enum ov_status (*visit)(void *arg, uint64_t at), void *arg)
{
	struct ov_db_stmt *s = NULL;
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_query(&s, db, "SELECT at FROM book_erased ORDER BY at, account"));
	for (;;) {
		OV_TRY(ov_db_step(s, &row));
		if (!row)
			break;
		OV_TRY(visit(arg, (uint64_t)ov_db_i64(s, 0)));
	}
done:
	ov_db_finish(s);
	return st;
}
