/* colluder - a partner and the broker, who tell each other everything.
 *
 * colluder list HOME          prints the frozen list of HOME's open job, a token a line:
 *                             kind, 0x1f, value, tab, population, tab, band, tab, fits
 * colluder ask HOME STREAMS KEYS [VICTIM]
 *                             HOME is the partner's, STREAMS what the broker stores of
 *                             its open job (stolen.h).  For each line of KEYS (a token
 *                             before the first tab) prints what both together know of it
 *                             on the other side: population, band and fits as above, or
 *                             `-`.  VICTIM, the other side's home, adds the secret that
 *                             they do not have: the control.
 */
#include <string.h>

#include "client/job/deck.h"
#include "common/psi/psi.h"
#include "proto/slots.h"
#include "stolen.h"

#define LINE_CAP 600
#define SLOTS_MAX 65536

struct rows {
	uint8_t p[SLOTS_MAX * 32];
	size_t len;
};

static struct colluder {
	struct ov_home *home;
	struct ov_job job;
	struct stolen_keys keys;
	struct ov_list list;
	struct ov_deck deck;
	/* of the other side, by its positions: points, its roster, our tags of its
	 * points; by our positions: its tags of ours */
	struct rows points, roster, tags, answers;
	uint8_t scalar[OV_SCALAR_LEN], victim[OV_SCALAR_LEN];
	bool has_victim;
} c;

static enum ov_status
find_open(void *arg, const struct ov_job *j)
{
	if (!ov_job_final(j->state))
		memcpy(arg, j, sizeof(*j));
	return OV_OK;
}

static enum ov_status
open_side(const char *path)
{
	enum ov_status st;

	OV_TRY(ov_psi_init());
	OV_TRY(stolen_home(&c.home, path));
	OV_TRY(ov_job_each(c.home, find_open, &c.job));
	OV_REQUIRE(c.job.slots > 0 && c.job.slots <= SLOTS_MAX, OV_E_NOT_FOUND);
	OV_TRY(stolen_keys(&c.keys, c.home, &c.job));
	OV_TRY(ov_job_load_list(&c.list, c.home, &c.job));
	OV_TRY(ov_deck_init(&c.deck, &c.list, c.job.slots, &c.keys.local));
	OV_TRY(ov_psi_scalar(c.scalar, c.keys.local.scalar_wide));
done:
	return st;
}

static enum ov_status
open_victim(const char *path)
{
	struct ov_home *home = NULL;
	struct stolen_keys keys;
	struct ov_job job;
	enum ov_status st;

	OV_TRY(stolen_home(&home, path));
	OV_TRY(ov_job_get(&job, home, c.job.id));
	OV_TRY(stolen_keys(&keys, home, &job));
	OV_TRY(ov_psi_scalar(c.victim, keys.local.scalar_wide));
	c.has_victim = true;
done:
	ov_home_close(home);
	return st;
}

static bool
append(struct rows *to, const void *p, size_t len)
{
	if (len > sizeof(to->p) - to->len)
		return false;
	memcpy(to->p + to->len, p, len);
	to->len += len;
	return true;
}

static enum ov_status
take_chunk(const struct stolen_chunk *chunk)
{
	static uint8_t plain[OV_CHUNK_MAX];
	/* the streams of A have odd numbers, those of B are one above */
	unsigned int ours = c.job.role == OV_ROLE_A ? 0 : 1, theirs = 1 - ours;
	struct rows *to = NULL;
	size_t len;

	if (chunk->stream == OV_STREAM_POINTS_A + theirs) {
		if (!stolen_open(plain, &len, chunk, &c.keys))
			return OV_E_CRYPTO_OPEN;
		if (chunk->index == 0) /* the legend */
			return OV_OK;
		return append(&c.points, plain, len) ? OV_OK : OV_E_LIST_TOO_LARGE;
	}
	if (chunk->stream == OV_STREAM_ROSTER_A + theirs)
		to = &c.roster;
	else if (chunk->stream == OV_STREAM_TAGS_A + theirs)
		to = &c.answers;
	else if (chunk->stream == OV_STREAM_TAGS_A + ours)
		to = &c.tags;
	return to == NULL || append(to, chunk->body.p, chunk->body.len)
		   ? OV_OK
		   : OV_E_LIST_TOO_LARGE;
}

static enum ov_status
read_streams(const char *path)
{
	struct stolen_chunk chunk;
	FILE *f = fopen(path, "rb");
	enum ov_status st = OV_OK;

	OV_REQUIRE(f != NULL, OV_E_IO);
	while (stolen_next(&chunk, f))
		if (memcmp(chunk.job, c.job.id, OV_ID) == 0)
			OV_TRY(take_chunk(&chunk));
	OV_REQUIRE(c.points.len > 0 &&
		       c.tags.len / OV_TAG_ROW == c.points.len / OV_POINT_ROW &&
		       c.roster.len / OV_ROSTER_ROW == c.points.len / OV_POINT_ROW &&
		       c.answers.len / OV_TAG_ROW == c.job.slots,
	    OV_E_PROTO_COUNT);
done:
	if (f != NULL)
		fclose(f);
	return st;
}

