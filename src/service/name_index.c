#include "service/name_index.h"

#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "base/clock.h"
#include "base/log.h"
#include "service/service.h"

/* Letters that are hashed: few enough that many people share a hash, enough to leave most out. */
#define SHORT_PREFIX 3
#define LONG_PREFIX 5

#define EVERY_US (2 * US_PER_S)
#define BITE 200

/* Without case, accents and the other marks: "Zoé" is found as "zoe". */
static struct str fold(struct arena *arena, struct str text)
{
	size_t n = 0;
	uint8_t *folded =
	    u8_casefold((const uint8_t *)text.ptr, text.len, NULL, UNINORM_NFKD, NULL, &n);
	struct buf out;

	buf_init(&out, arena, n + 1);
	for (size_t i = 0; folded && i < n;) {
		ucs4_t c;
		int used = u8_mbtoucr(&c, folded + i, n - i);

		if (used <= 0)
			break;
		if (!uc_is_general_category_withtable(c, UC_CATEGORY_MASK_M))
			buf_add(&out, str_bytes(folded + i, (size_t)used));
		i += (size_t)used;
	}
	free(folded);
	return buf_str(&out);
}

/* Words of letters and digits; what is past the last place is left out. */
static size_t split(struct str text, struct str words[static USER_NAME_HASHES])
{
	const uint8_t *p = (const uint8_t *)text.ptr;
	size_t n = 0, begin = 0;
	bool inside = false;

	for (size_t i = 0; i <= text.len && n < USER_NAME_HASHES;) {
		ucs4_t c = ' ';
		int used = i < text.len ? u8_mbtoucr(&c, p + i, text.len - i) : 1;
		bool part =
		    uc_is_general_category_withtable(c, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N);

		if (used <= 0)
			break;
		if (part && !inside)
			begin = i;
		if (!part && inside)
			words[n++] = str_bytes(text.ptr + begin, i - begin);
		inside = part;
		i += (size_t)used;
	}
	return n;
}

/* The first @letters of @word; the empty str when it has fewer. */
static struct str prefix(struct str word, size_t letters)
{
	size_t i = 0;

	for (; letters > 0 && i < word.len; letters--)
		do
			i++;
		while (i < word.len && ((uint8_t)word.ptr[i] & 0xc0) == 0x80);
	return letters == 0 ? str_upto(word, i) : STR_NULL;
}

static struct str hash(struct request *rq, int key_id, struct str beginning)
{
	struct str parts[] = { STR("name"), beginning };
	struct mac mac;

	if (!keyring_mac(rq->keys, KEY_BLIND_INDEX, key_id, parts, ARRAY_LEN(parts), &mac))
		die("an accepted master key is gone");
	return str_dup(rq->arena, str_bytes(mac.b, USER_NAME_HASH_SIZE));
}

static size_t words_of(
    struct request *rq, const struct profile *profile, struct str words[static USER_NAME_HASHES])
{
	struct str both = str_printf(
	    rq->secrets, "%.*s %.*s", STR_ARG(profile->first_name), STR_ARG(profile->last_name));

	return split(fold(rq->secrets, both), words);
}

/* --- asking --- */

/* The most of @word that is hashed; a word too short for that only finds itself. */
static struct str longest_prefix(struct str word)
{
	struct str beginning = prefix(word, LONG_PREFIX);

	if (str_empty(beginning))
		beginning = prefix(word, SHORT_PREFIX);
	return str_empty(beginning) ? word : beginning;
}

bool name_query(struct request *rq, struct str text, struct name_query *ret)
{
	struct str longest = STR_NULL;
	uint8_t ids[16];

	*ret = (struct name_query){ .n_hashes = keyring_ids(rq->keys, ids) };
	ret->n = split(fold(rq->secrets, text), ret->words);
	for (size_t i = 0; i < ret->n; i++)
		if (ret->words[i].len > longest.len)
			longest = ret->words[i];
	for (size_t i = 0; i < ret->n_hashes; i++)
		ret->hashes[i] = hash(rq, ids[i], longest_prefix(longest));
	return ret->n > 0;
}

