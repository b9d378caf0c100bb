#include "client/exit.h"

enum ov_exit
ov_exit_of(enum ov_status st)
{
	if (st == OV_OK)
		return OV_EXIT_OK;
	if (st == OV_E_JOB_WAITING || st == OV_E_TERMS_WAITING ||
	    st == OV_E_BROKER_WAIT || st == OV_E_IMPORT_SHRANK ||
	    st == OV_E_IMPORT_LOST_COLUMN || st == OV_E_ERASE_JOB)
		return OV_EXIT_WAITING;
	if (st == OV_E_DB_BUSY || st == OV_E_NET_UNREACHABLE || st == OV_E_NET_CLOSED ||
	    st == OV_E_NET_LIMIT || st == OV_E_BROKER_QUOTA ||
	    st == OV_E_BROKER_STOPPING || st == OV_E_BROKER_FAILED ||
	    st == OV_E_TIMEOUT || st == OV_E_CANCELLED || st == OV_E_HOME_CHANGED)
		return OV_EXIT_AGAIN;
	switch (ov_status_class(st)) {
	case OV_CLASS_USAGE:
		return OV_EXIT_USAGE;
	case OV_CLASS_PEER:
		return OV_EXIT_PEER;
	case OV_CLASS_NONE:
	case OV_CLASS_HOST:
	case OV_CLASS_BUG:
		break;
	}
	return OV_EXIT_FAILURE;
}
