/* hostile_partner HOME MODE - a paired partner that answers a proposal as it should and
 * then sends points it should not.
 *
 *   good        the honest points: the control, nothing to complain about in them
 *   random      32 random bytes in the place of a point
 *   bit255      a good point with bit 255 set, which libsodium 1.0.18 would accept
 *   identity    32 zero bytes
 *   duplicate   the same point twice
 *   short       one point less than promised
 *   sealed      a chunk sealed for another transcript
 *   legend      a population by another name than the terms have
 *
 * Prints "sent" when the broker has everything.  Exit 0; 1 if anything failed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/home.h"
#include "client/job/deck.h"
#include "client/job/job.h"
#include "client/job/legend.h"
#include "client/job/outbox.h"
#include "client/mail.h"
#include "client/normalise/normalise.h"
#include "common/crypto/memory.h"
#include "common/psi/psi.h"
#include "proto/chunk.h"

struct hostile {
	const char *mode;
	struct ov_home *home;
	struct ov_session *session;
	struct ov_job_run run;
	struct ov_job job;
	struct ov_partner partner;
	uint8_t th[OV_HASH_LEN];
	struct ov_shared_keys shared;
	uint8_t *points;
	size_t len;
};

static bool
is(const struct hostile *h, const char *mode)
{
	return strcmp(h->mode, mode) == 0;
}

static enum ov_status
answer(void *arg, const uint8_t id[OV_ID])
{
	struct hostile *h = arg;

	return ov_job_answer(&h->job, &h->run, id);
}

/* ACCEPT goes out; the keys of the job follow. */
static enum ov_status
accept_job(struct hostile *h, struct ov_local_keys *local)
{
	struct ov_step_text propose = { 0 }, accept = { 0 };
	struct ov_job_seeds seeds;
	struct ov_msg_propose p;
	uint8_t e[32];
	enum ov_status st;

	OV_TRY(ov_partner_get(&h->partner, h->home, h->job.partner));
	OV_TRY(ov_step_load(&propose, h->home, h->job.id, OV_STEP_PROPOSE));
	OV_TRY(ov_step_load(&accept, h->home, h->job.id, OV_STEP_ACCEPT));
	OV_TRY(ov_step_send(
	    h->home, h->session, h->job.id, OV_STEP_ACCEPT, OV_BUF_BYTES(&accept.body)));
	ov_transcript(h->th, OV_BUF_BYTES(&propose.body), OV_BUF_BYTES(&accept.body));
	OV_TRY(ov_msg_decode(&p, OV_MSG_PROPOSE, OV_BUF_BYTES(&propose.body)));
	OV_TRY(ov_job_load_seeds(&seeds, h->home, &h->job));
	const struct ov_ephemeral_input in = { seeds.e, h->job.id, OV_ROLE_B,
		h->partner.identity, h->job.list_digest };

	ov_ephemeral(e, &in);
	OV_TRY(ov_shared_keys_derive(&h->shared, h->th, e, p.ephemeral));
	ov_local_keys_derive(local, h->th, seeds.r, h->job.list_digest);
done:
	ov_step_free(&propose);
	ov_step_free(&accept);
	return st;
}

/* Lists here are small: one chunk. */
static enum ov_status
honest_points(struct hostile *h, const struct ov_local_keys *local)
{
	struct ov_list list = { 0 };
	struct ov_deck deck = { 0 };
	uint8_t scalar[32], token[OV_DECK_TOKEN_MAX];
	enum ov_status st;

	OV_REQUIRE(h->job.slots <= OV_CHUNK_SLOTS, OV_E_LIST_TOO_LARGE);
	OV_TRY(ov_psi_scalar(scalar, local->scalar_wide));
	OV_TRY(ov_job_load_list(&list, h->home, &h->job));
	OV_TRY(ov_deck_init(&deck, &list, h->job.slots, local));
	h->len = (size_t)h->job.slots * OV_POINT_ROW;
	h->points = calloc(1, h->len);
	OV_REQUIRE(h->points != NULL, OV_E_NOMEM);
	for (uint32_t i = 0; i < h->job.slots; i++) {
		struct ov_bytes t = OV_BYTES(token, ov_deck_token(token, &deck, i));

		OV_TRY(ov_psi_blind_tokens(h->points + i * OV_POINT_ROW, &t, 1, scalar));
	}
done:
	ov_deck_fini(&deck);
	ov_list_fini(&list);
	return st;
}

