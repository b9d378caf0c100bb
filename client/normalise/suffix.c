#include "client/normalise/suffix.h"

#include <libpsl.h>
#include <stdio.h>

#include "client/normalise/lists.h"

/* The prevailing rule "*" of the list's algorithm would make a suffix of any
 * last label; unknown ones are to be refused instead. */
#define ANY (PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE)
#define PRIVATE (PSL_TYPE_PRIVATE | PSL_TYPE_NO_STAR_RULE)

static psl_ctx_t *psl;

enum ov_status
ov_suffix_init(void)
{
	const struct ov_list_file file = ov_list_file(OV_LIST_PUBLIC_SUFFIX);
	FILE *f;

	if (psl != NULL)
		return OV_OK;
	/* "r": the buffer is only read, the cast drops const for the old interface */
	f = fmemopen((void *)(uintptr_t)file.data, file.len, "r");
	if (f == NULL)
		return OV_E_NOMEM;
	psl = psl_load_fp(f);
	(void)fclose(f);
	if (psl == NULL)
		return OV_E_NOMEM;
	return psl_suffix_count(psl) > 1000 ? OV_OK : OV_E_BUG;
}

void
ov_suffix_fini(void)
{
	psl_free(psl);
	psl = NULL;
}

/* Whether a rule covers the name is asked of its suffix, not of its last label alone:
 * "za" has no rule of its own, "co.za" has. */
enum ov_suffix
ov_suffix_of(const char *host, const char **registrable)
{
	const char *suffix = psl_unregistrable_domain(psl, host), *p;

	*registrable = NULL;
	if (suffix == NULL || !psl_is_public_suffix2(psl, suffix, ANY))
		return OV_SUFFIX_UNKNOWN;
	if (suffix == host)
		return psl_is_public_suffix2(psl, host, PRIVATE) ? OV_SUFFIX_PRIVATE
								 : OV_SUFFIX_ICANN;
	/* one label more: suffix[-1] is its dot */
	for (p = suffix - 1; p > host && p[-1] != '.'; p--)
		;
	*registrable = p;
	return OV_SUFFIX_BELOW;
}
