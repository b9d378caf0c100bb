/* domain.h - lists that the domain rules read (shared hosts, free mail). */
#ifndef OV_CLIENT_NORMALISE_DOMAIN_H
#define OV_CLIENT_NORMALISE_DOMAIN_H

#include <stdbool.h>

#include "client/normalise/lists.h"
#include "common/status.h"

struct ov_hosts {
	struct ov_table shared; /* hosts to how they are shared */
	struct ov_table labels; /* first labels of hosts that are no user's */
	struct ov_table units;	/* segments of paths that lead to one of many */
	struct ov_table free_mail;
	struct ov_table suffix_accounts;
};

/* Files in the order of shared hosts, free mail, suffix accounts, more free mail.
 * OV_E_NOMEM; OV_E_BUG
 * if one does not parse.  Then, and after a failure: ov_hosts_fini. */
OV_MUST_CHECK enum ov_status ov_hosts_load(
    struct ov_hosts *out, const struct ov_list_file files[4]);
void ov_hosts_fini(struct ov_hosts *h);

/* Whether a value of the domain rule is a place on somebody else's site. */
bool ov_domain_is_lent(const struct ov_hosts *h, const char *domain);

#endif /* OV_CLIENT_NORMALISE_DOMAIN_H */
