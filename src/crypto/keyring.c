#include "crypto/keyring.h"

#include <assert.h>
#include <sys/mman.h>

#include "base/arena.h"
#include "base/log.h"
#include "crypto/bytes.h"
#include "crypto/keyring_priv.h"

#define MIN_KEY_BYTES 32

/* Frozen: a changed label is a lost key. New purposes get new lines. */
static const struct {
	struct str mac, aead;
} labels[KEY_PURPOSE_COUNT] = {
	[KEY_WRAP] = { STR_INIT("cloakroom/v1/wrap/mac"), STR_INIT("cloakroom/v1/wrap") },
	[KEY_BLIND_INDEX] = { STR_INIT("cloakroom/v1/bidx"), STR_INIT("cloakroom/v1/bidx/aead") },
	[KEY_OTP] = { STR_INIT("cloakroom/v1/otp"), STR_INIT("cloakroom/v1/otp/aead") },
	[KEY_REFRESH] = { STR_INIT("cloakroom/v1/refresh"), STR_INIT("cloakroom/v1/refresh/aead") },
	[KEY_AUDIT] = { STR_INIT("cloakroom/v1/audit"), STR_INIT("cloakroom/v1/audit/aead") },
	[KEY_SEAL] = { STR_INIT("cloakroom/v1/seal"), STR_INIT("cloakroom/v1/seal/aead") },
	[KEY_DEVICE] = { STR_INIT("cloakroom/v1/device"), STR_INIT("cloakroom/v1/device/aead") },
	[KEY_IDEMPOTENCY] = { STR_INIT("cloakroom/v1/idempotency"),
	    STR_INIT("cloakroom/v1/idempotency/aead") },
	[KEY_LIMIT] = { STR_INIT("cloakroom/v1/limit"), STR_INIT("cloakroom/v1/limit/aead") },
	[KEY_SYSTEM] = { STR_INIT("cloakroom/v1/system/mac"), STR_INIT("cloakroom/v1/system") },
};
static const struct str fingerprint_label = STR_INIT("cloakroom/v1/fingerprint");

static const struct key_list_rules master_rules = {
	.min_bytes = MIN_KEY_BYTES,
	.missing = "CLOAKROOM_MASTER_KEY is not set.",
	.bad_id = "CLOAKROOM_MASTER_KEY: every key of a list needs an id from 0 to 255 and a colon "
		  "before it.",
	.duplicate_id = "CLOAKROOM_MASTER_KEY: two keys have the same id.",
	.bad_base64 = "CLOAKROOM_MASTER_KEY: a key is not base64 (standard alphabet, padded).",
	.too_short = "CLOAKROOM_MASTER_KEY: a key has fewer than 32 bytes.",
	.too_many = "CLOAKROOM_MASTER_KEY: more than 16 keys.",
};
static const struct key_list_rules token_rules = {
	.min_bytes = MIN_KEY_BYTES,
	.bare_may_be_text = true,
	.missing = "CLOAKROOM_TOKEN_SECRET is not set.",
	.bad_id = "CLOAKROOM_TOKEN_SECRET: every secret of a list needs an id from 0 to 255 and a "
		  "colon before it.",
	.duplicate_id = "CLOAKROOM_TOKEN_SECRET: two secrets have the same id.",
	.bad_base64 = "CLOAKROOM_TOKEN_SECRET: a secret is not base64 (standard alphabet, padded).",
	.too_short = "CLOAKROOM_TOKEN_SECRET: a secret has fewer than 32 bytes.",
	.too_many = "CLOAKROOM_TOKEN_SECRET: more than 16 secrets.",
};

/* Pages of its own, so that they can be kept out of swap and core files; both are best effort. */
static struct keyring *allocate(void)
{
	struct keyring *keys =
	    mmap(NULL, sizeof(*keys), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (keys == MAP_FAILED)
		die("out of memory: a key ring");
	(void)mlock(keys, sizeof(*keys));
	(void)madvise(keys, sizeof(*keys), MADV_DONTDUMP);
	return keys;
}

static void derive_master(struct master_key *key, struct secret master)
{
	uint8_t derived[SHA256_SIZE];

	for (size_t i = 0; i < KEY_PURPOSE_COUNT; i++) {
		hkdf_sha256(master, STR_NULL, labels[i].mac, derived, sizeof(derived));
		hmac_key_init(&key->mac[i], (struct secret){ derived, sizeof(derived) });
		hkdf_sha256(master, STR_NULL, labels[i].aead, key->aead[i], AEAD_KEY_SIZE);
	}
	wipe(derived, sizeof(derived));
}

/* Over every key and its place, under the active master key. */
static void derive_fingerprint(
    struct keyring *keys, const struct key_list *masters, const struct key_list *tokens)
{
	const struct key_list *lists[] = { masters, tokens };
	uint8_t mac[SHA256_SIZE];
	struct hmac_key key;
	struct hmac h;

