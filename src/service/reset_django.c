/* Links the Django system sent before it was replaced: honoured while they live, never made. */
#include "base/clock.h"
#include "crypto/django_token.h"
#include "service/reset_priv.h"

/* Django stamps its links with its local time; nobody's clock is further from UTC. */
#define ZONES_S (14 * 3600)

struct find {
	struct str pk;
	struct otp_found *found;
};

static enum err find_tx(struct tx *tx, void *arg)
{
	struct find *f = arg;

	return user_by_external_id(tx, f->pk, &f->found->user, &f->found->has_user);
}

enum err reset_find_django(
    struct request *rq, struct str pk, const struct otp_target *target, struct otp_found *ret)
{
	struct find f = { .pk = pk, .found = ret };
	enum err e;

	*ret = (struct otp_found){ .purpose = FLOW_RESET, .target = target };
	e = store_read(rq->service->store, rq, STORE_PRIMARY, find_tx, &f);
	if (e == OK && ret->has_user && ret->user.state != USER_ERASED)
		e = account_open(rq, &ret->user, &ret->owner);
	if (e == OK && ret->owner && ret->user.state == USER_ACTIVE)
		ret->account = ret->owner;
	return e;
}

/* str() of Django's naive datetime: "2026-01-01 10:20:30"; nothing before the first login. */
static struct str login_text(struct request *rq, int64_t at_us)
{
	char text[TIME_TEXT_SIZE];

	if (at_us == 0)
		return STR_NULL;
	time_format(at_us, text);
	return str_printf(rq->arena, "%.10s %.8s", text, text + 11);
}

bool reset_django_opens(struct request *rq, const struct otp_found *found, struct secret token)
{
	const struct service_config *config = &rq->service->config;
	const struct account *account = found->account;
	bool by_email = account && account->row.kind == IDENTIFIER_EMAIL;
	int64_t now_s = rq->now_us / US_PER_S, made_at_s;
	struct django_row row;

	if (!account || config->django_secret_key.len == 0)
		return false;
	row = (struct django_row){
		.pk = account->row.external_id,
		.password = account->row.password,
		.last_login = login_text(rq, account->row.last_login_us),
		.email = by_email ? account->identifier : account->profile.contact_email,
	};
	return django_token_check(rq->secrets, config->django_secret_key, &row,
		   secret_reveal(token), &made_at_s) &&
	       made_at_s <= now_s + ZONES_S &&
	       now_s - made_at_s <= config->django_reset_timeout_us / US_PER_S;
}
