#include "client/book/paged.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/book/scratch.h"

#define PAGE 1024 /* elements */
#define PAGE_BYTES (PAGE * sizeof(uint32_t))
#define FRAMES (OV_PAGED_MEMORY / PAGE_BYTES)

struct ov_paged {
	const char *directory;
	enum ov_status st;
	int fd;		      /* -1: no page is on the file */
	uint64_t filed;	      /* pages that the file reaches to */
	uint32_t tag[FRAMES]; /* number + 1 of the page in each frame; 0: none */
	bool changed[FRAMES];
	uint32_t frame[FRAMES][PAGE];
};

enum ov_status
ov_paged_new(struct ov_paged **out, const char *directory)
{
	*out = calloc(1, sizeof(**out)); /* of so much, the system gives what is used */
	if (*out == NULL)
		return OV_E_NOMEM;
	(*out)->directory = directory;
	(*out)->fd = -1;
	return OV_OK;
}

void
ov_paged_free(struct ov_paged *a)
{
	if (a == NULL)
		return;
	if (a->fd >= 0)
		close(a->fd);
	free(a);
}

static enum ov_status
put_page(struct ov_paged *a, size_t f)
{
	uint32_t page = a->tag[f] - 1;
	enum ov_status st = OV_OK;

	if (a->fd < 0)
		OV_TRY(ov_scratch_open(&a->fd, a->directory));
	OV_TRY(ov_scratch_write(a->fd, page * PAGE_BYTES, a->frame[f], PAGE_BYTES));
	if (page >= a->filed)
		a->filed = (uint64_t)page + 1;
done:
	return st;
}

/* The page comes into its one frame; the one that was there goes. */
static enum ov_status
take_page(struct ov_paged *a, size_t f, uint32_t page)
{
	enum ov_status st = OV_OK;

	if (a->changed[f])
		OV_TRY(put_page(a, f));
	a->tag[f] = 0;
	a->changed[f] = false;
	if (page < a->filed) /* what was skipped in the file reads as 0 */
		OV_TRY(
		    ov_scratch_read(a->frame[f], PAGE_BYTES, a->fd, page * PAGE_BYTES));
	else
		memset(a->frame[f], 0, PAGE_BYTES);
	a->tag[f] = page + 1;
done:
	return st;
}

/* The frame with element i; NULL after a failure. */
static uint32_t *
frame_of(struct ov_paged *a, uint32_t i, bool change)
{
	uint32_t page = i / PAGE;
	size_t f = page % FRAMES;

	if (a->st == OV_OK && a->tag[f] != page + 1)
		a->st = take_page(a, f, page);
	if (a->st != OV_OK)
		return NULL;
	a->changed[f] |= change;
	return a->frame[f];
}

uint32_t
ov_paged_get(struct ov_paged *a, uint32_t i)
{
	const uint32_t *frame = frame_of(a, i, false);

	return frame != NULL ? frame[i % PAGE] : 0;
}

void
ov_paged_set(struct ov_paged *a, uint32_t i, uint32_t value)
{
	uint32_t *frame = frame_of(a, i, true);

	if (frame != NULL)
		frame[i % PAGE] = value;
}

void
ov_paged_clear(struct ov_paged *a)
{
	memset(a->tag, 0, sizeof(a->tag));
	memset(a->changed, 0, sizeof(a->changed));
	a->filed = 0;
	if (a->fd >= 0 && ftruncate(a->fd, 0) != 0 && a->st == OV_OK)
		a->st = OV_E_IO;
}

enum ov_status
ov_paged_status(const struct ov_paged *a)
{
	return a->st;
}
