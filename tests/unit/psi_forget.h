/* psi_forget.h - psi_parts.h's forget() over one field; included after it. */
#include "common/psi/vector_kernel.h"
#include "tests/unit/psi_parts.h"

_Static_assert(DIGITS == PSI_DIGITS, "digits");

/* The elements of a table as a search gives them. */
static size_t
keep_found(uint8_t *kept, const struct row *table)
{
	all_mask is[TABLE + 1];
	struct entry q;
	size_t len = 0;

	for (int8_t digit = 1; digit <= TABLE; digit++) {
		begin_search(&q, is, table, digit);
		const struct fe found[] = { fe_search(q.P), fe_search(q.M),
			fe_search(q.Z2), fe_search(q.Td) };

		memcpy(kept + len, found, sizeof(found));
		len += sizeof(found);
	}
	return len;
}

static size_t
forget(int8_t digits[PSI_DIGITS], uint8_t *kept, const struct psi_call *call)
{
	const size_t item_len = call->points ? OV_POINT_LEN : OV_UNIFORM_LEN;
	const size_t len = offsetof(struct scratch, out);
	struct scratch w;
	size_t vectors;

	memset(&w, 0, sizeof(w));
	vectors = take_inputs(&w, call->in, call->n, item_len);
	take_scalar(&w, call->scalar);
	for (size_t i = 0; i < vectors; i++) {
		if (!call->points)
			map_uniform(&w.point[0], w.in + OV_UNIFORM_LEN * LANES * i);
		else if (i % PAIR == 0)
			decode_pair(
			    w.point, &w.valid[i / PAIR], w.in + OV_POINT_LEN * LANES * i);
		point_multiply(&w.product[i], &w.multiply,
		    &w.point[call->points ? i % PAIR : 0], w.digits);
	}
	double_and_encode(w.out, w.refused, w.encoded, w.product, vectors);
	memcpy(digits, w.digits, DIGITS);
	memcpy(kept, &w, len);
	return len + keep_found(kept + len, w.multiply.table);
}
_Static_assert(
    offsetof(struct scratch, out) + TABLE * 4 * sizeof(struct fe) <= PSI_KEPT_MAX,
    "kept");
