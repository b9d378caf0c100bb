/* verb_erase.h - `overlap accounts erase`, in a file of its own. */
#ifndef OV_CLIENT_VERB_ERASE_H
#define OV_CLIENT_VERB_ERASE_H

#include "client/cli.h"

/* argv[0] is "erase".  ov_normalise_init() came before. */
OV_MUST_CHECK enum ov_status ov_verb_erase(struct ov_cli *cli, int argc, char **argv);

#endif /* OV_CLIENT_VERB_ERASE_H */
