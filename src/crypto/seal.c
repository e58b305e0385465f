#include "crypto/seal.h"

#include <assert.h>
#include <limits.h>
#include <openssl/evp.h>
#include <pthread.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "crypto/keyring_priv.h"

#define NONCE_SIZE 12
#define TAG_SIZE 16
#define HEADER_SIZE (2 + NONCE_SIZE)

/* The first byte of a sealed form; stored, so never renumbered. */
enum kind {
	KIND_DATA_KEY = 1,
	KIND_PERSON = 2,
	KIND_SYSTEM = 3,
};

/* What a sealed form is bound to, besides its bytes. */
struct binding {
	enum kind kind;
	uint8_t key_id; /* 0 under a person's key */
	struct str what;
};

static EVP_CIPHER *cipher;
static pthread_key_t contexts; /* a thread's EVP_CIPHER_CTX */

static void free_context(void *ctx)
{
	EVP_CIPHER_CTX_free(ctx);
}

static void set_up(void)
{
	cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	if (!cipher || pthread_key_create(&contexts, free_context) != 0)
		die("OpenSSL has no AES-256-GCM");
}

/*
 * This thread's context, with @key and @nonce set. Making one for every call would cost more than
 * the encryption does. It keeps its last key until the next: no more than the key ring gives away.
 */
static EVP_CIPHER_CTX *context(const uint8_t key[AEAD_KEY_SIZE], const uint8_t *nonce, bool encrypt)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	EVP_CIPHER_CTX *ctx;

	pthread_once(&once, set_up);
	ctx = pthread_getspecific(contexts);
	if (!ctx) {
		ctx = EVP_CIPHER_CTX_new();
		if (!ctx || EVP_CipherInit_ex2(ctx, cipher, NULL, NULL, 1, NULL) != 1 ||
		    pthread_setspecific(contexts, ctx) != 0)
			die("no context for AES-256-GCM");
	}
	if (EVP_CipherInit_ex2(ctx, NULL, key, nonce, encrypt, NULL) != 1)
		die("AES-256-GCM takes no key");
	return ctx;
}

/* The header is authenticated with the field's name: kind, key id, then what it is. */
static bool add_binding(EVP_CIPHER_CTX *ctx, const struct binding *binding)
{
	const uint8_t head[] = { (uint8_t)binding->kind, binding->key_id };
	int n;

	return EVP_CipherUpdate(ctx, NULL, &n, head, sizeof(head)) == 1 &&
	       (str_empty(binding->what) ||
		   EVP_CipherUpdate(ctx, NULL, &n, (const uint8_t *)binding->what.ptr,
		       (int)binding->what.len) == 1);
}

static bool transform(EVP_CIPHER_CTX *ctx, struct str in, uint8_t *out)
{
	int n;

	return str_empty(in) ||
	       EVP_CipherUpdate(ctx, out, &n, (const uint8_t *)in.ptr, (int)in.len) == 1;
}

static struct str encrypt(struct arena *arena, const uint8_t key[AEAD_KEY_SIZE],
    const struct binding *binding, struct str plain)
{
	size_t size = HEADER_SIZE + plain.len + TAG_SIZE;
	uint8_t *out = arena_alloc(arena, size), *nonce = out + 2;
	EVP_CIPHER_CTX *ctx;
	int n;

	assert(plain.len <= INT_MAX - HEADER_SIZE - TAG_SIZE && binding->what.len <= INT_MAX);
	out[0] = (uint8_t)binding->kind;
	out[1] = binding->key_id;
	random_bytes(nonce, NONCE_SIZE);
	ctx = context(key, nonce, true);
	if (!add_binding(ctx, binding) || !transform(ctx, plain, out + HEADER_SIZE) ||
	    EVP_CipherFinal_ex(ctx, out + size, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, out + size - TAG_SIZE) != 1)
		die("AES-256-GCM encryption failed");
	return str_bytes(out, size);
}

