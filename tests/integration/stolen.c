#include "stolen.h"

#include <string.h>

#include "client/partner.h"
#include "common/crypto/memory.h"
#include "proto/chunk.h"
#include "proto/slots.h"

enum ov_status
stolen_home(struct ov_home **out, const char *path)
{
	const struct ov_home_options options = { .path = path, .key_fd = -1 };
	enum ov_status st;

	OV_TRY(ov_crypto_init());
	OV_TRY(ov_home_open(out, &options));
	OV_TRY(ov_home_unlock(*out));
done:
	return st;
}

enum ov_status
stolen_keys(struct stolen_keys *out, struct ov_home *home, const struct ov_job *j)
{
	struct ov_step_text propose = { 0 }, accept = { 0 };
	struct ov_msg_propose p;
	struct ov_msg_accept m;
	struct ov_partner partner;
	struct ov_job_seeds seeds;
	uint8_t e[32];
	enum ov_status st;

	OV_TRY(ov_step_load(&propose, home, j->id, OV_STEP_PROPOSE));
	OV_TRY(ov_step_load(&accept, home, j->id, OV_STEP_ACCEPT));
	OV_TRY(ov_partner_get(&partner, home, j->partner));
	ov_transcript(out->th, OV_BUF_BYTES(&propose.body), OV_BUF_BYTES(&accept.body));
	OV_TRY(ov_msg_decode(&p, OV_MSG_PROPOSE, OV_BUF_BYTES(&propose.body)));
	OV_TRY(ov_msg_decode(&m, OV_MSG_ACCEPT, OV_BUF_BYTES(&accept.body)));
	OV_TRY(ov_job_load_seeds(&seeds, home, j));
	const struct ov_ephemeral_input in = { seeds.e, j->id, j->role, partner.identity,
		j->list_digest };

	ov_ephemeral(e, &in);
	OV_TRY(ov_shared_keys_derive(
	    &out->shared, out->th, e, j->role == OV_ROLE_A ? m.ephemeral : p.ephemeral));
	ov_local_keys_derive(&out->local, out->th, seeds.r, j->list_digest);
done:
	ov_step_free(&propose);
	ov_step_free(&accept);
	return st;
}

bool
stolen_next(struct stolen_chunk *out, FILE *f)
{
	static uint8_t body[OV_CHUNK_MAX];
	uint8_t head[OV_ID + 9];
	size_t len;

	if (fread(head, sizeof(head), 1, f) != 1)
		return false;
	len = ov_get32(head + OV_ID + 5);
	if (len > sizeof(body) || fread(body, len, 1, f) != 1)
		return false;
	memcpy(out->job, head, OV_ID);
	out->stream = head[OV_ID];
	out->index = ov_get32(head + OV_ID + 1);
	out->body = OV_BYTES(body, len);
	return true;
}

bool
stolen_open(uint8_t *plain, size_t *len, const struct stolen_chunk *c,
    const struct stolen_keys *k)
{
	enum ov_role sender = c->stream == OV_STREAM_POINTS_A ? OV_ROLE_A : OV_ROLE_B;
	const struct ov_chunk_key key = { k->th, k->shared.points[sender],
		k->shared.nonce[sender], (uint8_t)c->stream };
	bool open = false;

	if (c->body.len < OV_CHUNK_OVERHEAD)
		return false;
	for (int last = 0; last < 2 && !open; last++)
		open = ov_chunk_open(plain, &key, c->index, last != 0, c->body) == OV_OK;
	*len = c->body.len - OV_CHUNK_OVERHEAD;
	return open;
}
