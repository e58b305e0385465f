#include "service/account.h"

#include "base/log.h"
#include "service/service.h"

#define FIELD_IDENTIFIER STR("users.identifier")
#define FIELD_PROFILE STR("users.profile")

struct str account_seal_profile(
    struct request *rq, const struct data_key *key, const struct profile *profile)
{
	return seal(rq->arena, key, FIELD_PROFILE, profile_encode(rq->secrets, profile));
}

struct str account_locale(const struct request *rq, const struct account *account)
{
	return str_empty(account->profile.locale) ? rq->locale : account->profile.locale;
}

struct str account_seal_identifier(
    struct request *rq, const struct data_key *key, struct str display)
{
	return seal(rq->arena, key, FIELD_IDENTIFIER, display);
}

static void forget_key(void *key)
{
	data_key_wipe(key);
}

enum err account_open_key(struct request *rq, const struct user_row *row, struct account **ret)
{
	struct account *account = ARENA_NEW(rq->secrets, struct account);

	account->row = *row;
	if (data_key_unwrap(rq->keys, row->id, row->data_key, &account->key) != OK)
		return fault(rq, ERR_INTERNAL, "a user's data key does not open");
	arena_defer(rq->secrets, forget_key, &account->key);
	*ret = account;
	return OK;
}

enum err account_open(struct request *rq, const struct user_row *row, struct account **ret)
{
	struct account *account;
	struct str plain;
	enum err e = account_open_key(rq, row, &account);

	if (e != OK)
		return e;
	if (unseal(rq->arena, &account->key, FIELD_IDENTIFIER, row->identifier,
		&account->identifier) != OK)
		return fault(rq, ERR_INTERNAL, "a user's identifier does not open");
	if (!str_empty(row->profile)) {
		if (unseal(rq->arena, &account->key, FIELD_PROFILE, row->profile, &plain) != OK ||
		    !profile_decode(plain, &account->profile))
			return fault(rq, ERR_INTERNAL, "a user's profile does not open");
	}
	*ret = account;
	return OK;
}

struct reading {
	struct uuid id;
	struct user_row user;
	bool found;
};

static enum err read_tx(struct tx *tx, void *arg)
{
	struct reading *r = arg;

	return user_by_id(tx, r->id, &r->user, &r->found);
}

enum err account_read(struct request *rq, struct uuid id, struct account **ret)
{
	struct reading r = { .id = id };
	enum err e = store_read(rq->service->store, rq, STORE_PRIMARY, read_tx, &r);

	if (e != OK)
		return e;
	if (!r.found || r.user.state == USER_ERASED)
		return fault(rq, ERR_NOT_FOUND, "no such person");
	return account_open(rq, &r.user, ret);
}

struct account *account_draft(struct request *rq, const struct identifier *id, struct str index,
    enum role role, const struct profile *profile, struct str password)
{
	struct account *account = ARENA_NEW(rq->secrets, struct account);
	struct user_row *row = &account->row;

	data_key_generate(&account->key);
	account->identifier = id->display;
	account->profile = *profile;
	*row = (struct user_row){
		.id = uuid_v7(),
		.kind = id->kind,
		.identifier_index = index,
		.index_version = keyring_active(rq->keys),
		.password = password,
		.password_at_us = rq->now_us,
		.role = role,
		.auth_provider = id->kind == IDENTIFIER_EMAIL ? STR("email") : STR("phone"),
		.state = USER_ACTIVE,
		.state_at_us = rq->now_us,
		.epoch = 1,
		.created_at_us = rq->now_us,
		.updated_at_us = rq->now_us,
	};
	row->data_key = data_key_wrap(rq->arena, rq->keys, row->id, &account->key);
	row->identifier = account_seal_identifier(rq, &account->key, account->identifier);
	row->profile = account_seal_profile(rq, &account->key, &account->profile);
	return account;
}

size_t identifier_indexes(
    struct request *rq, const struct identifier *id, struct str ret[static 16])
{
	uint8_t ids[16];
	size_t n = keyring_ids(rq->keys, ids);
	struct str parts[] = {
		id->kind == IDENTIFIER_EMAIL ? STR("email") : STR("phone"),
		id->canonical,
	};

	for (size_t i = 0; i < n; i++) {
		struct mac mac;

		if (!keyring_mac(rq->keys, KEY_BLIND_INDEX, ids[i], parts, ARRAY_LEN(parts), &mac))
			die("an accepted master key is gone");
		ret[i] = str_dup(rq->arena, str_bytes(mac.b, sizeof(mac.b)));
	}
	return n;
}

void account_view(const struct account *account, struct user_view *ret)
{
	const struct user_row *row = &account->row;
	const struct profile *p = &account->profile;
	bool is_email = row->kind == IDENTIFIER_EMAIL;

	*ret = (struct user_view){
		.id = row->id,
		.external_id = row->external_id,
		.email = is_email ? account->identifier : STR_NULL,
		.phone = is_email ? STR_NULL : account->identifier,
		.contact_email = p->contact_email,
		.contact_phone = p->contact_phone,
		.first_name = p->first_name,
		.last_name = p->last_name,
		.image_url = p->image_url,
		.bio = p->bio,
		.country = p->country,
		.state = p->state,
		.city = p->city,
		.address = p->address,
		.gender = p->gender,
		.date_of_birth = p->date_of_birth,
		.locale = p->locale,
		.role = role_name(row->role),
		.auth_provider = row->auth_provider,
		.is_verified = row->is_verified,
		.is_active = row->state == USER_ACTIVE,
		.is_staff = role_is_staff(row->role),
		.is_superuser = row->role == ROLE_SUPERADMIN,
		.last_login_us = row->last_login_us,
		.created_at_us = row->created_at_us,
		.updated_at_us = row->updated_at_us,
	};
}
