/* home_key.h - where the key of a home comes from; for client/home.c alone. */
#ifndef OV_CLIENT_HOME_KEY_H
#define OV_CLIENT_HOME_KEY_H

#include "client/home.h"
#include "common/crypto/seal.h"

#define OV_KEY_TEXT_MAX 1024 /* bytes of a passphrase or key file, line end included */
#define OV_KEY_TEXT_MIN 12   /* shorter ones are refused at init */

/* The key beside the data: 32 bytes of DIR/overlap.key, SECRET.  create: drawn and
 * written durably (mode 0600) unless the file is there.  OV_E_CRYPTO_PASSPHRASE if it is
 * missing or of another length. */
OV_MUST_CHECK enum ov_status ov_key_beside(
    uint8_t key[OV_SEAL_KEY_LEN], const char *dir, bool create);

/* The key of the text that is kept elsewhere, SECRET: from the first of key_file, key_fd,
 * $CREDENTIALS_DIRECTORY/overlap.key, the terminal.  fresh: a typed text is asked for
 * twice, and one under OV_KEY_TEXT_MIN bytes is refused (OV_E_USAGE).
 * OV_E_CRYPTO_PASSPHRASE if there is none, OV_E_IO if the named file cannot be read,
 * OV_E_CANCELLED if the person pressed ^C or ^D. */
OV_MUST_CHECK enum ov_status ov_key_apart(uint8_t key[OV_SEAL_KEY_LEN],
    const struct ov_home_options *options, const uint8_t salt[16], bool fresh);

/* PATH/NAME on the heap; NULL: out of memory. */
char *ov_path_join(const char *dir, const char *name);

#endif /* OV_CLIENT_HOME_KEY_H */
