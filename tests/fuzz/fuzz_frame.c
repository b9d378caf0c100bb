/* The frame reader on arbitrary bytes: however they are cut into pieces, it finds
 * the frames that a plain reading of the format finds, and asks for no byte twice.
 * First byte of the input: how the rest is cut. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/transport/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_FRAME = 2048 };

static void
require(int holds)
{
	if (!holds)
		abort();
}

/* The frame at p by the format's words; false if it does not end within n bytes. */
static int
plain(const uint8_t *p, size_t n, uint64_t *id, size_t *len)
{
	*id = 0;
	if (n < OV_FRAME_HEAD_LEN)
		return 0;
	*len = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
	for (int i = 4; i < 12; i++)
		*id = *id << 8 | p[i];
	return *len <= n - OV_FRAME_HEAD_LEN;
}

static void
check(const struct ov_frame_reader *r, const uint8_t *p, size_t n)
{
	uint8_t head[OV_FRAME_HEAD_LEN];
	uint64_t id;
	size_t len = 0;

	require(plain(p, n, &id, &len));
	require(r->id == id && r->len == len);
	require(len == 0 || memcmp(r->body, p + OV_FRAME_HEAD_LEN, len) == 0);
	ov_frame_encode(head, id, (uint32_t)len);
	require(memcmp(head, p, sizeof(head)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t body[MAX_FRAME], *p;
	struct ov_frame_reader r;
	size_t cut, cap, done = 0, begin = 0;

	if (size < 1)
		return 0;
	cut = (size_t)data[0] % 64 + 1;
	data++;
	size--;
	ov_frame_next(&r);
	while (done < size) {
		ov_frame_space(&r, &p, &cap);
		require(cap > 0);
		require(ov_frame_is_partial(&r) == (done > begin));
		if (cap > cut)
			cap = cut;
		if (cap > size - done)
			cap = size - done;
		memcpy(p, data + done, cap);
		done += cap;
		if (ov_frame_advance(&r, cap) == OV_FRAME_HEAD) {
			require(done - begin == OV_FRAME_HEAD_LEN);
			if (r.len > sizeof(body))
				return 0;
			(void)ov_frame_accept(&r, body);
		}
		if (r.at == OV_FRAME_DONE) {
			check(&r, data + begin, done - begin);
			begin = done;
			ov_frame_next(&r);
		}
	}
	return 0;
}
