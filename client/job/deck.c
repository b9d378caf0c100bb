#include "client/job/deck.h"

#include <stdlib.h>
#include <string.h>

#include "common/crypto/memory.h"
#include "common/work/heap.h"

/* Draws from a keystream, a block of 1,024 words at a time. */
struct draws {
	const uint8_t *key;
	uint32_t block; /* next 64-byte block */
	size_t next;
	uint8_t words[8192];
};

static uint64_t
draw_word(struct draws *d)
{
	uint64_t w = 0;

	if (d->next == sizeof(d->words)) {
		ov_keystream(d->words, sizeof(d->words), d->key, d->block);
		d->block += sizeof(d->words) / 64;
		d->next = 0;
	}
	for (int i = 7; i >= 0; i--)
		w = w << 8 | d->words[d->next + (size_t)i];
	d->next += 8;
	return w;
}

/* Uniform below n, n > 0: words of the incomplete last run of n are skipped. */
static uint32_t
draw(struct draws *d, uint32_t n)
{
	uint64_t excess = (UINT64_MAX % n + 1) % n; /* 2^64 mod n */
	uint64_t w;

	do
		w = draw_word(d);
	while (excess != 0 && w > UINT64_MAX - excess);
	return (uint32_t)(w % n);
}

static void
shuffle(uint32_t *v, uint32_t n, const uint8_t key[32])
{
	struct draws d = { .key = key, .next = sizeof(d.words) };

	for (uint32_t i = 0; i < n; i++)
		v[i] = i;
	for (uint32_t i = n; i-- > 1;) {
		uint32_t k = draw(&d, i + 1), t = v[i];

		v[i] = v[k];
		v[k] = t;
	}
	ov_wipe(&d, sizeof(d));
}

/* Padding records copy real ones until `pad` slots are filled; sets d->records. */
static void
deal_padding(struct ov_deck *d, uint32_t pad)
{
	struct draws draws = { .key = d->padding_key, .next = sizeof(draws.words) };
	uint32_t n_real = (uint32_t)d->list->n_records, made = 0;

	for (uint32_t slot = 0; slot < pad; made++) {
		uint32_t model = draw(&draws, n_real);
		uint32_t n = d->list->records[model].n_tokens;

		d->model[made] = model;
		for (uint32_t k = 0; k < n && slot < pad; k++, slot++) {
			d->pad_record[slot] = made;
			d->pad_token[slot] = (uint8_t)k;
		}
	}
	d->records = n_real + made;
	ov_wipe(&draws, sizeof(draws));
}

enum ov_status
ov_deck_init(struct ov_deck *d, const struct ov_list *list, uint32_t slots,
    const struct ov_local_keys *keys)
{
	uint32_t pad;
	enum ov_status st = OV_OK;

	memset(d, 0, sizeof(*d));
	OV_REQUIRE(list->n_records > 0 && list->n_tokens <= slots, OV_E_BUG);
	d->list = list;
	d->slots = slots;
	memcpy(d->padding_key, keys->padding, 32);
	pad = slots - (uint32_t)list->n_tokens;
	d->model = calloc((size_t)pad + 1, sizeof(*d->model));
	d->pad_record = calloc((size_t)pad + 1, sizeof(*d->pad_record));
	d->pad_token = calloc((size_t)pad + 1, 1);
	d->slot_at = ov_heap_scattered(slots, sizeof(*d->slot_at));
	OV_REQUIRE(d->model != NULL && d->pad_record != NULL && d->pad_token != NULL &&
		       d->slot_at != NULL,
	    OV_E_NOMEM);
	deal_padding(d, pad);
	d->record_number = ov_heap_scattered(d->records, sizeof(*d->record_number));
	OV_REQUIRE(d->record_number != NULL, OV_E_NOMEM);
	shuffle(d->record_number, d->records, keys->records);
	shuffle(d->slot_at, slots, keys->order);
done:
	if (st != OV_OK)
		ov_deck_fini(d);
	return st;
}

