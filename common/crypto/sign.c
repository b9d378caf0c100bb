#include "common/crypto/sign.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/memory.h"

/* lv("Overlap1 " context), then the message: one Ed25519 (not ph) signature, so
 * the message is gathered into one buffer first. */
#define PREFIX "Overlap1 "

static uint8_t *
gather(size_t *len, const char *context, struct ov_bytes message)
{
	size_t name_len = sizeof(PREFIX) - 1 + strlen(context);
	uint8_t *buf;

	if (message.len > SIZE_MAX - 8 - name_len)
		return NULL;
	buf = calloc(1, 8 + name_len + message.len);
	if (buf == NULL)
		return NULL;
	buf[7] = (uint8_t)name_len; /* contexts are short literals: < 256 */
	memcpy(buf + 8, PREFIX, sizeof(PREFIX) - 1);
	memcpy(buf + 8 + sizeof(PREFIX) - 1, context, strlen(context));
	if (message.len > 0)
		memcpy(buf + 8 + name_len, message.p, message.len);
	*len = 8 + name_len + message.len;
	return buf;
}

void
ov_sign_keypair(uint8_t pk[OV_SIGN_PUBLIC_LEN], uint8_t sk[OV_SIGN_SECRET_LEN])
{
	(void)crypto_sign_keypair(pk, sk);
}

void
ov_sign(uint8_t sig[OV_SIGNATURE_LEN], const uint8_t sk[OV_SIGN_SECRET_LEN],
    const char *context, struct ov_bytes message)
{
	size_t len = 0;
	uint8_t *buf = gather(&len, context, message);

	/* A zero signature verifies nowhere: out of memory fails closed. */
	memset(sig, 0, OV_SIGNATURE_LEN);
	if (buf == NULL)
		return;
	(void)crypto_sign_detached(sig, NULL, buf, len, sk);
	free(buf);
}

enum ov_status
ov_verify_vartime(const uint8_t sig[OV_SIGNATURE_LEN],
    const uint8_t pk[OV_SIGN_PUBLIC_LEN], const char *context, struct ov_bytes message)
{
	size_t len = 0;
	uint8_t *buf = gather(&len, context, message);
	int rc;

	if (buf == NULL)
		return OV_E_NOMEM;
	rc = crypto_sign_verify_detached(sig, buf, len, pk);
	free(buf);
	return rc == 0 ? OV_OK : OV_E_CRYPTO_SIGNATURE;
}

void
ov_dh_public(uint8_t pk[OV_DH_LEN], const uint8_t sk[OV_DH_LEN])
{
	(void)crypto_scalarmult_base(pk, sk);
}

enum ov_status
ov_dh(uint8_t out[OV_DH_LEN], const uint8_t sk[OV_DH_LEN], const uint8_t peer[OV_DH_LEN])
{
	if (crypto_scalarmult(out, sk, peer) != 0) { /* libsodium refuses zero */
		ov_wipe(out, OV_DH_LEN);
		return OV_E_CRYPTO_KEY;
	}
	return OV_OK;
}
