/* book.h - one company's accounts, in the database of its home.
 *
 * A row is a line of a table that was imported; a record is an account: the rows that
 * merge.h found to be one company, with the keys that stand for it.  Importing reads,
 * normalises, merges and writes in one transaction: until it commits, and whenever it
 * fails, the old book stands.  No name or key leaves by a log line; faults and listings
 * are for the user's own screen.
 *
 * A book function works on the caller's connection and thread.  ov_normalise_init()
 * comes before.
 */
#ifndef OV_CLIENT_BOOK_BOOK_H
#define OV_CLIENT_BOOK_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "client/book/alias.h"
#include "client/book/build.h"
#include "client/book/columns.h"
#include "client/book/deals.h"
#include "client/book/erased.h"
#include "client/book/examples.h"
#include "client/book/held.h"
#include "client/book/icp.h"
#include "client/book/merge.h"
#include "client/book/policy.h"
#include "client/book/renew.h"
#include "client/book/row.h"
#include "client/book/table.h"
#include "client/normalise/normalise.h"
#include "common/db/db.h"

/* The tables, for the list of migrations of the home's file.  Append only.
 * book_row holds what ICP and reports need of a row, and the raw key columns, from which
 * records are rebuilt; of e-mail addresses only the domain; text cells have no control
 * characters, lists in one cell are separated by line feeds. */
extern const char ov_book_schema_1[];
extern const char ov_book_schema_2[];
extern const char ov_book_schema_3[];
extern const char ov_book_schema_4[];
extern const char ov_book_schema_5[];
extern const char ov_book_schema_6[];
extern const char ov_book_schema_7[];

/* --- import --- */

enum ov_import_mode {
	OV_IMPORT_REPLACE, /* the files are the whole book */
	OV_IMPORT_ADD,	 /* their rows come to those that are there; a row with an id that
			    is there takes that row's place */
	OV_IMPORT_UPDATE /* cells that are not empty take the place of those of the row
			    with the id; nothing is added */
};

#define OV_IMPORT_FILES_MAX 16
#define OV_IMPORT_PREVIEW 5 /* rows of each file that are shown before they are taken */

struct ov_import_file {
	FILE *f; /* the caller's */
	/* what was found in it */
	struct ov_table_info table;
	struct ov_columns columns;
	uint64_t rows;	  /* accounts or deals */
	uint64_t footers; /* lines that are neither: totals, copyright, other shape */
	uint64_t empty;	  /* lines without name, website, e-mail and registry id */
};

struct ov_import_result {
	struct ov_import_file *file; /* the caller's */
	size_t n_files;		     /* up to OV_IMPORT_FILES_MAX */
	size_t at;		     /* the file that a fault is about */
	uint64_t read;		     /* accounts and deals of all files */
	uint64_t rows;		     /* accounts of them */
	struct ov_deals_result deals;
	struct ov_renewed ids;
	uint64_t erased; /* rows and deals left out: of accounts that were erased */
	bool held;	 /* the book stays as it was: */
	struct ov_held why;
};

struct ov_import_options {
	enum ov_import_mode mode;
	const struct ov_map *map; /* NULL: guess */
	const char *population;	  /* of rows without a sign; NULL: the default one */
	char delimiter;		  /* 0: guess */
	bool dry;		  /* in the end, all is as before */
	bool accept;		  /* a person has looked: nothing is held */
	const struct ov_erased *erased; /* rows of these stay out; NULL: none */
	struct ov_examples *examples;	/* of values that make no key; NULL: none */
	/* With ctx; each may be NULL.  Now and then, rows or accounts of this phase; all
	 * 0: not known. */
	void (*progress)(
	    void *ctx, enum ov_build_phase phase, uint64_t done, uint64_t all);
	/* The first rows of each file. */
	enum ov_status (*preview)(
	    void *ctx, const struct ov_import_file *file, const struct ov_row *row);
	/* Inside the transaction, when the book is as it will be. */
	enum ov_status (*end)(void *ctx, const struct ov_import_result *r);
	void *ctx;
};

/* Imports result->file[0 .. n_files - 1], all else of result zeroed, in one transaction.
 * Deals find their accounts in the files, or, unless they are the whole book, in the book
 * (deals.h).  A whole book that shrank by more than half, or lost a column, is held
 * (held.h): not a failure.  Fails, with the fault's line in file[at], with what
 * ov_table_read and ov_columns_guess say; OV_E_IMPORT_EMPTY without a single account or
 * deal; OV_E_BOOK_EMPTY for an update of nothing; OV_E_IMPORT_COLUMNS for an unknown
 * population (of options, or in a population column), or when rows come to a book of
 * other populations or kept columns; OV_E_LIST_TOO_LARGE over 2^30 rows; database
 * failures. */
OV_MUST_CHECK enum ov_status ov_book_import(struct ov_import_result *result,
    struct ov_db *db, const struct ov_import_options *options, struct ov_fault *fault);

/* Records anew from the stored rows by the current profile: after an upgrade changed it.
 * ov_book_is_stale says so. */
OV_MUST_CHECK enum ov_status ov_book_rebuild(struct ov_db *db);
/* The same inside the caller's transaction. */
OV_MUST_CHECK enum ov_status ov_book_rebuild_within(struct ov_db *db);
OV_MUST_CHECK enum ov_status ov_book_is_stale(bool *out, struct ov_db *db);

