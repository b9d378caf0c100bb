/* session_impl.h - what session.c (calls) and session_log.c (heads) share. */
#ifndef OV_CLIENT_SESSION_IMPL_H
#define OV_CLIENT_SESSION_IMPL_H

#include "client/session.h"
#include "common/transport/link.h"

/* A verified tree head. */
struct ov_pin {
	bool set;
	uint8_t log[OV_ID];
	uint64_t size;
	uint8_t root[32];
	uint8_t head[OV_HEAD_MAX];
	size_t head_len;
	uint8_t signature[64];
};

struct ov_session {
	struct ov_home *home;
	struct ov_tls_context *tls;
	struct ov_link *link;
	uint32_t patience_ms;
	const atomic_bool *cancel; /* may be NULL */
	uint64_t connection;	   /* how many were greeted */
	bool greeted;		   /* the present one was */
	struct ov_pin pin;
	struct ov_pending *pending; /* all that are under way */
	unsigned int n_pending;
};

/* Reads the stored pin; set is false if there is none. */
OV_MUST_CHECK enum ov_status ov_pin_load(struct ov_pin *pin, struct ov_home *home);

/* Signature, log and consistency of a head with the pin, which stays: a call that is sent
 * again after a reconnect still names the old size. */
OV_MUST_CHECK enum ov_status ov_session_compare_head(struct ov_session *s,
    struct ov_bytes head, const uint8_t signature[64], struct ov_bytes consistency);

#endif /* OV_CLIENT_SESSION_IMPL_H */
