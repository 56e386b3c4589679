/*
 * The few calls of libcrypto that Mosquitto makes outside TLS: password hashes, the key of a websocket's handshake,
 * random bytes. The headers of openssl/ that Mosquitto includes all lead here.
 */
#ifndef SHIM_CRYPTO_H
#define SHIM_CRYPTO_H

#include <stddef.h>

#define OPENSSL_VERSION_NUMBER 0x30000000L
#define EVP_MAX_MD_SIZE 64

typedef struct digest EVP_MD;
typedef struct digest_state EVP_MD_CTX;

/* "sha1" and "sha512"; NULL for any other. */
const EVP_MD *EVP_get_digestbyname(const char *name);
EVP_MD_CTX *EVP_MD_CTX_new(void);
void EVP_MD_CTX_free(EVP_MD_CTX *state);
int EVP_DigestInit_ex(EVP_MD_CTX *state, const EVP_MD *digest, void *engine);
int EVP_DigestUpdate(EVP_MD_CTX *state, const void *bytes, size_t count);
int EVP_DigestFinal_ex(EVP_MD_CTX *state, unsigned char *out, unsigned int *size);

int PKCS5_PBKDF2_HMAC(const char *password, int password_size, const unsigned char *salt, int salt_size, int iterations,
		const EVP_MD *digest, int key_size, unsigned char *key);

int RAND_bytes(unsigned char *bytes, int count);
int CRYPTO_memcmp(const void *a, const void *b, size_t count);

static inline void OpenSSL_add_all_digests(void) {}

#endif
