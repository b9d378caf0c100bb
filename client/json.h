/* json.h - JSON that we print (the only user of cJSON).
 *
 * Builders take NULL and remember a failed allocation: only ov_json_write fails.  An
 * object or array that was added belongs to its parent.  Text is UTF-8; numbers are exact
 * up to 2^53.
 */
#ifndef OV_CLIENT_JSON_H
#define OV_CLIENT_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/status.h"

struct ov_json;

struct ov_json *ov_json_new(void);	/* the document: an object */
void ov_json_free(struct ov_json *doc); /* NULL is fine */
/* Prints the document and a line feed.  OV_E_NOMEM, OV_E_IO. */
OV_MUST_CHECK enum ov_status ov_json_write(FILE *out, struct ov_json *doc);

/* Every value is added to `at`: under key in an object, at the end of an array (key
 * NULL). */
struct ov_json *ov_json_object(struct ov_json *at, const char *key);
struct ov_json *ov_json_array(struct ov_json *at, const char *key);
void ov_json_text(
    struct ov_json *at, const char *key, const char *value); /* NULL: null */
void ov_json_number(struct ov_json *at, const char *key, uint64_t value);
void ov_json_real(struct ov_json *at, const char *key, double value);
void ov_json_bool(struct ov_json *at, const char *key, bool value);
void ov_json_null(struct ov_json *at, const char *key);
void ov_json_hex(struct ov_json *at, const char *key, const uint8_t *p, size_t len);
void ov_json_time(struct ov_json *at, const char *key, uint64_t t); /* 0: null */

#endif /* OV_CLIENT_JSON_H */
