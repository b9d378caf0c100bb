/* verb_partner.h - what the verbs about partners share. */
#ifndef OV_CLIENT_VERB_PARTNER_H
#define OV_CLIENT_VERB_PARTNER_H

#include "client/cli.h"
#include "client/terms.h"

/* `overlap partner terms`, in a file of its own. */
OV_MUST_CHECK enum ov_status ov_verb_partner_terms(
    struct ov_cli *cli, int argc, char **argv);

/* `overlap partner ask`, `suspend` and `end`, in a file of their own. */
OV_MUST_CHECK enum ov_status ov_verb_partner_ask(
    struct ov_cli *cli, int argc, char **argv);
OV_MUST_CHECK enum ov_status ov_verb_partner_suspend(
    struct ov_cli *cli, int argc, char **argv);
OV_MUST_CHECK enum ov_status ov_verb_partner_end(
    struct ov_cli *cli, int argc, char **argv);

/* Sends and fetches mail, unless another process of the home (an agent) works on it: then
 * *busy is set, nothing is done, and that process does it. */
OV_MUST_CHECK enum ov_status ov_partner_mail(
    bool *busy, struct ov_home *home, struct ov_session *s);

/* "in_force" for JSON, and a line for the screen. */
const char *ov_terms_state_name(enum ov_terms_state state);
const char *ov_terms_state_words(enum ov_terms_state state);

#endif /* OV_CLIENT_VERB_PARTNER_H */
