/* encoding.h - turns the bytes of a file into UTF-8 as they come.
 *
 * A byte-order mark decides for UTF-8 or UTF-16.  Without one the text is taken as
 * ASCII until its first byte above 0x7f: if a valid UTF-8 sequence starts there, all of
 * the file must be UTF-8; otherwise it is Windows-1252, in which Excel saves.  So one
 * pass is enough and nothing is kept but the bytes of one character.
 */
#ifndef OV_CLIENT_BOOK_ENCODING_H
#define OV_CLIENT_BOOK_ENCODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/book/fault.h"
#include "common/status.h"

enum ov_encoding {
	OV_ENCODING_ASCII, /* also: not known yet */
	OV_ENCODING_UTF8,
	OV_ENCODING_UTF8_BOM,
	OV_ENCODING_UTF16LE,
	OV_ENCODING_UTF16BE,
	OV_ENCODING_WINDOWS1252
};

/* Receives whole UTF-8 characters, never a NUL; the bytes are borrowed.  A failure ends
 * the decoding and is passed on. */
typedef enum ov_status ov_text_fn(void *ctx, const uint8_t *text, size_t len);

/* Caller's memory; set up by ov_decoder_init, owns nothing. */
struct ov_decoder {
	enum ov_encoding encoding;
	ov_text_fn *fn;
	void *ctx;
	uint64_t offset; /* of the next byte of the file */
	uint8_t pend[4]; /* an unfinished character, or the start of a byte-order mark */
	size_t n_pend, need;
	bool started;	    /* the byte-order mark is decided */
	uint16_t high;	    /* first half of a surrogate pair */
	uint64_t odd_bytes; /* Windows-1252: high bytes that are no UTF-8, */
	uint64_t utf8_runs; /* and sequences that would be */
	uint64_t odd_at;    /* where the first of odd_bytes stands, */
	uint8_t odd_byte;   /* and what it is */
	size_t shadow;	    /* continuation bytes that such a sequence still needs */
};

void ov_decoder_init(struct ov_decoder *d, ov_text_fn *fn, void *ctx);

/* Takes the next len bytes.  Fails with OV_E_IMPORT_ENCODING and the offset of the byte
 * in fault's words (its line is left 0: the receiver of the text knows it), or as fn. */
OV_MUST_CHECK enum ov_status ov_decoder_feed(
    struct ov_decoder *d, const uint8_t *bytes, size_t len, struct ov_fault *fault);

/* The end of the file.  Also refuses a file in which most high bytes are valid UTF-8
 * and some are not: two encodings were pasted into one file. */
OV_MUST_CHECK enum ov_status ov_decoder_end(struct ov_decoder *d, struct ov_fault *fault);

/* "UTF-8", "Windows-1252" ... for the screen. */
const char *ov_encoding_name(enum ov_encoding e);

#endif /* OV_CLIENT_BOOK_ENCODING_H */
