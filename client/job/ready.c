#include "client/job/ready.h"

#include <string.h>

#include "client/book/book.h"
#include "client/job/freeze.h"
#include "common/crypto/memory.h"
#include "common/log.h"

void
ov_ready_fini(struct ov_ready *r)
{
	ov_list_fini(&r->list);
	ov_wipe(r, sizeof(*r));
}

/* What others wrote stands before all that is read, so what they write meanwhile makes a
 * list void that did not see it. */
static enum ov_status
find_basis(struct ov_ready_basis *b, struct ov_home *home, const struct ov_terms *terms,
    const struct ov_profile *profile)
{
	struct ov_shared_columns columns;
	struct ov_buf asked = { 0 };
	enum ov_status st;

	memset(b, 0, sizeof(*b));
	b->profile = profile;
	OV_TRY(ov_db_number(&b->others, home->db, "PRAGMA data_version"));
	OV_TRY(ov_book_generation(&b->generation, home->db));
	if (terms->release.bands[terms->low ? 0 : 1])
		OV_TRY(
		    ov_terms_criteria(&asked, &columns, home, terms, OV_CRITERIA_THEIRS));
	const struct ov_bytes parts[] = { OV_BYTES(terms->digest, OV_DIGEST),
		OV_BUF_BYTES(&asked) };
	ov_hash_parts(b->digest, parts, sizeof(parts) / sizeof(parts[0]));
done:
	ov_buf_free(&asked);
	return st;
}

static bool
same_basis(const struct ov_ready_basis *a, const struct ov_ready_basis *b)
{
	return a->others == b->others && a->generation == b->generation &&
	       a->profile == b->profile &&
	       memcmp(a->digest, b->digest, sizeof(a->digest)) == 0;
}

/* Does the list stand for what is there now? */
static enum ov_status
holds(bool *out, const struct ov_ready *r, struct ov_home *home,
    const struct ov_terms *terms, const struct ov_profile *profile)
{
	struct ov_ready_basis now;
	enum ov_status st = OV_OK;

	*out = false;
	if (r == NULL || r->list.n_records == 0)
		return OV_OK;
	OV_TRY(find_basis(&now, home, terms, profile));
	*out = same_basis(&now, &r->basis);
done:
	return st;
}

enum ov_status
ov_ready_make(struct ov_ready *r, struct ov_home *home, const struct ov_terms *terms,
    const struct ov_profile *profile)
{
	bool there;
	enum ov_status st;

	OV_TRY(holds(&there, r, home, terms, profile));
	if (there)
		return OV_OK;
	ov_ready_fini(r);
	OV_TRY(find_basis(&r->basis, home, terms, profile));
	/* which makes the book anew where an older release made it */
	OV_TRY(ov_freeze(&r->list, &r->basis.generation, home, terms, profile));
	ov_list_digest(r->digest, &r->list);
	ov_log(OV_LOG_INFO, "job.ready", OV_F_U64("records", r->list.n_records));
done:
	if (st != OV_OK)
		ov_ready_fini(r);
	return st;
}

enum ov_status
ov_ready_take(struct ov_list *out, uint8_t digest[OV_HASH_LEN], uint64_t *generation,
    struct ov_ready *r, struct ov_home *home, const struct ov_terms *terms,
    const struct ov_profile *profile)
{
	bool there;
	enum ov_status st;

	OV_TRY(holds(&there, r, home, terms, profile));
	if (!there) {
		OV_TRY(ov_freeze(out, generation, home, terms, profile));
		ov_list_digest(digest, out);
		return OV_OK;
	}
	*out = r->list;
	*generation = r->basis.generation;
	memcpy(digest, r->digest, OV_HASH_LEN);
	r->list = (struct ov_list){ 0 };
	ov_ready_fini(r);
done:
	return st;
}
