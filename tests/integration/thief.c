/* thief HOME RECORDED - with a company's stolen home, key file included, tries to open
 * the POINTS chunks that somebody recorded.  RECORDED holds them one after the other: job
 * (16)
 * || stream u8 || index u32 || length u32 || sealed chunk.
 *
 * Prints how many of them opened.
 */
#include <stdio.h>
#include <string.h>

#include "client/home.h"
#include "client/job/record.h"
#include "client/partner.h"
#include "common/crypto/memory.h"
#include "proto/chunk.h"
#include "proto/keys.h"
#include "proto/slots.h"

struct thief {
	struct ov_home *home;
	unsigned int chunks, opened;
};

/* What the home's seeds of a job and its two first messages give.  OV_E_NOT_FOUND without
 * seeds. */
static enum ov_status
derive(struct ov_shared_keys *k, uint8_t th[OV_HASH_LEN], struct thief *t,
    const struct ov_job *j)
{
	struct ov_step_text propose = { 0 }, accept = { 0 };
	struct ov_msg_propose p;
	struct ov_msg_accept m;
	struct ov_partner partner;
	struct ov_job_seeds seeds;
	uint8_t e[32];
	enum ov_status st;

	OV_TRY(ov_step_load(&propose, t->home, j->id, OV_STEP_PROPOSE));
	OV_TRY(ov_step_load(&accept, t->home, j->id, OV_STEP_ACCEPT));
	OV_TRY(ov_partner_get(&partner, t->home, j->partner));
	ov_transcript(th, OV_BUF_BYTES(&propose.body), OV_BUF_BYTES(&accept.body));
	OV_TRY(ov_msg_decode(&p, OV_MSG_PROPOSE, OV_BUF_BYTES(&propose.body)));
	OV_TRY(ov_msg_decode(&m, OV_MSG_ACCEPT, OV_BUF_BYTES(&accept.body)));
	OV_TRY(ov_job_load_seeds(&seeds, t->home, j));
	const struct ov_ephemeral_input in = { seeds.e, j->id, j->role, partner.identity,
		j->list_digest };

	ov_ephemeral(e, &in);
	OV_TRY(ov_shared_keys_derive(
	    k, th, e, j->role == OV_ROLE_A ? m.ephemeral : p.ephemeral));
done:
	ov_step_free(&propose);
	ov_step_free(&accept);
	return st;
}

static bool
opens(struct thief *t, const struct ov_job *j, unsigned int stream, uint32_t index,
    struct ov_bytes body)
{
	enum ov_role sender = stream == OV_STREAM_POINTS_A ? OV_ROLE_A : OV_ROLE_B;
	struct ov_buf plain = { 0 };
	struct ov_shared_keys k;
	uint8_t th[OV_HASH_LEN];
	bool open = false;

	if (derive(&k, th, t, j) != OV_OK || ov_buf_reserve(&plain, body.len) != OV_OK)
		return false;
	const struct ov_chunk_key key = { th, k.points[sender], k.nonce[sender],
		(uint8_t)stream };

	for (int last = 0; last < 2 && !open; last++)
		open = ov_chunk_open(plain.p, &key, index, last != 0, body) == OV_OK;
	ov_buf_free(&plain);
	return open;
}

/* One record of the file; false at its end. */
static bool
try_next(struct thief *t, FILE *f)
{
	static uint8_t body[OV_CHUNK_MAX];
	uint8_t head[OV_ID + 9];
	struct ov_job j;
	size_t len;

	if (fread(head, sizeof(head), 1, f) != 1)
		return false;
	len = ov_get32(head + OV_ID + 5);
	if (len > sizeof(body) || fread(body, len, 1, f) != 1)
		return false;
	t->chunks++;
	if (ov_job_get(&j, t->home, head) == OV_OK)
		t->opened += opens(
		    t, &j, head[OV_ID], ov_get32(head + OV_ID + 1), OV_BYTES(body, len));
	return true;
}

static enum ov_status
steal(struct thief *t, const char *home, const char *recorded)
{
	const struct ov_home_options options = { .path = home, .key_fd = -1 };
	FILE *f = fopen(recorded, "rb");
	enum ov_status st;

	OV_REQUIRE(f != NULL, OV_E_IO);
	OV_TRY(ov_crypto_init());
	OV_TRY(ov_home_open(&t->home, &options));
	OV_TRY(ov_home_unlock(t->home));
	while (try_next(t, f))
		;
done:
	if (f != NULL)
		fclose(f);
	ov_home_close(t->home);
	return st;
}

int
main(int argc, char **argv)
{
	struct thief t = { 0 };
	enum ov_status st;

	if (argc != 3) {
		fprintf(stderr, "usage: thief HOME RECORDED\n");
		return 2;
	}
	st = steal(&t, argv[1], argv[2]);
	if (st != OV_OK) {
		fprintf(stderr, "thief: %s\n", ov_status_name(st));
		return 1;
	}
	printf("%u of %u\n", t.opened, t.chunks);
	return 0;
}
