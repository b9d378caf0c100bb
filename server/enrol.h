/* enrol.h - tokens that let a company in, and what an operator does to companies
 * (PROTOCOL.md 2).
 */
#ifndef OV_SERVER_ENROL_H
#define OV_SERVER_ENROL_H

#include "proto/code.h"
#include "server/broker.h"

/* A fresh token for a company of this name (1 to 64 bytes of UTF-8 without control
 * characters), for OV_TOKEN_LIFE.  For an enrolled company it is for a new certificate
 * of the same identity.  Only the hash of the SECRET in it is kept.  OV_E_USAGE: not
 * a name; OV_E_BROKER_QUOTA: too many tokens wait. */
OV_MUST_CHECK enum ov_status ov_enrol_token(
    char text[OV_TOKEN_TEXT], const struct ov_broker *b, const char *name);

/* Sets the status of the company of that name and logs it; its calls are refused from
 * now on.  *fingerprint is that of its certificate: the caller closes its connections.
 * Unused tokens of that name are withdrawn: only a later one lets it in again.
 * Removed companies give up their name.  Its open jobs fail.  OV_E_NOT_FOUND. */
OV_MUST_CHECK enum ov_status ov_enrol_revoke(uint8_t fingerprint[32],
    const struct ov_broker *b, const char *name, enum ov_company_status status);

#endif /* OV_SERVER_ENROL_H */
