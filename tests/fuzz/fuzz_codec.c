/* Any bytes as any message: what decodes must encode to the same bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ov_bytes in = OV_BYTES(data, size);
	enum ov_msg type = ov_msg_type(in);
	struct ov_buf again = { 0 };
	union ov_msg_any m;

	if (type == OV_MSG_NONE || ov_msg_decode(&m, type, in) != OV_OK)
		return 0;
	if (ov_msg_encode(&again, type, &m) != OV_OK || again.len != size ||
	    memcmp(again.p, data, size) != 0)
		abort();
	ov_buf_free(&again);
	return 0;
}
