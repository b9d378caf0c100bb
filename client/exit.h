/* exit.h - what the process says to the script that called it; documented, never changed.
 */
#ifndef OV_CLIENT_EXIT_H
#define OV_CLIENT_EXIT_H

#include "common/status.h"

enum ov_exit {
	OV_EXIT_OK = 0,
	OV_EXIT_FAILURE = 1, /* this machine: disk, memory, damaged file, or a bug */
	OV_EXIT_USAGE = 2,   /* the command cannot be carried out as given */
	OV_EXIT_PEER = 3, /* the broker or the partner sent something wrong or refused */
	OV_EXIT_WAITING =
	    4,		  /* nothing is wrong: it waits for the partner or for a person */
	OV_EXIT_AGAIN = 5 /* busy or unreachable: the same command later will do */
};

enum ov_exit ov_exit_of(enum ov_status st);

#endif /* OV_CLIENT_EXIT_H */
