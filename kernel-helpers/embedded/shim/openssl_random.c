/* Where OpenSSL's generator takes its seeds: from the loader, which asks the host's own. Stands in for rand_unix.c. */
#include <time.h>
#include <unistd.h>

#include "crypto/rand.h"
#include "crypto/rand_pool.h"
#include "prov/seeding.h"

#define ENTROPY_LIMIT 256 /* getentropy's */

/* Full entropy: every bit that is asked for comes from the host. 0 when the host gave none, which ends the start. */
size_t ossl_pool_acquire_entropy(RAND_POOL *pool)
{
	size_t wanted = ossl_rand_pool_bytes_needed(pool, 1);
	unsigned char *bytes = ossl_rand_pool_add_begin(pool, wanted);
	if(!bytes) return ossl_rand_pool_entropy_available(pool);
	size_t got = 0;
	while(got < wanted){
		size_t part = wanted - got < ENTROPY_LIMIT ? wanted - got : ENTROPY_LIMIT;
		if(getentropy(bytes + got, part)) break;
		got += part;
	}
	ossl_rand_pool_add_end(pool, got, 8 * got);
	return ossl_rand_pool_entropy_available(pool);
}

/* Two generators with the same seed must still differ. Counts as no entropy. */
int ossl_pool_add_nonce_data(RAND_POOL *pool)
{
	static unsigned count;
	struct {
		struct timespec wall, running;
		unsigned count;
	} nonce = {0};
	clock_gettime(CLOCK_REALTIME, &nonce.wall);
	clock_gettime(CLOCK_MONOTONIC, &nonce.running);
	nonce.count = ++count;
	return ossl_rand_pool_add(pool, (unsigned char *)&nonce, sizeof(nonce), 0);
}

int ossl_rand_pool_init(void)
{
	return 1;
}

void ossl_rand_pool_cleanup(void)
{
}

void ossl_rand_pool_keep_random_devices_open(int keep)
{
	(void)keep;
}
