/* bench_steps.h - timings of the steps inside one vector kernel; included after its
 * field. */
#include "common/psi/vector_kernel.h"
#include "tests/bench/bench_kernel.h"

static const char *const step_names[] = { "hash", "map", "decode", "multiply", "encode",
	"tag", NULL };

static void
round_of_steps(struct series *steps, const uint8_t *uniform, const uint8_t *encodings,
    const uint8_t scalar[32])
{
	static struct scratch w;
	static struct add_in points[VECTORS];
	static uint8_t hashed[OV_PSI_GROUP * OV_UNIFORM_LEN];
	struct ov_bytes tokens[OV_PSI_GROUP];
	uint64_t t;

	for (size_t i = 0; i < OV_PSI_GROUP; i++)
		tokens[i] = OV_BYTES(uniform + OV_UNIFORM_LEN * i, 24);
	take_scalar(&w, scalar);
	t = now_ns();
	expand(hashed, tokens, OV_PSI_GROUP);
	series_add(&steps[0], t, OV_PSI_GROUP);
	t = now_ns();
	for (size_t i = 0; i < VECTORS; i++)
		map_uniform(&points[i], uniform + OV_UNIFORM_LEN * LANES * i);
	series_add(&steps[1], t, OV_PSI_GROUP);
	t = now_ns();
	for (size_t i = 0; i < VECTORS; i += PAIR)
		decode_pair(
		    &points[i], &w.valid[i / PAIR], encodings + OV_POINT_LEN * LANES * i);
	series_add(&steps[2], t, OV_PSI_GROUP);
	t = now_ns();
	for (size_t i = 0; i < VECTORS; i++)
		point_multiply(&w.product[i], &w.multiply, &points[i], w.digits);
	series_add(&steps[3], t, OV_PSI_GROUP);
	t = now_ns();
	double_and_encode(w.out, w.refused, w.encoded, w.product, VECTORS);
	series_add(&steps[4], t, OV_PSI_GROUP);
	t = now_ns();
	tag(hashed, encodings, OV_PSI_GROUP, scalar);
	series_add(&steps[5], t, OV_PSI_GROUP);
}