void
ov_deck_fini(struct ov_deck *d)
{
	if (d->slot_at != NULL)
		ov_wipe(d->slot_at, d->slots * sizeof(*d->slot_at));
	if (d->record_number != NULL)
		ov_wipe(d->record_number, d->records * sizeof(*d->record_number));
	free(d->slot_at);
	free(d->record_number);
	free(d->model);
	free(d->pad_record);
	free(d->pad_token);
	ov_wipe(d, sizeof(*d));
}

void
ov_deck_fetch(
    const struct ov_deck *d, uint32_t position, int step, enum ov_deck_part part)
{
	const struct ov_list *l = d->list;
	uint32_t slot;

	if (step == 0) {
		__builtin_prefetch(&d->slot_at[position]);
		return;
	}
	slot = d->slot_at[position];
	if (slot >= l->n_tokens) /* padding is computed */
		return;
	if (step == 1) {
		__builtin_prefetch(&l->token_start[slot]);
		if (part == OV_DECK_ROW)
			__builtin_prefetch(&l->token_record[slot]);
		return;
	}
	__builtin_prefetch(&l->bytes[l->token_start[slot]]);
	if (part == OV_DECK_ROW) {
		__builtin_prefetch(&l->records[l->token_record[slot]]);
		__builtin_prefetch(&d->record_number[l->token_record[slot]]);
	}
}

static size_t
join_token(uint8_t *out, const char *kind, const uint8_t *value, size_t len)
{
	size_t n = strlen(kind);

	memcpy(out, kind, n);
	out[n] = 0x1f;
	memcpy(out + n + 1, value, len);
	return n + 1 + len;
}

size_t
ov_deck_token(uint8_t *out, const struct ov_deck *d, uint32_t position)
{
	uint32_t slot = d->slot_at[position];
	uint8_t filler[32];
	size_t len;

	if (slot < d->list->n_tokens) {
		struct ov_list_token t = ov_list_token(d->list, slot);
		struct ov_token_parts parts = { "", t.value };

		(void)ov_token_split(&parts, t.rank, t.value); /* as ov_list_add did */
		return join_token(out, parts.kind, parts.value.p, parts.value.len);
	}
	ov_keystream(filler, sizeof(filler), d->padding_key,
	    0x80000000U + (slot - (uint32_t)d->list->n_tokens));
	len = join_token(out, "pad", filler, sizeof(filler));
	ov_wipe(filler, sizeof(filler));
	return len;
}

void
ov_deck_roster(struct ov_roster_row *row, const struct ov_deck *d, uint32_t position,
    const uint8_t roster_key[16])
{
	uint32_t slot = d->slot_at[position], n = (uint32_t)d->list->n_tokens;
	const struct ov_list_record *shape;
	uint32_t token;

	if (slot < n) {
		uint32_t record = d->list->token_record[slot];

		shape = &d->list->records[record];
		token = slot;
		row->record = d->record_number[record];
	} else {
		uint32_t record = d->pad_record[slot - n];

		shape = &d->list->records[d->model[record]];
		token = shape->first_token + d->pad_token[slot - n];
		row->record = d->record_number[d->list->n_records + record];
	}
	row->rank = ov_list_token(d->list, token).rank;
	row->label = shape->label;
	row->fit = shape->fit;
	ov_roster_mac(row->mac, roster_key, position, row->rank, row->label);
}

bool
ov_deck_record(size_t *record, uint8_t *rank, const struct ov_deck *d, uint32_t position)
{
	uint32_t slot = d->slot_at[position];

	if (slot >= d->list->n_tokens)
		return false;
	*record = d->list->token_record[slot];
	*rank = ov_list_token(d->list, slot).rank;
	return true;
}

bool
ov_deck_kind(char out[OV_KIND_CAP], const struct ov_deck *d, uint32_t position)
{
	uint32_t slot = d->slot_at[position];
	struct ov_token_parts parts;
	struct ov_list_token t;

	if (slot >= d->list->n_tokens)
		return false;
	t = ov_list_token(d->list, slot);
	if (!ov_token_split(&parts, t.rank, t.value))
		return false;
	memcpy(out, parts.kind, sizeof(parts.kind));
	return true;
}