	hkdf_sha256(masters->entries[0].bytes, STR_NULL, fingerprint_label, mac, sizeof(mac));
	hmac_key_init(&key, (struct secret){ mac, sizeof(mac) });
	hmac_begin(&h, &key);
	for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
		hmac_add(&h, str_bytes(&lists[l]->n, sizeof(lists[l]->n)));
		for (size_t i = 0; i < lists[l]->n; i++) {
			struct secret bytes = lists[l]->entries[i].bytes;

			hmac_add(&h, str_bytes(&lists[l]->entries[i].id, 1));
			hmac_add(&h, str_bytes(&bytes.len, sizeof(bytes.len)));
			hmac_add(&h, secret_reveal(bytes));
		}
	}
	hmac_end(&h, mac);
	snprintf(keys->fingerprint, sizeof(keys->fingerprint), "%02x%02x%02x%02x", mac[0], mac[1],
	    mac[2], mac[3]);
	wipe(&key, sizeof(key));
}

static struct keyring *derive(const struct key_list *masters, const struct key_list *tokens)
{
	struct keyring *keys = allocate();

	keys->references = 1;
	keys->n_masters = masters->n;
	for (size_t i = 0; i < masters->n; i++) {
		keys->masters[i].id = masters->entries[i].id;
		derive_master(&keys->masters[i], masters->entries[i].bytes);
	}
	keys->n_tokens = tokens->n;
	for (size_t i = 0; i < tokens->n; i++)
		hmac_key_init(&keys->tokens[i], tokens->entries[i].bytes);
	derive_fingerprint(keys, masters, tokens);
	return keys;
}

enum err keyring_new(
    const struct keyring_config *config, struct keyring **ret, const char **ret_problem)
{
	struct key_list_rules tokens_by = token_rules;
	struct arena *arena = arena_new(ARENA_WIPING, 0);
	struct key_list masters, tokens;
	const char *problem;

	if (config->allow_short_token_secret)
		tokens_by.min_bytes = 1;
	problem = key_list_parse(arena, &master_rules, config->master, &masters);
	if (!problem)
		problem = key_list_parse(arena, &tokens_by, config->token_secret, &tokens);
	if (problem)
		*ret_problem = problem;
	else
		*ret = derive(&masters, &tokens);
	arena_free(&arena);
	return problem ? ERR_INTERNAL : OK;
}

struct keyring *keyring_ref(struct keyring *keys)
{
	__atomic_add_fetch(&keys->references, 1, __ATOMIC_RELAXED);
	return keys;
}

void keyring_unref(struct keyring **keys)
{
	struct keyring *gone = *keys;

	*keys = NULL;
	if (!gone || __atomic_sub_fetch(&gone->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	wipe(gone, sizeof(*gone));
	munmap(gone, sizeof(*gone));
}

static const struct master_key *find_master(const struct keyring *keys, int key_id)
{
	if (key_id == KEYRING_ACTIVE)
		return &keys->masters[0];
	for (size_t i = 0; i < keys->n_masters; i++)
		if (keys->masters[i].id == key_id)
			return &keys->masters[i];
	return NULL;
}

uint8_t keyring_active(const struct keyring *keys)
{
	return keys->masters[0].id;
}

size_t keyring_ids(const struct keyring *keys, uint8_t ids[static 16])
{
	for (size_t i = 0; i < keys->n_masters; i++)
		ids[i] = keys->masters[i].id;
	return keys->n_masters;
}

bool keyring_mac(const struct keyring *keys, enum key_purpose purpose, int key_id,
    const struct str *parts, size_t n, struct mac *ret)
{
	const struct master_key *master = find_master(keys, key_id);
	struct hmac h;

	if (!master)
		return false;
	hmac_begin(&h, &master->mac[purpose]);
	for (size_t i = 0; i < n; i++) {
		uint8_t length[8];

		store_be64(length, parts[i].len);
		hmac_add(&h, str_bytes(length, sizeof(length)));
		hmac_add(&h, parts[i]);
	}
	hmac_end(&h, ret->b);
	return true;
}

const uint8_t *keyring_aead_key(const struct keyring *keys, enum key_purpose purpose, int key_id)
{
	const struct master_key *master = find_master(keys, key_id);

	return master ? master->aead[purpose] : NULL;
}

void keyring_fingerprint(const struct keyring *keys, char out[9])
{
	memcpy(out, keys->fingerprint, sizeof(keys->fingerprint));
}