/* --- questions --- */

/* The row of a table that begins so; -1: none. */
static long
row_of(const struct rows *rows, size_t width, const uint8_t *value, size_t len)
{
	for (size_t at = 0; at < rows->len; at += width)
		if (memcmp(rows->p + at, value, len) == 0)
			return (long)(at / width);
	return -1;
}

/* Where the other side has the point, by itself or by our tag of it. */
static long
position_of_point(const uint8_t point[OV_POINT_ROW])
{
	uint8_t tag[OV_TAG_LEN];
	long at = row_of(&c.points, OV_POINT_ROW, point, OV_POINT_ROW);

	if (at >= 0)
		return at;
	ov_blake2b(tag, sizeof(tag), c.keys.shared.tag, OV_BYTES(point, OV_POINT_ROW),
	    OV_BYTES(NULL, 0));
	return row_of(&c.tags, OV_TAG_ROW, tag, sizeof(tag));
}

/* Of the point of a token, times some secret; -1 for none. */
static long
position_of_multiple(const uint8_t point[OV_POINT_ROW], const uint8_t scalar[32])
{
	uint8_t out[OV_POINT_ROW], ok;

	return ov_psi_blind_points(out, &ok, point, 1, scalar) == 0
		   ? position_of_point(out)
		   : -1;
}

/* What can be made of a token without the other side: its point, and that times the
 * partner's secret, once and twice.  With the victim's secret: the very point it sent. */
static long
position_by_guess(struct ov_bytes token)
{
	static const uint8_t one[OV_SCALAR_LEN] = { 1 };
	uint8_t point[OV_POINT_ROW], ours[OV_POINT_ROW];
	long at;

	if (ov_psi_blind_tokens(point, &token, 1, one) != OV_OK ||
	    ov_psi_blind_tokens(ours, &token, 1, c.scalar) != OV_OK)
		return -1;
	at = position_of_point(point);
	if (at < 0)
		at = position_of_point(ours);
	if (at < 0)
		at = position_of_multiple(ours, c.scalar);
	if (at < 0 && c.has_victim)
		at = position_of_multiple(point, c.victim);
	return at;
}

/* By the other side's own tag of it, if the token is on our list. */
static long
position_by_answer(struct ov_bytes token)
{
	uint8_t own[OV_DECK_TOKEN_MAX];

	for (uint32_t i = 0; i < c.job.slots; i++)
		if (ov_deck_token(own, &c.deck, i) == token.len &&
		    memcmp(own, token.p, token.len) == 0)
			return row_of(&c.tags, OV_TAG_ROW,
			    c.answers.p + (size_t)i * OV_TAG_ROW, OV_TAG_LEN);
	return -1;
}

static void
print_known(uint8_t label, uint8_t fit)
{
	printf("%u\t%u\t%u\n", OV_LABEL_POPULATION(label), OV_LABEL_BAND(label), fit);
}

static void
ask(struct ov_bytes token)
{
	struct ov_roster_row row;
	long at = position_by_answer(token);

	if (at < 0)
		at = position_by_guess(token);
	if (at < 0) {
		puts("-");
		return;
	}
	ov_roster_unpack(&row, c.roster.p + (size_t)at * OV_ROSTER_ROW);
	print_known(row.label, row.fit);
}

static enum ov_status
ask_all(const char *keys)
{
	char line[LINE_CAP];
	FILE *f = fopen(keys, "r");

	if (f == NULL)
		return OV_E_IO;
	while (fgets(line, sizeof(line), f) != NULL)
		ask(OV_BYTES(line, strcspn(line, "\t\n")));
	fclose(f);
	return OV_OK;
}

static void
print_list(void)
{
	for (size_t i = 0; i < c.list.n_tokens; i++) {
		const struct ov_list_token t = ov_list_token(&c.list, i);
		const struct ov_list_record *r = &c.list.records[c.list.token_record[i]];

		printf("%s\x1f%.*s\t", ov_rank_kind(t.rank), (int)t.value.len,
		    (const char *)t.value.p);
		print_known(r->label, r->fit);
	}
}

int
main(int argc, char **argv)
{
	bool list = argc == 3 && strcmp(argv[1], "list") == 0;
	enum ov_status st;

	if (!list && (argc < 5 || strcmp(argv[1], "ask") != 0)) {
		fprintf(stderr, "usage: colluder list HOME | ask HOME STREAMS KEYS "
				"[VICTIM]\n");
		return 2;
	}
	OV_TRY(open_side(argv[2]));
	if (list) {
		print_list();
		goto done;
	}
	OV_TRY(read_streams(argv[3]));
	if (argc > 5)
		OV_TRY(open_victim(argv[5]));
	OV_TRY(ask_all(argv[4]));
done:
	ov_deck_fini(&c.deck);
	ov_list_fini(&c.list);
	ov_home_close(c.home);
	if (st != OV_OK)
		fprintf(stderr, "colluder: %s\n", ov_status_name(st));
	return st == OV_OK ? 0 : 1;
}
