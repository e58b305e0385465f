#include <pthread.h>

#include "base/arena.h"
#include "base/log.h"
#include "outbox/outbox_priv.h"

#define INBOX_MAX 500

/* Each kept message has an arena of its own, so that the oldest can go when the 501st comes. */
struct kept {
	struct arena *arena;
	struct uuid id;
	struct inbox_item item;
};

struct inbox {
	pthread_mutex_t lock;
	struct kept ring[INBOX_MAX];
	size_t n; /* kept since the start; the newest is at (n - 1) % INBOX_MAX */
};

struct inbox *inbox_new(void)
{
	struct inbox *inbox = calloc(1, sizeof(*inbox));

	if (!inbox)
		die("out of memory");
	pthread_mutex_init(&inbox->lock, NULL);
	return inbox;
}

void inbox_free(struct inbox **inbox)
{
	if (!*inbox)
		return;
	for (size_t i = 0; i < INBOX_MAX; i++)
		arena_free(&(*inbox)->ring[i].arena);
	pthread_mutex_destroy(&(*inbox)->lock);
	free(*inbox);
	*inbox = NULL;
}

static size_t held(const struct inbox *inbox)
{
	return inbox->n < INBOX_MAX ? inbox->n : INBOX_MAX;
}

/* The @i-th newest. */
static struct kept *newest(struct inbox *inbox, size_t i)
{
	return &inbox->ring[(inbox->n - 1 - i) % INBOX_MAX];
}

static struct inbox_item copy_item(struct arena *arena, const struct inbox_item *item)
{
	return (struct inbox_item){
		.to = str_dup(arena, item->to),
		.channel = str_dup(arena, item->channel),
		.subject = str_dup(arena, item->subject),
		.text = str_dup(arena, item->text),
		.code = str_dup(arena, item->code),
		.link = str_dup(arena, item->link),
		.at_us = item->at_us,
	};
}

void inbox_keep(struct inbox *inbox, struct uuid id, const struct inbox_item *item)
{
	struct kept *slot;
	bool known = false;

	pthread_mutex_lock(&inbox->lock);
	for (size_t i = 0; i < held(inbox) && !known; i++)
		known = uuid_equal(newest(inbox, i)->id, id);
	if (!known) {
		slot = &inbox->ring[inbox->n++ % INBOX_MAX];
		arena_free(&slot->arena);
		slot->arena = arena_new(ARENA_WIPING, 1024);
		slot->id = id;
		slot->item = copy_item(slot->arena, item);
	}
	pthread_mutex_unlock(&inbox->lock);
}

void inbox_list(
    struct inbox *inbox, struct arena *arena, struct str to, struct inbox_item **ret, size_t *ret_n)
{
	pthread_mutex_lock(&inbox->lock);
	*ret = ARENA_ARRAY(arena, held(inbox) + 1, struct inbox_item);
	*ret_n = 0;
	for (size_t i = 0; i < held(inbox); i++) {
		const struct kept *kept = newest(inbox, i);

		if (str_empty(to) || str_eq_nocase(kept->item.to, to))
			(*ret)[(*ret_n)++] = copy_item(arena, &kept->item);
	}
	pthread_mutex_unlock(&inbox->lock);
}
