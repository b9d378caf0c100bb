#include <string.h>

#include "client/book/merge_impl.h"
#include "proto/slots.h"

#define CLAIM_HEAD 5 /* row source */
#define VALUE_HEAD 16

enum ov_status
ov_shelf_open(struct shelf *s, const struct ov_merge *m)
{
	enum ov_status st;

	ov_shelf_close(s);
	OV_TRY(ov_tape_new(&s->claims, m->directory));
	OV_TRY(ov_tape_new(&s->verdicts, m->directory));
done:
	return st;
}

void
ov_shelf_close(struct shelf *s)
{
	ov_tape_free(s->claims);
	ov_tape_free(s->verdicts);
	*s = (struct shelf){ NULL, NULL };
}

enum ov_status
ov_shelf_put_claim(struct shelf *s, const struct claim *c)
{
	uint8_t record[CLAIM_HEAD + NOTE_MAX];

	ov_put32(record, c->row);
	record[4] = (uint8_t)c->source;
	if (c->note.len > 0)
		memcpy(record + CLAIM_HEAD, c->note.p, c->note.len);
	return ov_tape_put(s->claims, record, CLAIM_HEAD + c->note.len);
}

enum ov_status
ov_shelf_put(struct shelf *s, const struct shared *v)
{
	uint8_t record[VALUE_HEAD + VALUE_MAX];

	ov_put32(record, v->n);
	ov_put32(record + 4, v->first);
	record[8] = (uint8_t)v->rank;
	record[9] = (uint8_t)v->verdict.drop;
	record[10] = (uint8_t)v->verdict.least;
	record[11] = v->verdict.links;
	ov_put32(record + 12, (uint32_t)v->marks_kept << 16 | v->marks_lost);
	memcpy(record + VALUE_HEAD, v->value, v->len);
	return ov_tape_put(s->verdicts, record, VALUE_HEAD + (size_t)v->len);
}

enum ov_status
ov_shelf_walk(struct shelf_walk *w, const struct shelf *s)
{
	enum ov_status st;

	memset(w, 0, sizeof(*w));
	OV_TRY(ov_tape_read(&w->claims, s->claims, 0, ov_tape_end(s->claims)));
	OV_TRY(ov_tape_read(&w->verdicts, s->verdicts, 0, ov_tape_end(s->verdicts)));
done:
	return st;
}

void
ov_shelf_walk_end(struct shelf_walk *w)
{
	ov_tape_reader_fini(&w->claims);
	ov_tape_reader_fini(&w->verdicts);
}

enum ov_status
ov_shelf_next(bool *any, struct shelf_walk *w)
{
	struct shared *v = &w->value;
	struct ov_bytes r;
	enum ov_status st = OV_OK;

	for (; w->left > 0; w->left--)
		OV_TRY(ov_tape_next(any, &r, &w->claims));
	OV_TRY(ov_tape_next(any, &r, &w->verdicts));
	if (!*any)
		goto done;
	*v = (struct shared){ .n = ov_get32(r.p), .first = ov_get32(r.p + 4) };
	v->rank = (enum ov_rank)r.p[8];
	v->verdict = (struct ov_verdict){ (enum ov_merge_drop)r.p[9],
		(enum ov_kinship)r.p[10], r.p[11] != 0 };
	v->marks_kept = (uint16_t)(ov_get32(r.p + 12) >> 16);
	v->marks_lost = (uint16_t)ov_get32(r.p + 12);
	v->len = (uint8_t)(r.len - VALUE_HEAD);
	memcpy(v->value, r.p + VALUE_HEAD, v->len);
	w->left = v->n;
done:
	return st;
}

enum ov_status
ov_shelf_next_claim(bool *any, struct claim *c, struct shelf_walk *w)
{
	struct ov_bytes r;
	enum ov_status st = OV_OK;

	*any = false;
	if (w->left == 0)
		goto done;
	OV_TRY(ov_tape_next(any, &r, &w->claims));
	OV_REQUIRE(*any && r.len >= CLAIM_HEAD, OV_E_BUG);
	w->left--;
	*c = (struct claim){ w->value.rank, OV_BYTES(w->value.value, w->value.len),
		ov_get32(r.p), (enum ov_claim_source)r.p[4],
		OV_BYTES(r.p + CLAIM_HEAD, r.len - CLAIM_HEAD) };
done:
	return st;
}
