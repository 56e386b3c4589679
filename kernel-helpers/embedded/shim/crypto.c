/* SHA-1 and SHA-512 (FIPS 180-4), PBKDF2 over HMAC (RFC 8018, RFC 2104). */
#include "crypto.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_LIMIT 128
#define WORDS 8

struct digest {
	const char *name;
	unsigned block, size, word; /* bytes of a block, of the result, of a word */
	uint64_t initial[WORDS];
	void (*compress)(uint64_t *hash, const uint8_t *block);
};

struct digest_state {
	const struct digest *digest;
	uint64_t hash[WORDS];
	uint64_t count; /* bytes so far */
	uint8_t block[BLOCK_LIMIT];
};

static uint32_t rotate_left(uint32_t x, int n) { return x << n | x >> (32 - n); }
static uint64_t rotate_right(uint64_t x, int n) { return x >> n | x << (64 - n); }

/* The hash words of SHA-1 are 32 bits wide and stand in the lower halves. */
static void sha1_compress(uint64_t *hash, const uint8_t *block)
{
	uint32_t w[80];
	for(int t = 0; t < 16; t++){
		w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 | (uint32_t)block[4 * t + 2] << 8 |
				block[4 * t + 3];
	}
	for(int t = 16; t < 80; t++) w[t] = rotate_left(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);

	uint32_t a = (uint32_t)hash[0], b = (uint32_t)hash[1], c = (uint32_t)hash[2], d = (uint32_t)hash[3],
			 e = (uint32_t)hash[4];
	for(int t = 0; t < 80; t++){
		uint32_t f, k;
		if(t < 20){
			f = (b & c) ^ (~b & d);
			k = 0x5a827999;
		}else if(t < 40){
			f = b ^ c ^ d;
			k = 0x6ed9eba1;
		}else if(t < 60){
			f = (b & c) ^ (b & d) ^ (c & d);
			k = 0x8f1bbcdc;
		}else{
			f = b ^ c ^ d;
			k = 0xca62c1d6;
		}
		uint32_t next = rotate_left(a, 5) + f + e + k + w[t];
		e = d;
		d = c;
		c = rotate_left(b, 30);
		b = a;
		a = next;
	}
	const uint32_t sum[5] = {a, b, c, d, e};
	for(int i = 0; i < 5; i++) hash[i] = (uint32_t)(hash[i] + sum[i]);
}

static const uint64_t sha512_constants[80] = {
	0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc, 0x3956c25bf348b538,
	0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118, 0xd807aa98a3030242, 0x12835b0145706fbe,
	0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2, 0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235,
	0xc19bf174cf692694, 0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
	0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5, 0x983e5152ee66dfab,
	0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4, 0xc6e00bf33da88fc2, 0xd5a79147930aa725,
	0x06ca6351e003826f, 0x142929670a0e6e70, 0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed,
	0x53380d139d95b3df, 0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
	0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30, 0xd192e819d6ef5218,
	0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8, 0x19a4c116b8d2d0c8, 0x1e376c085141ab53,
	0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8, 0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373,
	0x682e6ff3d6b2b8a3, 0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
	0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b, 0xca273eceea26619c,
	0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178, 0x06f067aa72176fba, 0x0a637dc5a2c898a6,
	0x113f9804bef90dae, 0x1b710b35131c471b, 0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc,
	0x431d67c49c100d4c, 0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};

static void sha512_compress(uint64_t *hash, const uint8_t *block)
{
	uint64_t w[80], v[WORDS];
	for(int t = 0; t < 16; t++){
		w[t] = 0;
		for(int i = 0; i < 8; i++) w[t] = w[t] << 8 | block[8 * t + i];
	}
	for(int t = 16; t < 80; t++){
		uint64_t s0 = rotate_right(w[t - 15], 1) ^ rotate_right(w[t - 15], 8) ^ (w[t - 15] >> 7);
		uint64_t s1 = rotate_right(w[t - 2], 19) ^ rotate_right(w[t - 2], 61) ^ (w[t - 2] >> 6);
		w[t] = w[t - 16] + s0 + w[t - 7] + s1;
	}
	memcpy(v, hash, sizeof(v));
	for(int t = 0; t < 80; t++){
		uint64_t a = v[0], e = v[4];
		uint64_t big1 = rotate_right(e, 14) ^ rotate_right(e, 18) ^ rotate_right(e, 41);
		uint64_t choice = (e & v[5]) ^ (~e & v[6]);
		uint64_t t1 = v[7] + big1 + choice + sha512_constants[t] + w[t];
		uint64_t big0 = rotate_right(a, 28) ^ rotate_right(a, 34) ^ rotate_right(a, 39);
		uint64_t majority = (a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]);
		memmove(v + 1, v, 7 * sizeof(*v));
		v[4] += t1;
		v[0] = t1 + big0 + majority;
	}
	for(int i = 0; i < WORDS; i++) hash[i] += v[i];
}

static const struct digest digests[] = {
	{"sha1", 64, 20, 4, {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}, sha1_compress},
	{"sha512", 128, 64, 8,
		{0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1, 0x510e527fade682d1,
			0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179},
		sha512_compress},
};

