#include "common/transport/frame.h"

#include <string.h>

void
ov_frame_encode(uint8_t head[OV_FRAME_HEAD_LEN], uint64_t id, uint32_t len)
{
	for (int i = 3; i >= 0; i--, len >>= 8)
		head[i] = (uint8_t)len;
	for (int i = 11; i >= 4; i--, id >>= 8)
		head[i] = (uint8_t)id;
}

void
ov_frame_next(struct ov_frame_reader *r)
{
	memset(r, 0, sizeof(*r));
}

void
ov_frame_space(struct ov_frame_reader *r, uint8_t **p, size_t *cap)
{
	*p = NULL;
	*cap = 0;
	if (r->at != OV_FRAME_MORE)
		return;
	if (r->head_n < OV_FRAME_HEAD_LEN) {
		*p = r->head + r->head_n;
		*cap = OV_FRAME_HEAD_LEN - r->head_n;
	} else {
		*p = r->body + r->n;
		*cap = r->len - r->n;
	}
}

static void
decode(struct ov_frame_reader *r)
{
	uint32_t len = 0;

	for (int i = 0; i < 4; i++)
		len = len << 8 | r->head[i];
	r->len = len;
	for (int i = 4; i < OV_FRAME_HEAD_LEN; i++)
		r->id = r->id << 8 | r->head[i];
}

enum ov_frame_event
ov_frame_advance(struct ov_frame_reader *r, size_t n)
{
	if (r->at != OV_FRAME_MORE)
		return r->at;
	if (r->head_n < OV_FRAME_HEAD_LEN) {
		r->head_n += n;
		if (r->head_n == OV_FRAME_HEAD_LEN) {
			decode(r);
			r->at = OV_FRAME_HEAD;
		}
		return r->at;
	}
	r->n += n;
	if (r->n == r->len)
		r->at = OV_FRAME_DONE;
	return r->at;
}

enum ov_frame_event
ov_frame_accept(struct ov_frame_reader *r, uint8_t *body)
{
	r->body = body;
	r->at = r->len == 0 ? OV_FRAME_DONE : OV_FRAME_MORE;
	return r->at;
}

bool
ov_frame_is_partial(const struct ov_frame_reader *r)
{
	return r->head_n > 0 && r->at != OV_FRAME_DONE;
}