/* The records by the profile before the current one, for jobs with partners who have not
 * the current one; made when first asked for after an import.  Not in a transaction. */
OV_MUST_CHECK enum ov_status ov_book_make_previous(
    struct ov_db *db, const struct ov_profile *p);

/* Counts the imports and rebuilds; 0: never.  Record numbers are good for one generation:
 * who keeps them (a job) keeps this beside them. */
OV_MUST_CHECK enum ov_status ov_book_generation(uint64_t *out, struct ov_db *db);

/* --- what is there --- */

struct ov_book_stats {
	uint64_t rows, records;
	uint64_t matchable;   /* records with a key above the bare name */
	uint64_t name_only;   /* records with bare names alone: only if a policy allows */
	uint64_t unmatchable; /* records without any key */
	uint64_t keys[OV_RANK_MAX + 1]; /* by rank; of VAT numbers alone: */
	uint64_t scheme_ids;
	uint64_t dropped[OV_DROP_COUNT];   /* values that the normaliser drops */
	uint64_t unmerged[OV_MERGE_DROPS]; /* claims that merging drops */
	size_t n_populations;
	struct {
		char name[OV_POPULATION_NAME_MAX + 1];
		uint64_t rows, records;
	} population[OV_POPULATIONS_MAX];
};
/* All zero for an empty book. */
OV_MUST_CHECK enum ov_status ov_book_stats(struct ov_book_stats *out, struct ov_db *db);

/* The populations of the book, in the owner's order (no rules); n = 0 when empty. */
OV_MUST_CHECK enum ov_status ov_book_populations(
    struct ov_populations *out, struct ov_db *db);

/* Refuses an ICP that names a column which the book does not keep, with the line. */
OV_MUST_CHECK enum ov_status ov_book_check_icp(
    struct ov_db *db, const struct ov_icp *icp, struct ov_fault *fault);

/* Refuses a policy that lists a column which the book does not keep, with the line. */
OV_MUST_CHECK enum ov_status ov_book_check_columns(
    struct ov_db *db, const struct ov_policy *policy, struct ov_fault *fault);

/* --- the list of a job --- */

struct ov_book_item {
	int64_t record;
	uint8_t population;    /* index, in the owner's order */
	enum ov_fit fit;       /* by the own ICP */
	uint8_t band;	       /* 0 without ICP, bands or data */
	enum ov_fit asked_fit; /* the same by the partner's criteria */
	uint8_t asked_band;
	size_t n; /* 1 .. OV_TOKENS_PER_RECORD, by rank and bytes */
	struct {
		uint8_t rank;
		struct ov_bytes value;
	} token[OV_TOKENS_PER_RECORD];
};
/* Borrowed for the call.  A failure ends the walk and is passed on. */
typedef enum ov_status ov_book_item_fn(void *ctx, const struct ov_book_item *item);

struct ov_freeze_options {
	/* bit i: population i stays out (ov_policy_hidden_mask), with every account that
	 * has a row there, or shares a domain with one of its house that has */
	uint32_t hidden;
	uint8_t ranks;		    /* OV_RANK_BITs of the ranks that may be keys */
	const struct ov_icp *icp;   /* NULL: all fits unknown */
	const struct ov_icp *asked; /* the partner's criteria; NULL: none */
	/* of the keys; NULL: the current one.  Another was made by ov_book_make_previous
	 */
	const struct ov_profile *profile;
};

/* Streams the records that may enter a job, in the order of the bytes of their keys: the
 * same for the same book, however its rows were ordered.  A record with one row in a
 * hidden population, or without a key of an allowed rank, stays out. */
OV_MUST_CHECK enum ov_status ov_book_freeze(struct ov_db *db,
    const struct ov_freeze_options *options, ov_book_item_fn *fn, void *ctx);

/* --- one account --- */

struct ov_book_account {
	int64_t record;
	uint64_t rows;
	uint8_t population; /* index */
	char *name;	    /* of the row with the smallest id; "" if it has none */
	char *ids;	    /* the rows' own ids, joined by ';' */
	char *country, *industry, *employees, *revenue;
};

/* By the record number of an item of the same generation.  OV_E_NOT_FOUND.  On success
 * free with ov_book_account_fini. */
OV_MUST_CHECK enum ov_status ov_book_account(
    struct ov_book_account *out, struct ov_db *db, int64_t record);
void ov_book_account_fini(struct ov_book_account *a);

/* Prints to out, for each account that `name` may mean (a row's id, a name in any
 * spelling, a website or domain): its population, rows and keys, and why other values of
 * it are no keys.  OV_E_NOT_FOUND if there is none. */
OV_MUST_CHECK enum ov_status ov_book_why(FILE *out, struct ov_db *db, const char *name);

/* Prints to out why the rows that the two texts mean (as above; the first row, where
 * several are meant) are one account or two: the values that both have, with what became
 * of each.  OV_E_NOT_FOUND; OV_E_DB_CONFLICT if they are the same row. */
OV_MUST_CHECK enum ov_status ov_book_why_two(
    FILE *out, struct ov_db *db, const char *first, const char *second);

#endif /* OV_CLIENT_BOOK_BOOK_H */
