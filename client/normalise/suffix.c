#include "client/normalise/suffix.h"

#include <libpsl.h>
#include <stdio.h>

/* The prevailing rule "*" of the list's algorithm would make a suffix of any
 * last label; unknown ones are to be refused instead. */
#define ANY (PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE)
#define PRIVATE (PSL_TYPE_PRIVATE | PSL_TYPE_NO_STAR_RULE)

enum ov_status
ov_suffixes_new(struct ov_suffixes **out, struct ov_list_file file)
{
	psl_ctx_t *psl;
	FILE *f;

	*out = NULL;
	/* "r": the buffer is only read, the cast drops const for the old interface */
	f = fmemopen((void *)(uintptr_t)file.data, file.len, "r");
	if (f == NULL)
		return OV_E_NOMEM;
	psl = psl_load_fp(f);
	(void)fclose(f);
	if (psl == NULL)
		return OV_E_NOMEM;
	if (psl_suffix_count(psl) < 1000) {
		psl_free(psl);
		return OV_E_BUG;
	}
	*out = (struct ov_suffixes *)psl;
	return OV_OK;
}

void
ov_suffixes_free(struct ov_suffixes *s)
{
	psl_free((psl_ctx_t *)s);
}

/* Whether a rule covers the name is asked of its suffix, not of its last label alone:
 * "za" has no rule of its own, "co.za" has. */
enum ov_suffix
ov_suffix_of(const struct ov_suffixes *s, const char *host, const char **registrable)
{
	const psl_ctx_t *psl = (const psl_ctx_t *)s;
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