const EVP_MD *EVP_get_digestbyname(const char *name)
{
	for(size_t i = 0; i < sizeof(digests) / sizeof(*digests); i++){
		if(!strcmp(digests[i].name, name)) return &digests[i];
	}
	return NULL;
}

static void start(struct digest_state *s, const struct digest *d)
{
	s->digest = d;
	s->count = 0;
	memcpy(s->hash, d->initial, sizeof(s->hash));
}

static void update(struct digest_state *s, const uint8_t *bytes, size_t count)
{
	unsigned size = s->digest->block;
	while(count){
		size_t used = s->count % size;
		size_t part = size - used < count ? size - used : count;
		memcpy(s->block + used, bytes, part);
		bytes += part;
		count -= part;
		s->count += part;
		if(s->count % size == 0) s->digest->compress(s->hash, s->block);
	}
}

static unsigned finish(struct digest_state *s, uint8_t *out)
{
	const struct digest *d = s->digest;
	uint64_t bits = s->count * 8;
	uint8_t length[16] = {0}, one = 0x80, zero = 0;
	unsigned length_size = d->word * 2;
	for(int i = 0; i < 8; i++) length[length_size - 1 - i] = (uint8_t)(bits >> (8 * i));
	update(s, &one, 1);
	while(s->count % d->block != d->block - length_size) update(s, &zero, 1);
	update(s, length, length_size);
	for(unsigned i = 0; i < d->size; i++) out[i] = (uint8_t)(s->hash[i / d->word] >> (8 * (d->word - 1 - i % d->word)));
	return d->size;
}

EVP_MD_CTX *EVP_MD_CTX_new(void)
{
	return calloc(1, sizeof(struct digest_state));
}

void EVP_MD_CTX_free(EVP_MD_CTX *state)
{
	free(state);
}

int EVP_DigestInit_ex(EVP_MD_CTX *state, const EVP_MD *digest, void *engine)
{
	(void)engine;
	start(state, digest);
	return 1;
}

int EVP_DigestUpdate(EVP_MD_CTX *state, const void *bytes, size_t count)
{
	update(state, bytes, count);
	return 1;
}

int EVP_DigestFinal_ex(EVP_MD_CTX *state, unsigned char *out, unsigned int *size)
{
	unsigned n = finish(state, out);
	if(size) *size = n;
	return 1;
}

/* HMAC's two inner states after the key's block: each message then costs two compressions less. */
struct hmac {
	struct digest_state inner, outer;
};

static void hmac_key(struct hmac *h, const struct digest *d, const uint8_t *key, size_t size)
{
	uint8_t block[BLOCK_LIMIT] = {0}, pad[BLOCK_LIMIT];
	if(size > d->block){
		start(&h->inner, d);
		update(&h->inner, key, size);
		finish(&h->inner, block);
	}else{
		memcpy(block, key, size);
	}
	for(unsigned i = 0; i < d->block; i++) pad[i] = block[i] ^ 0x36;
	start(&h->inner, d);
	update(&h->inner, pad, d->block);
	for(unsigned i = 0; i < d->block; i++) pad[i] = block[i] ^ 0x5c;
	start(&h->outer, d);
	update(&h->outer, pad, d->block);
}

/* out = HMAC(first || second) */
static void hmac(const struct hmac *h, const uint8_t *first, size_t n1, const uint8_t *second, size_t n2, uint8_t *out)
{
	struct digest_state s = h->inner;
	update(&s, first, n1);
	update(&s, second, n2);
	unsigned size = finish(&s, out);
	s = h->outer;
	update(&s, out, size);
	finish(&s, out);
}

int PKCS5_PBKDF2_HMAC(const char *password, int password_size, const unsigned char *salt, int salt_size, int iterations,
		const EVP_MD *digest, int key_size, unsigned char *key)
{
	struct hmac h;
	uint8_t u[EVP_MAX_MD_SIZE], sum[EVP_MAX_MD_SIZE];
	hmac_key(&h, digest, (const uint8_t *)password, password_size < 0 ? strlen(password) : (size_t)password_size);
	for(uint32_t block = 1; key_size > 0; block++){
		const uint8_t number[4] = {(uint8_t)(block >> 24), (uint8_t)(block >> 16), (uint8_t)(block >> 8), (uint8_t)block};
		hmac(&h, salt, (size_t)salt_size, number, sizeof(number), u);
		memcpy(sum, u, digest->size);
		for(int i = 1; i < iterations; i++){
			hmac(&h, u, digest->size, NULL, 0, u);
			for(unsigned j = 0; j < digest->size; j++) sum[j] ^= u[j];
		}
		int part = key_size < (int)digest->size ? key_size : (int)digest->size;
		memcpy(key, sum, (size_t)part);
		key += part;
		key_size -= part;
	}
	return 1;
}

int RAND_bytes(unsigned char *bytes, int count)
{
	while(count > 0){
		int part = count > 256 ? 256 : count; /* getentropy's limit */
		if(getentropy(bytes, (size_t)part)) return 0;
		bytes += part;
		count -= part;
	}
	return 1;
}

int CRYPTO_memcmp(const void *a, const void *b, size_t count)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t difference = 0;
	for(size_t i = 0; i < count; i++) difference |= x[i] ^ y[i];
	return difference;
}
