/* sheet.h - grant sheets (GRANTS) in words and JSON, for a person who decides. */
#ifndef OV_CLIENT_SHEET_H
#define OV_CLIENT_SHEET_H

#include <stdio.h>

#include "client/giving.h"
#include "client/json.h"
#include "proto/codec.h"

/* What is put into words: encoded GRANTS, and the book, whose populations that mine does
 * not name are told to be hidden. */
struct ov_sheet_words {
	const char *partner; /* printed with care */
	struct ov_bytes mine;
	struct ov_bytes theirs;		   /* empty: not offered yet */
	const struct ov_populations *book; /* NULL: not known */
};

/* In plain words, with the numbers that follow from both sheets: what the partner learns,
 * what we learn, what the broker sees.  Fails on sheets that do not decode. */
OV_MUST_CHECK enum ov_status ov_sheet_explain(FILE *out, const struct ov_sheet_words *w);

/* How what both give changes from one pair of sheets to the next: a line each, or
 * "nothing changes".  then: what is in force; its sheets are not empty. */
OV_MUST_CHECK enum ov_status ov_sheet_explain_change(
    FILE *out, const struct ov_sheet_words *then, const struct ov_sheet_words *now);
/* The same as an array "changes" of objects: by ("you", "partner"), what, from, to,
 * more. */
OV_MUST_CHECK enum ov_status ov_sheet_change_json(struct ov_json *at,
    const struct ov_sheet_words *then, const struct ov_sheet_words *now);

/* The populations and limits of one sheet, into a JSON object. */
OV_MUST_CHECK enum ov_status ov_sheet_json(struct ov_json *at, struct ov_bytes sheet);

#endif /* OV_CLIENT_SHEET_H */