bool name_query_matches(
    struct request *rq, const struct name_query *query, const struct profile *profile)
{
	struct str words[USER_NAME_HASHES];
	size_t n = words_of(rq, profile, words);

	for (size_t i = 0; i < query->n; i++) {
		bool found = false;

		for (size_t k = 0; k < n; k++)
			found |= str_starts(words[k], query->words[i]);
		if (!found)
			return false;
	}
	return true;
}

/* --- keeping --- */

struct indexing {
	size_t limit, n;
	struct user_row *users;
	struct str (*hashes)[USER_NAME_HASHES];
	size_t *n_hashes;
	int64_t now_us;
};

static enum err stale_tx(struct tx *tx, void *arg)
{
	struct indexing *x = arg;

	return user_names_stale(tx, x->limit, &x->users, &x->n);
}

static enum err put_tx(struct tx *tx, void *arg)
{
	const struct indexing *x = arg;
	enum err e = OK;

	for (size_t i = 0; e == OK && i < x->n; i++)
		e = user_names_put(tx, x->users[i].id, x->users[i].updated_at_us, x->hashes[i],
		    x->n_hashes[i], x->now_us);
	return e;
}

static size_t add_hash(struct request *rq, struct str *hashes, size_t n, struct str beginning)
{
	if (!str_empty(beginning) && n < USER_NAME_HASHES)
		hashes[n++] = hash(rq, KEYRING_ACTIVE, beginning);
	return n;
}

static size_t hashes_of(
    struct request *rq, const struct user_row *user, struct str hashes[static USER_NAME_HASHES])
{
	struct str words[USER_NAME_HASHES];
	struct account *account;
	size_t n = 0, n_words;

	/* What was erased, or does not open, is found by no name. */
	if (str_empty(user->profile) || account_open(rq, user, &account) != OK)
		return 0;
	n_words = words_of(rq, &account->profile, words);
	for (size_t i = 0; i < n_words; i++) {
		struct str first = prefix(words[i], SHORT_PREFIX);

		n = add_hash(rq, hashes, n, str_empty(first) ? words[i] : first);
		n = add_hash(rq, hashes, n, prefix(words[i], LONG_PREFIX));
	}
	return n;
}

enum err name_index_run(struct request *rq, size_t limit, size_t *ret_n)
{
	struct indexing x = { .limit = limit, .now_us = rq->now_us };
	enum err e = store_read(rq->service->store, rq, STORE_PRIMARY, stale_tx, &x);

	if (e != OK)
		return e;
	*ret_n = x.n;
	if (x.n == 0)
		return OK;
	x.hashes = arena_array(rq->arena, x.n, sizeof(*x.hashes));
	x.n_hashes = ARENA_ARRAY(rq->arena, x.n, size_t);
	for (size_t i = 0; i < x.n; i++)
		x.n_hashes[i] = hashes_of(rq, &x.users[i], x.hashes[i]);
	return store_tx(rq->service->store, rq, put_tx, &x);
}

static enum err run_once(struct service *service, size_t *ret_n)
{
	struct request rq;
	enum err e;

	request_init(&rq, service, now_mono_us() + 30 * US_PER_S);
	service_lend_keys(&rq);
	rq.operation = STR("name_index");
	e = name_index_run(&rq, BITE, ret_n);
	if (e != OK && e != ERR_SHUTDOWN)
		log_warning("index of names put off: %.*s", STR_ARG(err_slug(e)));
	request_done(&rq);
	return e;
}

/* While there is a backlog (an import, the first start) bite follows bite, with room between. */
static void run_loop(void *arg)
{
	struct service *service = arg;
	size_t n = 0;

	while (rt_sleep_until(now_mono_us() + (n == BITE ? US_PER_MS : EVERY_US)) == OK)
		if (run_once(service, &n) != OK)
			n = 0;
}

enum err name_index_start(struct service *service)
{
	return rt_spawn(run_loop, service);
}
