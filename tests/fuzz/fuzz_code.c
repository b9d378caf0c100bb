/* Codes that people type: whatever is read is written back as the same bytes. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/code.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[512], again[OV_TOKEN_TEXT];
	struct ov_pair_code pair, pair_back;
	struct ov_token_code token, token_back;

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (ov_pair_code_read(&pair, text) == OV_OK) {
		ov_pair_code_write(again, &pair);
		if (ov_pair_code_read(&pair_back, again) != OV_OK ||
		    memcmp(&pair, &pair_back, sizeof(pair)) != 0)
			abort();
	}
	if (ov_token_read(&token, text) == OV_OK) {
		ov_token_write(again, &token);
		if (ov_token_read(&token_back, again) != OV_OK ||
		    memcmp(&token, &token_back, sizeof(token)) != 0)
			abort();
	}
	return 0;
}
