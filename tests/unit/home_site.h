/* home_site.h - homes in temporary directories, as if they had joined one broker. */
#ifndef OV_TESTS_HOME_SITE_H
#define OV_TESTS_HOME_SITE_H

#include "client/home.h"

/* The broker's keys of all homes here. */
extern uint8_t site_log_pk[32], site_log_sk[64];
extern char site_dir[64];

/* cmocka setup and teardown: a fresh directory; all gone again. */
int site_setup(void **state);
int site_teardown(void **state);

/* Makes and opens site_dir/name, not joined. */
struct ov_home *site_home(const char *name);

/* The same, joined under that name, with a head of an empty log pinned.  address,
 * certificate, TLS key and authority may be NULL when no session is opened. */
struct site_broker {
	const char *address, *ca_pem, *certificate_pem, *tls_key_pem;
};
struct ov_home *site_joined(const char *name, const struct site_broker *b);
void site_join(struct ov_home *h, const char *name, const struct site_broker *b);

/* Takes the oldest unsent mail out of the outbox of a home. */
struct site_mail {
	uint8_t to[OV_ID];
	unsigned int kind;
	struct ov_buf body;
};
bool site_take_mail(struct site_mail *m, struct ov_home *h);

/* The book of a home becomes these rows, customers all. */
void site_import(struct ov_home *h, const char *csv);

/* Rows of a table. */
int64_t site_count(struct ov_home *h, const char *table);

#endif /* OV_TESTS_HOME_SITE_H */
