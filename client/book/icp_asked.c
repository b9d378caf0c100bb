#include "client/book/icp_asked.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "client/book/columns.h"
#include "client/book/icp_impl.h"

/* --- what may be asked --- */

enum askable { ASK_NOTHING, ASK_CHOICE, ASK_NUMBER };

static enum askable
askable(const char *column)
{
	if (strncasecmp(column, "id:", 3) == 0)
		return ASK_NOTHING;
	switch (ov_field_by_name(column)) {
	case OV_FIELD_COUNTRY:
	case OV_FIELD_INDUSTRY:
	case OV_FIELD_TYPE:
	case OV_FIELD_LIFECYCLE:
	case OV_FIELD_STAGE:
		return ASK_CHOICE;
	case OV_FIELD_EMPLOYEES:
	case OV_FIELD_REVENUE:
	case OV_FIELD_NONE: /* a heading of its own, which a map may keep */
		return ASK_NUMBER;
	case OV_FIELD_ID:
	case OV_FIELD_NAME:
	case OV_FIELD_WEBSITE:
	case OV_FIELD_EMAIL:
	case OV_FIELD_POPULATION:
	case OV_FIELD_LEI:
	case OV_FIELD_CIK:
	case OV_FIELD_DUNS:
	case OV_FIELD_VAT:
	case OV_FIELD_TICKER:
	case OV_FIELD_EXCHANGE:
	case OV_FIELD_SCHEME:
	case OV_FIELD_WON:
	case OV_FIELD_LOST:
	case OV_FIELD_CLOSED:
	case OV_FIELD_DEAL:
	case OV_FIELD_OWNER:
	case OV_FIELD_ACCOUNTS:
	case OV_FIELD_KEEP:
	case OV_FIELD_COUNT:
		break;
	}
	return ASK_NOTHING;
}

const char *
ov_icp_askable(const char *column)
{
	switch (askable(column)) {
	case ASK_CHOICE:
		return "equals, one_of, exists";
	case ASK_NUMBER:
		return "between, exists";
	case ASK_NOTHING:
		break;
	}
	return NULL;
}

static bool
may_ask(const char *column, enum ov_icp_test test)
{
	enum askable a = askable(column);

	return (test == OV_ICP_TEST_EXISTS && a != ASK_NOTHING) ||
	       (test == OV_ICP_TEST_ONE_OF && a == ASK_CHOICE) ||
	       (test == OV_ICP_TEST_BETWEEN && a == ASK_NUMBER);
}

static enum ov_status
check(const struct ov_icp *icp, const struct ov_icp_criterion *c,
    const struct ov_shared_columns *columns, struct ov_fault *f)
{
	const char *name, *allowed;
	enum ov_status st = OV_OK;

	for (size_t i = 0; i < c->n_parts && st == OV_OK; i++)
		st = check(icp, &c->part[i], columns, f);
	if (ov_icp_is_group(c) || st != OV_OK)
		return st;
	name = icp->column[c->column].name;
	if (columns != NULL && !ov_shared_columns_have(columns, name))
		return ov_fault_set(f, OV_E_ICP_INVALID, icp->column[c->column].line,
		    "column `%s` is not listed (`icp_columns`) by the side that would "
		    "evaluate it",
		    name);
	allowed = ov_icp_askable(name);
	if (!may_ask(name, c->test))
		return ov_fault_set(f, OV_E_ICP_INVALID, icp->column[c->column].line,
		    "what may be asked of a partner's column `%s`: %s", name,
		    allowed != NULL ? allowed : "nothing");
	return OV_OK;
}

enum ov_status
ov_icp_check_asked(const struct ov_icp *icp, const struct ov_shared_columns *columns,
    struct ov_fault *fault)
{
	return check(icp, &icp->top, columns, fault);
}

/* --- as text --- */

struct writer {
	struct ov_buf *out;
	enum ov_status st; /* first failure; everything after it does nothing */
};

static void
put(struct writer *w, const char *text)
{
	if (w->st == OV_OK)
		w->st = ov_buf_append(w->out, text, strlen(text));
}

static void
put_number(struct writer *w, const char *key, uint32_t v)
{
	char text[64];

	snprintf(text, sizeof(text), "%s%" PRIu32, key, v);
	put(w, text);
}

/* U+2028, U+2029: line ends to YAML, which loses the spaces around them. */
static bool
is_line_end(const char *text)
{
	return strncmp(text, "\xe2\x80\xa8", 3) == 0 ||
	       strncmp(text, "\xe2\x80\xa9", 3) == 0;
}

