#include "client/book/tape.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/book/scratch.h"

#define BUFFER 65536
#define HEAD 2 /* bytes of a record's length, low first */

struct ov_tape {
	const char *directory;
	int fd;		 /* -1: nothing is on the file yet */
	uint64_t filed;	 /* bytes on the file; what follows is in the buffer */
	size_t n;	 /* bytes in the buffer */
	uint8_t *buffer; /* BUFFER bytes */
};

enum ov_status
ov_tape_new(struct ov_tape **out, const char *directory)
{
	struct ov_tape *t = calloc(1, sizeof(*t));

	*out = NULL;
	if (t == NULL)
		return OV_E_NOMEM;
	*t = (struct ov_tape){ directory, -1, 0, 0, malloc(BUFFER) };
	if (t->buffer == NULL) {
		free(t);
		return OV_E_NOMEM;
	}
	*out = t;
	return OV_OK;
}

void
ov_tape_free(struct ov_tape *t)
{
	if (t == NULL)
		return;
	if (t->fd >= 0)
		close(t->fd);
	free(t->buffer);
	free(t);
}

static enum ov_status
file_buffer(struct ov_tape *t)
{
	enum ov_status st = OV_OK;

	if (t->fd < 0)
		OV_TRY(ov_scratch_open(&t->fd, t->directory));
	OV_TRY(ov_scratch_write(t->fd, t->filed, t->buffer, t->n));
	t->filed += t->n;
	t->n = 0;
done:
	return st;
}

enum ov_status
ov_tape_put(struct ov_tape *t, const void *record, size_t len)
{
	enum ov_status st = OV_OK;

	OV_REQUIRE(len > 0 && len <= OV_TAPE_RECORD_MAX, OV_E_BUG);
	if (t->n + HEAD + len > BUFFER)
		OV_TRY(file_buffer(t));
	t->buffer[t->n++] = (uint8_t)(len & 0xff);
	t->buffer[t->n++] = (uint8_t)(len >> 8);
	memcpy(t->buffer + t->n, record, len);
	t->n += len;
done:
	return st;
}

uint64_t
ov_tape_end(const struct ov_tape *t)
{
	return t->filed + t->n;
}

enum ov_status
ov_tape_read(
    struct ov_tape_reader *r, const struct ov_tape *t, uint64_t from, uint64_t to)
{
	*r = (struct ov_tape_reader){ t, from, to, malloc(BUFFER), 0, 0 };
	return r->buffer != NULL ? OV_OK : OV_E_NOMEM;
}

void
ov_tape_reader_fini(struct ov_tape_reader *r)
{
	free(r->buffer);
	r->buffer = NULL;
}

/* Moves what is left to the front of the buffer and fills up behind it. */
static enum ov_status
fill(struct ov_tape_reader *r)
{
	const struct ov_tape *t = r->tape;
	size_t n, left = r->to - r->from;
	enum ov_status st = OV_OK;

	memmove(r->buffer, r->buffer + r->from, left);
	r->from = 0;
	r->to = left;
	while (r->to < BUFFER && r->at < r->end) {
		n = BUFFER - r->to;
		if (n > r->end - r->at)
			n = (size_t)(r->end - r->at);
		if (r->at < t->filed) {
			if (n > t->filed - r->at)
				n = (size_t)(t->filed - r->at);
			OV_TRY(ov_scratch_read(r->buffer + r->to, n, t->fd, r->at));
		} else { /* at + n <= end <= filed + t->n */
			memcpy(r->buffer + r->to, t->buffer + (r->at - t->filed), n);
		}
		r->to += n;
		r->at += n;
	}
done:
	return st;
}

enum ov_status
ov_tape_next(bool *any, struct ov_bytes *record, struct ov_tape_reader *r)
{
	const uint8_t *p;
	size_t len;
	enum ov_status st = OV_OK;

	*any = false;
	if (r->to - r->from < HEAD + OV_TAPE_RECORD_MAX && r->at < r->end)
		OV_TRY(fill(r));
	if (r->from == r->to)
		goto done;
	p = r->buffer + r->from;
	OV_REQUIRE(r->to - r->from > HEAD, OV_E_IO);
	len = (size_t)p[0] | (size_t)p[1] << 8;
	OV_REQUIRE(len > 0 && len <= r->to - r->from - HEAD, OV_E_IO);
	*record = OV_BYTES(p + HEAD, len);
	r->from += HEAD + len;
	*any = true;
done:
	return st;
}