/* @sealed is long enough and of @binding's kind and key already. */
static bool decrypt(const uint8_t key[AEAD_KEY_SIZE], const struct binding *binding,
    struct str sealed, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = context(key, (const uint8_t *)sealed.ptr + 2, false);
	size_t length = sealed.len - HEADER_SIZE - TAG_SIZE;
	uint8_t tag[TAG_SIZE];
	bool ok;
	int n;

	memcpy(tag, sealed.ptr + sealed.len - TAG_SIZE, sizeof(tag));
	ok = add_binding(ctx, binding) &&
	     transform(ctx, str_bytes(sealed.ptr + HEADER_SIZE, length), out) &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) == 1 &&
	     EVP_CipherFinal_ex(ctx, out + length, &n) == 1;
	/* GCM decrypts before it knows whether the bytes are genuine. */
	if (!ok)
		wipe(out, length);
	return ok;
}

static bool well_formed(struct str sealed, enum kind kind)
{
	return sealed.len >= HEADER_SIZE + TAG_SIZE && sealed.len <= INT_MAX &&
	       (uint8_t)sealed.ptr[0] == kind;
}

static uint8_t key_id_of(struct str sealed)
{
	return (uint8_t)sealed.ptr[1];
}

static enum err open_sealed(struct arena *arena, const uint8_t key[AEAD_KEY_SIZE],
    const struct binding *binding, struct str sealed, struct str *ret)
{
	size_t length = sealed.len - HEADER_SIZE - TAG_SIZE;
	uint8_t *out = arena_alloc(arena, length + 1);

	if (!decrypt(key, binding, sealed, out))
		return ERR_INTERNAL;
	*ret = str_bytes(out, length);
	return OK;
}

void data_key_generate(struct data_key *ret)
{
	random_bytes(ret->b, sizeof(ret->b));
}

void data_key_wipe(struct data_key *key)
{
	wipe(key, sizeof(*key));
}

struct str data_key_wrap(
    struct arena *arena, const struct keyring *keys, struct uuid owner, const struct data_key *key)
{
	const struct binding binding = { KIND_DATA_KEY, keyring_active(keys), uuid_bytes(&owner) };

	return encrypt(arena, keyring_aead_key(keys, KEY_WRAP, KEYRING_ACTIVE), &binding,
	    str_bytes(key->b, sizeof(key->b)));
}

enum err data_key_unwrap(
    const struct keyring *keys, struct uuid owner, struct str wrapped, struct data_key *ret)
{
	struct binding binding = { KIND_DATA_KEY, 0, uuid_bytes(&owner) };
	struct data_key plain;
	const uint8_t *key;

	if (!well_formed(wrapped, KIND_DATA_KEY) ||
	    wrapped.len != HEADER_SIZE + sizeof(plain.b) + TAG_SIZE)
		return ERR_INTERNAL;
	binding.key_id = key_id_of(wrapped);
	key = keyring_aead_key(keys, KEY_WRAP, binding.key_id);
	if (!key || !decrypt(key, &binding, wrapped, plain.b))
		return ERR_INTERNAL;
	*ret = plain;
	data_key_wipe(&plain);
	return OK;
}

struct str seal(struct arena *arena, const struct data_key *key, struct str field, struct str plain)
{
	const struct binding binding = { KIND_PERSON, 0, field };

	return encrypt(arena, key->b, &binding, plain);
}

enum err unseal(struct arena *arena, const struct data_key *key, struct str field,
    struct str sealed, struct str *ret)
{
	const struct binding binding = { KIND_PERSON, 0, field };

	if (!well_formed(sealed, KIND_PERSON) || key_id_of(sealed) != 0)
		return ERR_INTERNAL;
	return open_sealed(arena, key->b, &binding, sealed, ret);
}

struct str seal_system(struct arena *arena, const struct keyring *keys, enum key_purpose purpose,
    struct str field, struct str plain)
{
	const struct binding binding = { KIND_SYSTEM, keyring_active(keys), field };

	return encrypt(arena, keyring_aead_key(keys, purpose, KEYRING_ACTIVE), &binding, plain);
}

enum err unseal_system(struct arena *arena, const struct keyring *keys, enum key_purpose purpose,
    struct str field, struct str sealed, struct str *ret)
{
	struct binding binding = { KIND_SYSTEM, 0, field };
	const uint8_t *key;

	if (!well_formed(sealed, KIND_SYSTEM))
		return ERR_INTERNAL;
	binding.key_id = key_id_of(sealed);
	key = keyring_aead_key(keys, purpose, binding.key_id);
	return key ? open_sealed(arena, key, &binding, sealed, ret) : ERR_INTERNAL;
}