/* A double-quoted scalar of YAML. */
static void
put_text(struct writer *w, const char *text)
{
	char one[8];

	put(w, "\"");
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (w->st == OV_OK && is_line_end(text))
			w->st = OV_E_ICP_INVALID;
		if (c < 0x20 || c == 0x7f)
			snprintf(one, sizeof(one), "\\x%02x", c);
		else
			snprintf(one, sizeof(one), "%s%c",
			    c == '"' || c == '\\' ? "\\" : "", *text);
		put(w, one);
	}
	put(w, "\"");
}

static void put_criteria(
    struct writer *w, const struct ov_icp *icp, const struct ov_icp_criterion *group);

static void
put_test(struct writer *w, const struct ov_icp *icp, const struct ov_icp_criterion *c)
{
	if (!ov_icp_is_group(c)) {
		put(w, "column: ");
		put_text(w, icp->column[c->column].name);
		put(w, ", ");
	}
	switch (c->test) {
	case OV_ICP_TEST_ANY_OF:
	case OV_ICP_TEST_ALL_OF:
		put(w, c->test == OV_ICP_TEST_ANY_OF ? "any_of: " : "all_of: ");
		put_criteria(w, icp, c);
		break;
	case OV_ICP_TEST_BETWEEN:
		put(w, "between: [");
		put_text(w, c->bound[0]);
		put(w, ", ");
		put_text(w, c->bound[1]);
		put(w, "]");
		break;
	case OV_ICP_TEST_EXISTS:
		put(w, c->exists ? "exists: yes" : "exists: no");
		break;
	case OV_ICP_TEST_ONE_OF:
		for (size_t i = 0; i < c->n_values; i++) {
			put(w, i == 0 ? "one_of: [" : ", ");
			put_text(w, c->value[i]);
		}
		put(w, "]");
		break;
	}
}

/* Weights count at the top alone. */
static void
put_criteria(
    struct writer *w, const struct ov_icp *icp, const struct ov_icp_criterion *group)
{
	bool top = group == &icp->top;

	for (size_t i = 0; i < group->n_parts; i++) {
		const struct ov_icp_criterion *c = &group->part[i];

		put(w, i == 0 ? "[" : top ? ",\n  " : ", ");
		put(w, "{");
		put_test(w, icp, c);
		if (top)
			put_number(w, ", weight: ", c->weight);
		if (top && c->required)
			put(w, ", required: yes");
		put(w, "}");
	}
	put(w, "]");
}

static void
put_bands(struct writer *w, const struct ov_icp *icp)
{
	for (size_t i = 0; i < icp->n_bands; i++) {
		put(w, i == 0 ? "bands: {" : ", ");
		put_text(w, icp->band[i].name);
		put_number(w, ": ", icp->band[i].score);
	}
	put(w, icp->n_bands > 0 ? "}\n" : "");
}

static enum ov_status
not_sent(struct ov_fault *fault)
{
	return ov_fault_set(fault, OV_E_ICP_INVALID, 0,
	    "the criteria are not in the one form in which they are sent, or hold "
	    "characters "
	    "that cannot be sent");
}

static enum ov_status
write_text(struct ov_buf *out, const struct ov_icp *icp, struct ov_fault *fault)
{
	struct writer w = { out, OV_OK };

	put_number(&w, "threshold: ", icp->threshold);
	put(&w, "\n");
	put_bands(&w, icp);
	put(&w, "criteria:\n  ");
	put_criteria(&w, icp, &icp->top);
	put(&w, "\n");
	return w.st == OV_E_ICP_INVALID ? not_sent(fault) : w.st;
}

enum ov_status
ov_icp_write(struct ov_buf *out, const struct ov_icp *icp, struct ov_fault *fault)
{
	size_t start = out->len;
	struct ov_icp *again = NULL;
	enum ov_status st;

	OV_TRY(write_text(out, icp, fault));
	/* nothing is signed that the partner would refuse */
	OV_TRY(
	    ov_icp_read_asked(&again, OV_BYTES(out->p + start, out->len - start), fault));
done:
	ov_icp_free(again);
	if (st != OV_OK)
		out->len = start;
	return st;
}

enum ov_status
ov_icp_read_asked(struct ov_icp **out, struct ov_bytes text, struct ov_fault *fault)
{
	struct ov_buf same = { 0 };
	struct ov_icp *icp = NULL;
	enum ov_status st;

	*out = NULL;
	if (text.len > OV_ICP_ASKED_MAX)
		return ov_fault_set(fault, OV_E_ICP_INVALID, 0,
		    "criteria for a partner are over %d bytes", OV_ICP_ASKED_MAX);
	OV_TRY(ov_icp_read(&icp, text.p, text.len, fault));
	OV_TRY(write_text(&same, icp, fault));
	if (same.len != text.len || memcmp(same.p, text.p, same.len) != 0) {
		st = not_sent(fault);
		goto done;
	}
	*out = icp;
	icp = NULL;
done:
	ov_icp_free(icp);
	ov_buf_free(&same);
	return st;
}
