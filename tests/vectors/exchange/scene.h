/* scene.h - one whole exchange of two companies over a real broker in this process, with
 * everything that was computed kept for the files of proto/vectors.
 *
 * Ada proposes, Bob accepts.  Each part runs after the one before it and then writes its
 * file.  Parts stop the program when anything is not as it should be.
 */
#ifndef OV_TESTS_SCENE_H
#define OV_TESTS_SCENE_H

#include <stdio.h>

#include "client/job/deck.h"
#include "client/json.h"
#include "proto/terms.h"
#include "tests/unit/broker_site.h"
#include "tests/vectors/exchange/books.h"

#define SCENE_SLOTS_A 1024
#define SCENE_SLOTS_B 1280
#define SCENE_SLOTS_MAX SCENE_SLOTS_B
#define SCENE_SHOWN 8 /* rows of a big stream that are written out */

/* A signed step, or any message with its signature. */
struct signed_message {
	struct ov_buf bytes;
	uint8_t signature[64];
};

/* What was sealed once, and the secret that a second implementation cannot draw. */
struct scene_envelope {
	struct ov_buf bytes;
	uint8_t ephemeral[32];
};

/* What a company draws for, and says in, one PROPOSE or ACCEPT. */
struct scene_offer {
	const uint8_t *job;
	const struct company *proposer, *acceptor, *from;
	uint8_t seed_e[32], commitment_random[32];
	uint8_t ephemeral_secret[32], ephemeral[32];
	uint64_t created, expiry, head_size;
};

struct company {
	struct actor *actor;
	const struct company_book *book;
	uint8_t envelope_secret[32];
	struct ov_buf grants, populations;
	struct scene_envelope offer, sealed_terms;
	struct signed_message offer_message;
	uint8_t terms_signature[64];

	struct ov_list list;
	uint8_t list_digest[OV_HASH_LEN];
	uint32_t slots;
	uint8_t seed_r[32];
	struct scene_offer said; /* in the job that runs to its end */
	uint64_t close_head_size;
	struct ov_local_keys local;
	uint8_t scalar[32];

	struct ov_deck deck;
	struct ov_buf legend, sealed[2];
	uint8_t legend_chunk[OV_LEGEND_LEN];
	uint8_t points[SCENE_SLOTS_MAX * OV_POINT_ROW];
	uint8_t roster[SCENE_SLOTS_MAX * OV_ROSTER_ROW];
	uint8_t tags[SCENE_SLOTS_MAX * OV_TAG_ROW]; /* of the other's points */
	struct signed_message complete[3];
	struct ov_buf view, rows;
	struct ov_buf noisy_cells,
	    noisy_held; /* had the terms not said `exact`, and zeros */
	struct signed_message close;
};

/* A leaf of the log whose body is named in the files. */
struct named_leaf {
	const char *name;
	struct ov_buf body;
};

/* A job whose end is a leaf without a message, by the name it has in the files. */
struct named_job {
	const char *name;
	uint8_t job[OV_ID];
};

struct scene {
	const char *out; /* directory of the files */
	struct company a, b;
	struct company *low, *high;
	struct ov_buf terms, release, terms_body;
	struct ov_msg_terms_body body;
	uint8_t profile[OV_DIGEST], job[OV_ID];
	struct signed_message propose, accept, report;
	uint8_t th[OV_HASH_LEN];
	struct ov_shared_keys keys;
	struct named_leaf leaves[32];
	size_t n_leaves;
	struct named_job expired, unchanged;
	struct actor renamed; /* what Ada becomes */
};

/* The parts, in their order, by file. */
void scene_messages(struct scene *s);
void scene_companies(struct scene *s);
void scene_terms(struct scene *s);
void scene_lists(struct scene *s);
void scene_job(struct scene *s);
void scene_streams(struct scene *s);
void scene_report(struct scene *s);
void scene_counts(struct scene *s);
void scene_verdicts(struct scene *s);
void scene_rules(struct scene *s);
void scene_criteria(struct scene *s);
void scene_joins(struct scene *s);
void scene_forms(struct scene *s);
void scene_others(struct scene *s);
void scene_log(struct scene *s);

/* --- what the parts share --- */

/* The client's own checks of a view: of its matches and their cells, and of what it says
 * of counted populations.  allowed: the partner said `counts` 1. */
enum ov_status scene_verify_matches(const struct scene *s, const struct company *c,
    struct ov_bytes rows, const struct ov_msg_view *view);
enum ov_status scene_verify_counted(const struct scene *s, const struct company *c,
    const struct ov_release *release, bool allowed, uint32_t epsilon_charged,
    const struct ov_msg_view *view);
/* The release table of counts.json: that of the terms, with noise. */
void scene_noisy_release(struct ov_release *r, const struct scene *s);

/* Stops the program with the place unless cond holds. */
#define MUST(cond) scene_must((cond), __FILE__, __LINE__, #cond)
void scene_must(int cond, const char *file, int line, const char *text);

/* Bytes that are an input: the first of H(lv("overlap vectors") || lv(name)). */
void scene_fixed(uint8_t *out, size_t len, const char *name);
struct ov_bytes scene_text(const char *s);

/* The secret of a fresh X25519 public key, from among what was drawn. */
void scene_secret_of(uint8_t secret[32], const uint8_t public_key[32]);
void scene_seal(struct scene_envelope *out, const struct company *from,
    const struct company *to, const char *context, struct ov_bytes plain);

/* Signs (context) what m->bytes holds. */
void scene_sign(struct signed_message *m, const struct company *who, const char *context);
/* Signs a step, puts it at the broker and remembers its leaf under a name. */
void scene_put(struct scene *s, struct signed_message *m, const struct company *who,
    unsigned int step, const void *message, const char *name);
/* Draws for an offer, by name; fills its fields, as of now, for `life_s` seconds. */
void scene_offer_draw(struct scene_offer *o, const char *name);
void scene_offer_fill(
    struct ov_msg_propose *m, struct scene_offer *o, const struct scene *s, int life_s);
/* The ACCEPT that says the same things as m, in answer to these bytes. */
void scene_accept_fill(
    struct ov_msg_accept *out, const struct ov_msg_propose *m, struct ov_bytes propose);
void scene_offer_write(struct ov_json *in, const struct scene_offer *o);
/* The newest head into the fields of a step; returns its size. */
uint64_t scene_head(
    const struct company *who, struct ov_bytes *head, struct ov_bytes *signature);

void scene_leaf(struct scene *s, const char *name, struct ov_bytes body);
void scene_leaf_signed(struct scene *s, const char *name, const struct signed_message *m);

/* A file: both of its objects, and written. */
struct scene_file {
	struct ov_json *doc, *in, *out;
};
struct scene_file scene_open(const char *about);
void scene_close(const struct scene *s, const char *name, struct scene_file *f);
/* What rules.json holds of keys, points, sheets and long fields. */
void scene_rules_more(struct scene *s, struct scene_file *f);
void scene_hex(struct ov_json *at, const char *key, struct ov_bytes x);
#define HEX(at, field, x) scene_hex((at), (field), OV_BYTES((x), sizeof(x)))
/* NAME and NAME_signature. */
void scene_write_signed(
    struct ov_json *at, const char *name, const struct signed_message *m);
/* H(x) of what is too long to be written out. */
void scene_digest(struct ov_json *at, const char *key, struct ov_bytes x);

#endif /* OV_TESTS_SCENE_H */
