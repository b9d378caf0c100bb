/* verbs.h - every verb of `overlap`: its function and the text of its --help.
 *
 * Each is in a file of its own, verb_NAME.c; main.c has the table.
 */
#ifndef OV_CLIENT_VERBS_H
#define OV_CLIENT_VERBS_H

#include "client/cli.h"

#define OV_VERB(name)                                                                    \
	OV_MUST_CHECK enum ov_status ov_verb_##name(                                     \
	    struct ov_cli *cli, int argc, char **argv);                                  \
	extern const char ov_help_##name[];

OV_VERB(init)
OV_VERB(join)
OV_VERB(identity)
OV_VERB(partner)
OV_VERB(policy)
OV_VERB(import)
OV_VERB(accounts)
OV_VERB(icp)
OV_VERB(run)
OV_VERB(agent)
OV_VERB(report)
OV_VERB(matches)
OV_VERB(inbox)
OV_VERB(status)
#undef OV_VERB

#endif /* OV_CLIENT_VERBS_H */
