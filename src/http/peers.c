#include "http/peers.h"

#include <pthread.h>

#include "base/log.h"

#define BUCKETS 4096

struct peer {
	struct peer *next;
	struct client_address network;
	unsigned count;
};

struct peers {
	pthread_mutex_t mutex;
	unsigned cap;
	struct peer *buckets[BUCKETS];
};

struct peers *peers_new(unsigned cap)
{
	struct peers *peers = calloc(1, sizeof(*peers));

	if (!peers)
		die("out of memory");
	peers->cap = cap;
	pthread_mutex_init(&peers->mutex, NULL);
	return peers;
}

void peers_free(struct peers **peers)
{
	if (!*peers)
		return;
	pthread_mutex_destroy(&(*peers)->mutex);
	free(*peers);
	*peers = NULL;
}

/* The link that points to @network's entry, or the NULL at the end of its bucket. */
static struct peer **find(struct peers *peers, const struct client_address *network)
{
	struct peer **at;

	at = &peers->buckets[str_hash(str_bytes(network, sizeof(*network))) % BUCKETS];
	while (*at && memcmp(&(*at)->network, network, sizeof(*network)) != 0)
		at = &(*at)->next;
	return at;
}

bool peers_enter(struct peers *peers, const struct client_address *address, struct peer **ret)
{
	struct client_address network = client_address_network(address);
	struct peer **at;
	bool admitted;

	pthread_mutex_lock(&peers->mutex);
	at = find(peers, &network);
	if (!*at) {
		*at = calloc(1, sizeof(**at));
		if (!*at)
			die("out of memory");
		(*at)->network = network;
	}
	admitted = !peers->cap || (*at)->count < peers->cap;
	if (admitted) {
		(*at)->count++;
		*ret = *at;
	}
	pthread_mutex_unlock(&peers->mutex);
	return admitted;
}

void peers_leave(struct peers *peers, struct peer *peer)
{
	struct peer **at;

	pthread_mutex_lock(&peers->mutex);
	if (!--peer->count) {
		at = find(peers, &peer->network);
		*at = peer->next;
		free(peer);
	}
	pthread_mutex_unlock(&peers->mutex);
}
