#include "proto/code.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "common/crypto/memory.h"
#include "proto/keys.h"

#define CODE_VERSION 1
#define PAIR_LEN (1 + 16 + 16 + 16 + 2)
#define TOKEN_LEN (1 + 32 + 16 + 16)
#define CODE_LEN_MAX TOKEN_LEN
/* 8 characters for 5 bytes, rounded up */
#define TEXT_OF(n) (((n)*8 + 4) / 5)
_Static_assert(5 + TEXT_OF(PAIR_LEN) < OV_PAIR_CODE_TEXT, "pairing code fits");
_Static_assert(5 + TEXT_OF(TOKEN_LEN) < OV_TOKEN_TEXT, "token fits");

static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

/* prefix, then n <= CODE_LEN_MAX bytes. */
static void
write_code(char *text, const char *prefix, const uint8_t *p, size_t n)
{
	unsigned int bits = 0, have = 0; /* have < 5 + 8: bits < 2^13 */

	memcpy(text, prefix, strlen(prefix));
	text += strlen(prefix);
	for (size_t i = 0; i < n; i++) {
		bits = (bits & 31U) << 8 | p[i];
		for (have += 8; have >= 5; have -= 5)
			*text++ = alphabet[bits >> (have - 5) & 31U];
	}
	if (have > 0)
		*text++ = alphabet[bits << (5 - have) & 31U];
	*text = '\0';
}

/* 0 to 31, or 32: not of the alphabet. */
static unsigned int
value_of(char c)
{
	const char *at;

	if (c >= 'A' && c <= 'Z')
		c = (char)(c - 'A' + 'a');
	if (c == 'o')
		c = '0';
	if (c == 'i' || c == 'l')
		c = '1';
	at = c != '\0' ? strchr(alphabet, c) : NULL;
	return at != NULL ? (unsigned int)(at - alphabet) : 32;
}

static bool
is_space(char c)
{
	return c == '-' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Exactly n bytes after the prefix; false on anything else. */
static bool
read_code(uint8_t *p, size_t n, const char *prefix, const char *text)
{
	unsigned int bits = 0, have = 0;
	size_t got = 0;

	while (is_space(*text))
		text++;
	if (strncasecmp(text, prefix, strlen(prefix)) != 0)
		return false;
	for (text += strlen(prefix); *text != '\0'; text++) {
		if (is_space(*text))
			continue;
		if (value_of(*text) > 31 || (got == n && have + 5 >= 8))
			return false;
		bits = (bits << 5 | value_of(*text)) & 0xfffU; /* have < 8: 12 bits */
		have += 5;
		if (have >= 8 && got < n) {
			have -= 8;
			p[got++] = (uint8_t)(bits >> have);
		}
	}
	/* what is left of the last character is zero, and it was needed */
	return got == n && have < 5 && (bits & ((1U << have) - 1U)) == 0;
}

static void
check_bytes(uint8_t out[2], const uint8_t *p, size_t n)
{
	uint8_t h[OV_HASH_LEN];
	struct ov_hash state;

	ov_hash_init(&state);
	ov_hash_raw(&state, p, n);
	ov_hash_final(&state, h);
	memcpy(out, h, 2);
	ov_wipe(h, sizeof(h));
}

void
ov_pair_code_write(char text[OV_PAIR_CODE_TEXT], const struct ov_pair_code *code)
{
	uint8_t p[PAIR_LEN];

	p[0] = CODE_VERSION;
	memcpy(p + 1, code->inviter, 16);
	memcpy(p + 17, code->secret, 16);
	memcpy(p + 33, code->log_key_hash, 16);
	check_bytes(p + 49, p, 49);
	write_code(text, "ovp1-", p, sizeof(p));
	ov_wipe(p, sizeof(p));
}

enum ov_status
ov_pair_code_read(struct ov_pair_code *code, const char *text)
{
	uint8_t p[PAIR_LEN], check[2];
	enum ov_status st = OV_OK;

	OV_REQUIRE(read_code(p, sizeof(p), "ovp1-", text), OV_E_PAIR_CODE);
	check_bytes(check, p, 49);
	OV_REQUIRE(memcmp(check, p + 49, 2) == 0, OV_E_PAIR_CODE);
	OV_REQUIRE(p[0] == CODE_VERSION, OV_E_PAIR_CODE);
	memcpy(code->inviter, p + 1, 16);
	memcpy(code->secret, p + 17, 16);
	memcpy(code->log_key_hash, p + 33, 16);
done:
	ov_wipe(p, sizeof(p));
	return st;
}

void
ov_token_write(char text[OV_TOKEN_TEXT], const struct ov_token_code *code)
{
	uint8_t p[TOKEN_LEN];

	p[0] = CODE_VERSION;
	memcpy(p + 1, code->ca_sha256, 32);
	memcpy(p + 33, code->log_key_hash, 16);
	memcpy(p + 49, code->secret, 16);
	write_code(text, "ovt1-", p, sizeof(p));
	ov_wipe(p, sizeof(p));
}

enum ov_status
ov_token_read(struct ov_token_code *code, const char *text)
{
	uint8_t p[TOKEN_LEN];
	enum ov_status st = OV_OK;

	OV_REQUIRE(read_code(p, sizeof(p), "ovt1-", text), OV_E_BROKER_TOKEN);
	OV_REQUIRE(p[0] == CODE_VERSION, OV_E_BROKER_TOKEN);
	memcpy(code->ca_sha256, p + 1, 32);
	memcpy(code->log_key_hash, p + 33, 16);
	memcpy(code->secret, p + 49, 16);
done:
	ov_wipe(p, sizeof(p));
	return st;
}

void
ov_log_key_hash(uint8_t out[16], const uint8_t log_key[32])
{
	uint8_t h[OV_HASH_LEN];

	ov_digest(h, "log key", OV_BYTES(log_key, 32));
	memcpy(out, h, 16);
}
