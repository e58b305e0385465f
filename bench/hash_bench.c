/*
 * Password hashes a second on all cores, without a server around them: the product's own hashing
 * (kernel and lane, pairs included), and OpenSSL's PKCS5_PBKDF2_HMAC() in the same run. What
 * ./script/bench holds the server's logins against.
 *
 * Prints one JSON object.
 */
#include <getopt.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "crypto/pwhash.h"

#define MAX_CORES 256
/* Waiting callers a core: two are run, two are there to take their place. */
#define CALLERS_A_CORE 4
#define PASSWORD "correct horse battery staple"

static uint32_t iterations = 1200000;
static unsigned cores;
static int stop; /* atomic */

/* --- through the lane --- */

struct caller {
	struct pwhash *pwhash;
	struct str encoded;
	pthread_t thread;
};

static void *verify_until_stopped(void *arg)
{
	const struct caller *c = arg;
	const struct pwhash_caller on_behalf = { .deadline_us = NEVER_US };

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		bool match = false;
		enum err e = pwhash_verify(
		    c->pwhash, secret_of(STR(PASSWORD)), c->encoded, &on_behalf, &match);

		if (e != OK || !match)
			die("a hash came out wrong");
	}
	return NULL;
}

static struct lane *open_lane(void)
{
	const struct lane_config config = {
		.name = "hash",
		.workers = cores,
		.max_queued_us = US_PER_HOUR,
		.low_priority = true, /* as in the server */
	};
	struct lane *lane = lane_new(&config);

	if (!lane)
		die("no threads");
	return lane;
}

static double lane_per_second(double seconds)
{
	static struct caller callers[CALLERS_A_CORE * MAX_CORES];
	const struct pwhash_config config = {
		.hasher = STR("pbkdf2_sha256"),
		.iterations = iterations,
	};
	const struct pwhash_caller on_behalf = { .deadline_us = NEVER_US };
	struct arena *arena = arena_new(ARENA_PLAIN, 0);
	struct lane *lane = open_lane();
	const char *problem = "";
	struct pwhash *pwhash = pwhash_new(&config, lane, &problem);
	int64_t began_us, took_us;
	uint64_t finished;
	struct str encoded;

	if (!pwhash ||
	    pwhash_create(pwhash, arena, secret_of(STR(PASSWORD)), &on_behalf, &encoded) != OK)
		die("cannot hash: %s", problem);
	__atomic_store_n(&stop, 0, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < CALLERS_A_CORE * cores; i++) {
		callers[i] = (struct caller){ .pwhash = pwhash, .encoded = encoded };
		if (pthread_create(&callers[i].thread, NULL, verify_until_stopped, &callers[i]))
			die("no thread");
	}
	began_us = now_mono_us();
	finished = lane_gauges(lane).finished;
	usleep((useconds_t)(seconds * 1e6));
	finished = lane_gauges(lane).finished - finished;
	took_us = now_mono_us() - began_us;
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < CALLERS_A_CORE * cores; i++)
		pthread_join(callers[i].thread, NULL);
	pwhash_free(&pwhash);
	lane_free(&lane);
	arena_free(&arena);
	return (double)finished * 1e6 / (double)took_us;
}

/* --- through OpenSSL --- */

struct openssl_thread {
	pthread_t thread;
	double per_second;
};

static void *openssl_until_stopped(void *arg)
{
	struct openssl_thread *t = arg;
	int64_t began_us = now_mono_us();
	unsigned n = 0;

	do {
		unsigned char key[32];

		if (!PKCS5_PBKDF2_HMAC(PASSWORD, sizeof(PASSWORD) - 1,
			(const unsigned char *)"0123456789abcdef012345", 22, (int)iterations,
			EVP_sha256(), sizeof(key), key))
			die("OpenSSL cannot hash");
		n++;
	} while (!__atomic_load_n(&stop, __ATOMIC_RELAXED));
	t->per_second = n * 1e6 / (double)(now_mono_us() - began_us);
	return NULL;
}

static double openssl_per_second(double seconds)
{
	static struct openssl_thread threads[MAX_CORES];
	double sum = 0;

	__atomic_store_n(&stop, 0, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < cores; i++)
		if (pthread_create(&threads[i].thread, NULL, openssl_until_stopped, &threads[i]))
			die("no thread");
	usleep((useconds_t)(seconds * 1e6));
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < cores; i++) {
		pthread_join(threads[i].thread, NULL);
		sum += threads[i].per_second;
	}
	return sum;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "iterations", required_argument, NULL, 'i' },
		{ "seconds", required_argument, NULL, 't' },
		{ "openssl-seconds", required_argument, NULL, 'o' },
		{ 0 },
	};
	double seconds = 5, openssl_seconds = 0;
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'i')
			iterations = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 't')
			seconds = strtod(optarg, NULL);
		else if (c == 'o')
			openssl_seconds = strtod(optarg, NULL);
		else
			die("usage: hash_bench [--iterations N] [--seconds S] [--openssl-seconds S]");
	}
	cores = online < 1 ? 1 : online > MAX_CORES ? MAX_CORES : (unsigned)online;
	printf("{\"cores\":%u,\"iterations\":%u,\"per_second\":%.3f", cores, iterations,
	    lane_per_second(seconds));
	if (openssl_seconds > 0)
		printf(",\"openssl_per_second\":%.3f", openssl_per_second(openssl_seconds));
	printf("}\n");
	return 0;
}
