/* make_exchange DIR - writes the vectors of a whole exchange as JSON files into DIR.
 *
 * The same bytes on every machine: what would be random comes from a fixed seed.
 * scripts/vectors runs it for proto/vectors; a test compares.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "common/crypto/memory.h"
#include "common/psi/psi.h"
#include "tests/vectors/exchange/scene.h"
#include "tests/vectors/exchange/seeded_random.h"

static struct scene scene;

static void
company_fini(struct company *c)
{
	ov_deck_fini(&c->deck);
	ov_list_fini(&c->list);
	struct ov_buf *bufs[] = { &c->grants, &c->populations, &c->offer.bytes,
		&c->sealed_terms.bytes, &c->offer_message.bytes, &c->legend,
		&c->sealed[0], &c->sealed[1], &c->complete[0].bytes,
		&c->complete[1].bytes, &c->complete[2].bytes, &c->view, &c->rows,
		&c->noisy_cells, &c->noisy_held, &c->close.bytes };
	for (size_t i = 0; i < sizeof(bufs) / sizeof(bufs[0]); i++)
		ov_buf_free(bufs[i]);
	actor_fini(c->actor);
}

static void
scene_fini(struct scene *s)
{
	company_fini(&s->a);
	company_fini(&s->b);
	ov_buf_free(&s->terms);
	ov_buf_free(&s->release);
	ov_buf_free(&s->terms_body);
	ov_buf_free(&s->propose.bytes);
	ov_buf_free(&s->accept.bytes);
	ov_buf_free(&s->report.bytes);
	for (size_t i = 0; i < s->n_leaves; i++)
		ov_buf_free(&s->leaves[i].body);
	actor_fini(&s->renamed);
}

int
main(int argc, char **argv)
{
	struct scene *s = &scene;
	void *state = NULL;

	if (argc != 2) {
		fputs("usage: make_exchange DIR\n", stderr);
		return 2;
	}
	s->out = argv[1];
	seeded_random_install();
	MUST(ov_crypto_init() == OV_OK);
	MUST(ov_psi_init() == OV_OK);
	MUST(site_setup(&state) == 0);
	scene_messages(s);
	scene_companies(s);
	scene_terms(s);
	scene_lists(s);
	scene_job(s);
	scene_streams(s);
	scene_report(s);
	scene_counts(s);
	scene_verdicts(s);
	scene_rules(s);
	scene_criteria(s);
	scene_joins(s);
	scene_forms(s);
	scene_others(s);
	scene_log(s);
	scene_fini(s);
	MUST(site_teardown(&state) == 0);
	return 0;
}
