/* report.h - the report of a job as this home keeps it: read once here, printed in many
 * ways (report_print.h).
 *
 * Everything comes from the tables that the job wrote when its report had passed all its
 * checks; nothing is asked of the broker and no secret is needed.  Names in a report are
 * the user's own data, for the user's own screen and files.
 */
#ifndef OV_CLIENT_REPORT_H
#define OV_CLIENT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/ledger.h"
#include "common/db/db.h"
#include "common/status.h"
#include "proto/messages.h"
#include "proto/slots.h"
#include "proto/steps.h"
#include "proto/terms.h"

/* job_population.side */
enum ov_report_side { OV_SIDE_MINE = 0, OV_SIDE_THEIRS = 1 };

struct ov_report_population {
	uint8_t number;	     /* in the giver's sheet, from 1 */
	enum ov_level level; /* as the terms of the job have it */
	char name[OV_POPULATION_NAME_MAX + 1];
	/* Mine: accounts of my list in this job, how many of them matched, and the rows
	 * of the book that those have.  Theirs: 0, nobody tells. */
	uint64_t accounts, matched, rows;
};

/* Epsilon of one side's views of what the other gives at `counts`, in thousandths. */
struct ov_report_epsilon {
	bool is;	   /* there are such populations, and noise */
	uint32_t job;	   /* charged for this job, by the broker */
	uint32_t year;	   /* in 365 days, by the broker */
	uint32_t own_year; /* by this home's count */
	uint32_t left; /* of what the terms allow, the stricter of both, group and all */
	uint64_t next; /* when the next view is due, the later of both; 0: never */
};

/* What the broker charged, as its signed report says (PROTOCOL 7.21), and what this home
 * counted itself: the stricter one wins. */
struct ov_report_charges {
	uint64_t slots, their_slots; /* of this job */
	uint64_t own_slots, own_their_slots;
	uint64_t slots_month, their_slots_month; /* with this partner in 30 days */
	uint32_t runs_month, runs_left;
	uint32_t own_runs_month;
	uint64_t own_slots_month, own_their_slots_month;
	struct ov_report_epsilon mine, theirs; /* for my view; for the partner's */
	char group[OV_GROUP_MAX + 1];	       /* of the partner; "": none */
	uint32_t group_runs_month;	       /* this home's count */
	bool differs; /* broker and home count otherwise, in anything above */
};

/* Accounts of the partner that are not in my book: its list's size, which it told
 * rounded, less what is shown to match. */
struct ov_report_greenfield {
	bool is;
	bool at_most; /* some of what matches is not shown */
	uint64_t size, accounts;
};

/* A newer job with the partner that brought no report of its own. */
struct ov_report_newer {
	bool is;
	uint8_t job[OV_ID];
	enum ov_job_state state;
	enum ov_status reason;
	uint64_t time; /* when it ended, or else began */
};

#define OV_REPORT_BAND_MAX 15
#define OV_REPORT_CELLS_MAX (OV_POPULATIONS_MAX * OV_POPULATIONS_MAX)

struct ov_report {
	uint8_t job[OV_ID], partner[OV_ID];
	char partner_name[65]; /* "" : the caller fills it in */
	enum ov_role role;
	uint64_t closed, terms_sequence;
	enum ov_status
	    partner_verdict;	  /* on its own report of this job; OV_OK: none bad */
	uint32_t records, tokens; /* of my list */
	size_t n_mine, n_theirs, n_cells;
	struct ov_report_population mine[OV_POPULATIONS_MAX], theirs[OV_POPULATIONS_MAX];
	struct ov_cell_row cell[OV_REPORT_CELLS_MAX]; /* numbers may be OV_HELD_BACK */
	uint64_t matches, rows; /* distinct accounts of mine, and the rows they have; */
	uint64_t wrong;		/* not counted there: found to be wrong (wrong.h) */
	/* of the matches, by enum ov_fit of slots.h: the own word, else the partner's */
	uint64_t fits[3];
	uint64_t fits_by_theirs; /* of those that fit, by the partner's word alone */
	bool bands;		 /* the partner evaluated my criteria on its data */
	char band[OV_BANDS_MAX + 1][OV_REPORT_BAND_MAX + 1]; /* names, from 1 */
	/* what of the counts is not shown, and why */
	struct ov_held_row held[OV_POPULATIONS_MAX];
	size_t n_held;
	struct ov_report_greenfield greenfield;
	bool has_terms; /* the two below are known */
	struct ov_release release;
	unsigned int my_row; /* of release: 0 if this company is low */
	struct ov_report_charges charges;
	struct ov_report_newer newer;
};

/* Which report: that of this job, else the newest one with this partner, else the newest
 * one. */
struct ov_report_choice {
	const uint8_t *job;	/* or NULL */
	const uint8_t *partner; /* or NULL */
};

/* Reads a report.  A job that ended as unchanged gives the report that stands, and is
 * `newer`.  OV_E_NOT_FOUND: no report; then only `newer` is filled, where there is a job
 * that has none, or none yet.  OV_E_DB_FAILED: the tables contradict themselves. */
OV_MUST_CHECK enum ov_status ov_report_load(
    struct ov_report *out, struct ov_db *db, const struct ov_report_choice *choice);

/* The job whose id begins with these hex digits (8 to 32).  OV_E_NOT_FOUND if there is
 * none, or more than one. */
OV_MUST_CHECK enum ov_status ov_report_find_job(
    uint8_t job[OV_ID], struct ov_db *db, const char *hex);

/* The cell of two populations; NULL if the report has none. */
const struct ov_cell_row *ov_report_cell(
    const struct ov_report *r, uint8_t mine, uint8_t theirs);

/* Names by number; "?" for a number that is not in the report. */
const char *ov_report_mine(const struct ov_report *r, uint8_t number);
const char *ov_report_theirs(const struct ov_report *r, uint8_t number);

struct ov_report_match {
	uint32_t number;
	uint8_t rank;
	uint8_t mine, theirs; /* populations */
	uint8_t band;	      /* of the label (slots.h): my ICP by the partner's data */
	uint8_t own_fit;      /* enum ov_fit of slots.h: my ICP by my data */
	uint8_t fit;	      /* of the pair: by my data if they tell, else by theirs */
	uint64_t rows;
	const char *ids, *name; /* borrowed for the call */
	const char *kind;	/* of the key: "vat", "id:acme" ...; borrowed */
};

/* What of the matches that a person found to be wrong. */
enum ov_match_wrong { OV_WRONG_LEFT_OUT, OV_WRONG_ALONE, OV_WRONG_TOO };

struct ov_match_filter {
	uint16_t mine, theirs; /* bit n: population n; 0: all */
	uint8_t fits;	       /* bit f: enum ov_fit f; 0: all */
	enum ov_match_wrong wrong;
};

/* "yes", "no", "unknown" for enum ov_fit of slots.h; "?" otherwise. */
const char *ov_fit_text(uint8_t fit);

/* What a label's band says, for the screen: the name of a band of mine, or "yes", "no",
 * "unknown"; "" where the partner evaluated nothing. */
const char *ov_report_band(const struct ov_report *r, uint8_t band);

/* Calls visit for each match that passes the filter, by number.  Memory does not grow
 * with the matches.  visit's failure ends the walk and is passed on. */
OV_MUST_CHECK enum ov_status ov_report_matches(struct ov_db *db,
    const struct ov_report *r, const struct ov_match_filter *filter,
    enum ov_status (*visit)(void *arg, const struct ov_report_match *m), void *arg);

#endif /* OV_CLIENT_REPORT_H */
