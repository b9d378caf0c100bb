/* headings.h - what CRMs call the columns that we know: Salesforce, HubSpot, Crossbeam
 * and common names, in the languages that the two write them in.
 *
 * As columns.c folds headings: lower-case letters, digits and bytes above ASCII.
 */
#ifndef OV_CLIENT_BOOK_HEADINGS_H
#define OV_CLIENT_BOOK_HEADINGS_H

#include "client/book/columns.h"

#define OV_ALIASES_MAX 48
#define OV_DEAL_SIGNS 32

struct ov_headings {
	const char *name;		   /* in mapping files */
	const char *alias[OV_ALIASES_MAX]; /* the surest first, then NULLs */
};

extern const struct ov_headings ov_headings[OV_FIELD_COUNT];
/* In a table of deals: what else is what; a field without a name is as above. */
extern const struct ov_headings ov_deal_headings[OV_FIELD_COUNT];
/* One of these makes a table one of deals; NULLs at the end. */
extern const char *const ov_deal_signs[OV_DEAL_SIGNS];

#endif /* OV_CLIENT_BOOK_HEADINGS_H */