static void
spoil(struct hostile *h)
{
	uint8_t *point = h->points + 700 * OV_POINT_ROW; /* in the middle of a batch */

	if (is(h, "random"))
		memset(point, 0xfe, OV_POINT_ROW);
	else if (is(h, "bit255"))
		point[31] |= 0x80;
	else if (is(h, "identity"))
		memset(point, 0, OV_POINT_ROW);
	else if (is(h, "duplicate"))
		memcpy(point, h->points, OV_POINT_ROW);
	else if (is(h, "short"))
		h->len -= OV_POINT_ROW;
	else if (is(h, "sealed"))
		h->th[0] ^= 1;
}

static enum ov_status
write_legend(uint8_t out[OV_LEGEND_LEN], struct hostile *h)
{
	struct ov_buf legend = { 0 };
	struct ov_terms terms;
	enum ov_status st;

	OV_TRY(ov_terms_in_force(&terms, h->home, h->partner.company));
	if (is(h, "legend")) /* a population that the terms do not have so */
		terms.mine[0].name[0] ^= 1;
	OV_TRY(ov_legend_encode(&legend, &terms, h->job.records));
	memset(out, 0, OV_LEGEND_LEN);
	out[0] = (uint8_t)(legend.len >> 8);
	out[1] = (uint8_t)legend.len;
	memcpy(out + 2, legend.p, legend.len);
done:
	ov_buf_free(&legend);
	return st;
}

static enum ov_status
send_points(struct hostile *h)
{
	const struct ov_chunk_key k = { h->th, h->shared.points[OV_ROLE_B],
		h->shared.nonce[OV_ROLE_B], OV_STREAM_POINTS_B };
	uint8_t legend[OV_LEGEND_LEN], digest[2][OV_HASH_LEN];
	uint8_t *sealed = malloc(h->len + OV_LEGEND_LEN + OV_CHUNK_OVERHEAD);
	struct ov_outbox out = { 0 };
	struct ov_bytes plain = OV_BYTES(legend, sizeof(legend));
	enum ov_status st;

	OV_REQUIRE(sealed != NULL, OV_E_NOMEM);
	OV_TRY(write_legend(legend, h));
	OV_TRY(ov_outbox_init(&out, h->home, h->session, h->job.id, OV_STREAM_POINTS_B));
	ov_chunk_seal(sealed, &k, 0, false, plain);
	OV_TRY(ov_outbox_put(
	    &out, 0, false, plain, OV_BYTES(sealed, plain.len + OV_CHUNK_OVERHEAD)));
	plain = OV_BYTES(h->points, h->len);
	ov_chunk_seal(sealed, &k, 1, true, plain);
	OV_TRY(ov_outbox_put(
	    &out, 1, true, plain, OV_BYTES(sealed, plain.len + OV_CHUNK_OVERHEAD)));
	OV_TRY(ov_outbox_flush(&out, digest[0], digest[1]));
done:
	ov_outbox_fini(&out);
	free(sealed);
	return st;
}

static enum ov_status
play(struct hostile *h, const char *path)
{
	const struct ov_home_options options = { .path = path, .key_fd = -1 };
	const struct ov_mail_handlers handlers = { .job = answer, .arg = h };
	struct ov_local_keys local;
	enum ov_status st;

	OV_TRY(ov_crypto_init());
	OV_TRY(ov_psi_init());
	OV_TRY(ov_normalise_init());
	OV_TRY(ov_home_open(&h->home, &options));
	OV_TRY(ov_session_open(&h->session, h->home));
	h->run = (struct ov_job_run){
		.home = h->home, .session = h->session, .wait_ms = 30000
	};
	OV_TRY(ov_mail_process(NULL, h->home, h->session, &handlers, 30000));
	OV_REQUIRE(h->job.state == OV_JOB_PROPOSED, OV_E_JOB_WAITING);
	OV_TRY(accept_job(h, &local));
	OV_TRY(honest_points(h, &local));
	spoil(h);
	OV_TRY(send_points(h));
done:
	ov_session_close(h->session);
	ov_home_close(h->home);
	free(h->points);
	return st;
}

int
main(int argc, char **argv)
{
	struct hostile h = { 0 };
	enum ov_status st;

	if (argc != 3) {
		fprintf(stderr, "usage: hostile_partner HOME MODE\n");
		return 2;
	}
	h.mode = argv[2];
	st = play(&h, argv[1]);
	if (st != OV_OK) {
		fprintf(stderr, "hostile_partner: %s\n", ov_status_name(st));
		return 1;
	}
	puts("sent");
	return 0;
}
