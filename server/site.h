/* site.h - the broker's directory: its keys, its certificates, its store.
 *
 *   ca.key ca.pem           the authority that enrolled companies are certified by
 *   tls.key tls.pem         the listeners' key and certificate
 *   log.key report.key      Ed25519: tree heads and reports
 *   broker.db               the store (common/db)
 *   control.sock            the operator's socket, while a broker runs
 *   lock                    held by the one broker that runs
 *
 * All files are mode 0600, the directory 0700.  The keys are not encrypted: who
 * reads them is the broker.  A directory appears whole or not at all.
 */
#ifndef OV_SERVER_SITE_H
#define OV_SERVER_SITE_H

#include "server/broker.h"

struct ov_site_options {
	const char *name;	  /* of the authority, 1 to 64 bytes */
	const char *const *hosts; /* DNS names and addresses of the listeners */
	size_t n_hosts;
};

/* Makes dir, which must not exist or be empty: else OV_E_HOME_EXISTS. */
OV_MUST_CHECK enum ov_status ov_site_create(
    const char *dir, const struct ov_site_options *o);

/* Fills b (store, keys, limits, clock; events and joiner are NULL).
 * OV_E_HOME_MISSING if dir is no site. */
OV_MUST_CHECK enum ov_status ov_site_open(struct ov_broker *b, const char *dir);
void ov_site_close(struct ov_broker *b); /* wipes; zeros are fine */

/* The listeners' texts: PEM, free each with ov_secret_free. */
OV_MUST_CHECK enum ov_status ov_site_listener(
    char **cert_pem, char **key_pem, const char *dir);

/* The one broker of a site: *fd is kept open while it runs.  OV_E_DB_BUSY if there is
 * one already. */
OV_MUST_CHECK enum ov_status ov_site_lock(int *fd, const char *dir);

/* Puts a backup (ov_store_backup) in the place of the store of a site that no broker
 * serves, under a new log id: clients stop until a person has confirmed it. */
OV_MUST_CHECK enum ov_status ov_site_restore(const char *dir, const char *backup);

/* dir/name into out; OV_E_USAGE if it is too long. */
#define OV_PATH_MAX 4096
OV_MUST_CHECK enum ov_status ov_site_path(
    char out[OV_PATH_MAX], const char *dir, const char *name);

#endif /* OV_SERVER_SITE_H */
