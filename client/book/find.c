#include "client/book/find.h"

#include <stdlib.h>
#include <string.h>

#include "client/book/build.h"
#include "client/book/merge.h"
#include "client/book/row.h"
#include "client/normalise/normalise.h"

char *
ov_find_id(const char *text)
{
	size_t len = strlen(text);
	char *id = malloc(len + 4);

	if (id != NULL)
		ov_crm_id(id, text, len);
	return id;
}

/* A key as book_record.keys holds it, to be searched for; for "" what never occurs: 0xff
 * is no rank and no UTF-8. */
#define PATTERN_MAX (3 + OV_TOKEN_VALUE_MAX)
struct pattern {
	uint8_t bytes[PATTERN_MAX];
	size_t len;
};

static struct pattern
pattern_of(enum ov_rank rank, enum ov_claim_source source, const char *value)
{
	struct pattern p = { { 0xff, 0xff }, 2 };
	size_t len = strlen(value);

	if (len == 0 || len > OV_TOKEN_VALUE_MAX)
		return p;
	p.bytes[0] = (uint8_t)rank;
	p.bytes[1] = (uint8_t)source;
	p.bytes[2] = (uint8_t)len;
	memcpy(p.bytes + 3, value, len);
	p.len = 3 + len;
	return p;
}

/* By the cells as they stand, or by what they give. */
enum ov_status
ov_find_records(struct ov_db_stmt **out, struct ov_db *db, const char *text)
{
	char name[OV_TOKEN_VALUE_CAP], domain[OV_TOKEN_VALUE_CAP];
	size_t len = strlen(text);
	struct pattern by_name, by_alias, by_site, by_mail;
	char *id = ov_find_id(text);
	enum ov_status st;

	*out = NULL;
	OV_REQUIRE(id != NULL, OV_E_NOMEM);
	/* a drop leaves "", which is searched for in vain */
	(void)ov_normalise_name(ov_profile_current(), name, text, len, NULL);
	(void)ov_normalise_domain(
	    ov_profile_current(), domain, text, len, OV_FROM_WEBSITE);
	by_name = pattern_of(OV_RANK_NAME, OV_CLAIM_COLUMN, name);
	by_alias = pattern_of(OV_RANK_DOMAIN, OV_CLAIM_COLUMN, domain);
	by_site = pattern_of(OV_RANK_DOMAIN, OV_CLAIM_WEBSITE, domain);
	by_mail = pattern_of(OV_RANK_DOMAIN, OV_CLAIM_EMAIL, domain);
	st = ov_db_query(out, db,
	    "SELECT record, population, rows, keys, populations FROM book_record WHERE "
	    "record < ?7"
	    " AND (record IN"
	    " (SELECT m.record FROM book_row r JOIN book_member m ON m.row = r.row"
	    "  WHERE r.name = ?1 COLLATE NOCASE OR r.ext_id = ?8) OR record IN"
	    " (SELECT m.record FROM book_dropped d JOIN book_member m ON m.row = d.row"
	    "  WHERE (d.rank = 7 AND d.value = ?2) OR (d.rank = 5 AND d.value = ?3))"
	    " OR instr(keys, ?4) > 0 OR instr(keys, ?5) > 0 OR instr(keys, ?6) > 0"
	    " OR instr(keys, ?9) > 0)"
	    " ORDER BY record",
	    OV_DB_TEXT(text), OV_DB_TEXT(name), OV_DB_TEXT(domain),
	    OV_DB_BLOB(by_name.bytes, by_name.len),
	    OV_DB_BLOB(by_site.bytes, by_site.len),
	    OV_DB_BLOB(by_mail.bytes, by_mail.len), OV_DB_I64(OV_BOOK_PREVIOUS),
	    OV_DB_TEXT(id), OV_DB_BLOB(by_alias.bytes, by_alias.len));
done:
	free(id);
	return st;
}
