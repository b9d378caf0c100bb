#include "client/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "common/crypto/memory.h"

/* A struct ov_json is a cJSON item.  What could not be allocated leaves no trace in the
 * document, so failures are counted, for the document that the thread began last. */
static _Thread_local unsigned int failures;

static cJSON *
raw(struct ov_json *j)
{
	return (cJSON *)(void *)j;
}

static struct ov_json *
wrapped(cJSON *c)
{
	return (struct ov_json *)(void *)c;
}

/* Adds item, which it takes over; NULL on failure. */
static cJSON *
add(struct ov_json *at, const char *key, cJSON *item)
{
	cJSON_bool ok = 0;

	if (at != NULL && item != NULL)
		ok = cJSON_IsArray(raw(at)) ? cJSON_AddItemToArray(raw(at), item)
					    : cJSON_AddItemToObject(raw(at), key, item);
	if (!ok) {
		cJSON_Delete(item);
		failures++;
		return NULL;
	}
	return item;
}

struct ov_json *
ov_json_new(void)
{
	cJSON *doc = cJSON_CreateObject();

	failures = doc == NULL ? 1 : 0;
	return wrapped(doc);
}

void
ov_json_free(struct ov_json *doc)
{
	cJSON_Delete(raw(doc));
}

enum ov_status
ov_json_write(FILE *out, struct ov_json *doc)
{
	char *text;
	enum ov_status st = OV_OK;

	if (doc == NULL || failures > 0 || (text = cJSON_Print(raw(doc))) == NULL)
		return OV_E_NOMEM;
	if (fprintf(out, "%s\n", text) < 0 || fflush(out) != 0)
		st = OV_E_IO;
	cJSON_free(text);
	return st;
}

struct ov_json *
ov_json_object(struct ov_json *at, const char *key)
{
	return wrapped(add(at, key, cJSON_CreateObject()));
}

struct ov_json *
ov_json_array(struct ov_json *at, const char *key)
{
	return wrapped(add(at, key, cJSON_CreateArray()));
}

void
ov_json_text(struct ov_json *at, const char *key, const char *value)
{
	add(at, key, value != NULL ? cJSON_CreateString(value) : cJSON_CreateNull());
}

void
ov_json_number(struct ov_json *at, const char *key, uint64_t value)
{
	ov_json_real(at, key, (double)value);
}

void
ov_json_real(struct ov_json *at, const char *key, double value)
{
	add(at, key, isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull());
}

void
ov_json_bool(struct ov_json *at, const char *key, bool value)
{
	add(at, key, cJSON_CreateBool(value));
}

void
ov_json_null(struct ov_json *at, const char *key)
{
	add(at, key, cJSON_CreateNull());
}

void
ov_json_hex(struct ov_json *at, const char *key, const uint8_t *p, size_t len)
{
	char *hex = malloc(2 * len + 1);

	if (hex != NULL) {
		ov_hex(hex, p, len);
		ov_json_text(at, key, hex);
	} else {
		failures++;
	}
	free(hex);
}

/* As "2026-01-31T12:00:00Z". */
void
ov_json_time(struct ov_json *at, const char *key, uint64_t t)
{
	time_t seconds = (time_t)t;
	struct tm tm = { 0 };
	char text[32] = "?";

	if (t == 0) {
		ov_json_null(at, key);
		return;
	}
	(void)gmtime_r(&seconds, &tm); /* fails beyond the year 2^31 */
	(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	ov_json_text(at, key, text);
}
