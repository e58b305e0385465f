#include "tests/unit/api/fake_service.h"

#include <stdio.h>

#include "service/audit.h"

struct fake fake;

static const struct uuid someone = { { 1, 0x94, 0x2f, 0x3c, 0x4b, 0x5a, 0x7c, 0x6d, 0x8e, 0x7f } };

void fake_reset(void)
{
	fake = (struct fake){ .result = OK };
}

void service_lend_keys(struct request *rq)
{
	rq->keys = NULL; /* nothing here looks at them */
}

static void note(char *to, size_t size, struct str s)
{
	snprintf(to, size, "%.*s", STR_ARG(s));
}
#define NOTE(member, s) note(fake.member, sizeof(fake.member), (s))

static enum err answer(struct request *rq)
{
	fake.calls++;
	rq->retry_after_us = fake.retry_after_us;
	rq->hash_us = 1500;
	rq->store_us = 250;
	rq->statements = 3;
	return fake.result == OK ? OK : fault(rq, fake.result, "as told");
}

static struct verification some_verification(void)
{
	return (struct verification){
		.flow_id = someone,
		.channel = STR("email"),
		.destination = STR("a**@example.com"),
		.expires_in_s = 300,
		.resend_in_s = 60,
	};
}

static struct user_view some_user(void)
{
	return (struct user_view){
		.id = someone,
		.email = STR("ada@example.com"),
		.first_name = STR("Ada"),
		.role = STR("client"),
		.auth_provider = STR("email"),
		.is_verified = true,
		.is_active = true,
		.created_at_us = 1700000000 * US_PER_S,
	};
}

static struct token_pair some_tokens(void)
{
	return (struct token_pair){
		.access = secret_of(STR("access-token")),
		.refresh = secret_of(STR("refresh-token")),
		.expires_in_s = 300,
		.access_expires_at_us = 1700000300 * US_PER_S,
		.refresh_expires_at_us = 1700086400 * US_PER_S,
	};
}

static struct signed_in some_sign_in(void)
{
	return (struct signed_in){
		.tokens = some_tokens(), .device = secret_of(STR("device")), .user = some_user()
	};
}

enum err registration_create(
    struct request *rq, const struct registration *in, struct registered *ret)
{
	enum err r = answer(rq);

	NOTE(identifier, str_empty(in->email) ? in->phone : in->email);
	NOTE(password, secret_reveal(in->password));
	NOTE(role, in->role);
	NOTE(locale, in->locale);
	fake.n_consents = in->n_consents;
	if (in->n_consents > 0)
		NOTE(consent, in->consents[in->n_consents - 1].document);
	*ret = (struct registered){
		.email = in->email,
		.phone = in->phone,
		.first_name = in->first_name,
		.role = STR("client"),
		.auth_provider = STR("email"),
		.has_id = fake.reveal_id,
		.verification = some_verification(),
	};
	if (fake.reveal_id)
		ret->id = someone;
	return r;
}

enum err otp_verify(
    struct request *rq, const struct otp_target *target, struct secret code, struct signed_in *ret)
{
	fake.has_flow = target->has_flow;
	NOTE(identifier, target->email_or_phone);
	NOTE(password, secret_reveal(code));
	*ret = some_sign_in();
	return answer(rq);
}

enum err otp_resend(struct request *rq, const struct otp_target *target, struct verification *ret)
{
	fake.has_flow = target->has_flow;
	NOTE(identifier, target->email_or_phone);
	*ret = some_verification();
	return answer(rq);
}

enum err login_password(struct request *rq, struct str email_or_phone, struct secret password,
    struct signed_in *ret, struct verification *ret_verification)
{
	NOTE(identifier, email_or_phone);
	NOTE(password, secret_reveal(password));
	if (fake.result == ERR_VERIFICATION_REQUIRED)
		*ret_verification = some_verification();
	if (fake.result == OK)
		*ret = some_sign_in();
	return answer(rq);
}

enum err reset_request(struct request *rq, struct str email_or_phone, struct reset_sent *ret)
{
	NOTE(identifier, email_or_phone);
	*ret = (struct reset_sent){ .flow_id = someone, .expires_in_s = 1800 };
	return answer(rq);
}

enum err reset_confirm(struct request *rq, const struct reset_proof *proof, struct secret password)
{
	fake.has_flow = proof->target.has_flow;
	NOTE(identifier, proof->target.email_or_phone);
	NOTE(uidb64, proof->uidb64);
	NOTE(token, secret_reveal(proof->has_link ? proof->token : proof->code));
	NOTE(new_password, secret_reveal(password));
	return answer(rq);
}

enum err password_change(struct request *rq, struct secret current, struct secret wanted)
{
	NOTE(password, secret_reveal(current));
	NOTE(new_password, secret_reveal(wanted));
	return answer(rq);
}

enum err session_refresh(struct request *rq, struct secret refresh, struct token_pair *ret)
{
	NOTE(token, secret_reveal(refresh));
	*ret = some_tokens();
	return answer(rq);
}

enum err session_logout(struct request *rq, struct secret refresh)
{
	NOTE(token, secret_reveal(refresh));
	return answer(rq);
}

enum err session_authenticate(struct request *rq, struct secret access)
{
	static const struct account nobody_in_particular;

	fake.authenticated++;
	NOTE(token, secret_reveal(access));
	if (fake.authenticate != OK)
		return fault(rq, fake.authenticate, "as told");
	rq->actor = (struct actor){ .present = true, .user_id = someone };
	rq->account = &nobody_in_particular;
	return OK;
}

enum err session_check_token(struct request *rq, struct secret token, struct token_check *ret)
{
	NOTE(token, secret_reveal(token));
	*ret = (struct token_check){ .token_type = STR("access"), .user_id = someone };
	return answer(rq);
}

enum err google_sign_in(struct request *rq, const struct google_proof *proof, struct signed_in *ret)
{
	NOTE(token, secret_reveal(proof->id_token));
	ret->user = some_user();
	return answer(rq);
}

enum err google_link(
    struct request *rq, const struct google_proof *proof, struct identity_view *ret)
{
	NOTE(token, secret_reveal(proof->id_token));
	*ret = (struct identity_view){ .id = someone, .provider = STR("google") };
	return answer(rq);
}

enum err identity_list_own(struct request *rq, struct identity_view **ret, size_t *ret_n)
{
	*ret = ARENA_NEW(rq->arena, struct identity_view);
	*ret_n = 1;
	return answer(rq);
}

enum err identity_unlink(struct request *rq, struct uuid id)
{
	(void)id;
	return answer(rq);
}

enum err throttle_adaptive(struct request *rq, struct str purpose)
{
	(void)purpose;
	fake.throttled++;
	rq->retry_after_us = fake.retry_after_us;
	return fake.throttle;
}

enum err authorize(struct request *rq, enum permission p)
{
	NOTE(permission, permission_name(p));
	return fake.authorize == OK ? OK : fault(rq, fake.authorize, "as told");
}

enum err staff_users(
    struct request *rq, const struct staff_query *query, struct staff_view_list *ret)
{
	NOTE(identifier, query->q);
	*ret = (struct staff_view_list){ .n = 0 };
	return answer(rq);
}

enum err staff_user(struct request *rq, struct uuid id, struct staff_user *ret)
{
	(void)id;
	*ret = (struct staff_user){ .view = { .user = some_user() } };
	return answer(rq);
}

static enum err act(struct request *rq, struct str reason, struct staff_view *ret)
{
	NOTE(reason, reason);
	*ret = (struct staff_view){ .user = some_user() };
	return answer(rq);
}

enum err staff_disable(
    struct request *rq, struct uuid id, struct str reason, struct staff_view *ret)
{
	(void)id;
	return act(rq, reason, ret);
}

enum err staff_enable(struct request *rq, struct uuid id, struct str reason, struct staff_view *ret)
{
	(void)id;
	return act(rq, reason, ret);
}

enum err staff_restore(
    struct request *rq, struct uuid id, struct str reason, struct staff_view *ret)
{
	(void)id;
	return act(rq, reason, ret);
}

enum err staff_set_role(
    struct request *rq, struct uuid id, struct str role, struct str reason, struct staff_view *ret)
{
	(void)id;
	NOTE(role, role);
	return act(rq, reason, ret);
}

enum err staff_note(
    struct request *rq, struct uuid id, struct str note, struct str reason, struct staff_view *ret)
{
	(void)id;
	(void)note;
	return act(rq, reason, ret);
}

enum err staff_sessions(struct request *rq, struct uuid id, struct staff_session_list *ret)
{
	(void)id;
	*ret = (struct staff_session_list){ .n = 0 };
	return answer(rq);
}

enum err staff_end_sessions(
    struct request *rq, struct uuid id, struct str reason, int64_t *ret_ended)
{
	(void)id;
	NOTE(reason, reason);
	*ret_ended = 2;
	return answer(rq);
}

enum err audit_find(struct request *rq, const struct audit_filter *filter, const struct page *page,
    struct audit_view_list *ret)
{
	(void)page;
	NOTE(reason, filter->object_id);
	*ret = (struct audit_view_list){ .n = 0 };
	return answer(rq);
}

enum err audit_report_service(struct request *rq, struct secret credential, struct str *ret_name)
{
	NOTE(token, secret_reveal(credential));
	*ret_name = STR("shop");
	return fake.authenticate == OK ? OK : fault(rq, fake.authenticate, "as told");
}

enum err audit_report(struct request *rq, struct str service, const struct audit_report *events,
    size_t n, struct audit_reported *ret)
{
	NOTE(role, service);
	NOTE(identifier, n > 0 ? events[n - 1].event : STR_NULL);
	*ret = (struct audit_reported){ .recorded = (int64_t)n };
	return answer(rq);
}

enum err impersonate(
    struct request *rq, struct uuid id, struct str reason, struct impersonation *ret)
{
	(void)id;
	NOTE(reason, reason);
	*ret = (struct impersonation){
		.access = secret_of(STR("access-token")),
		.user = { .user = some_user() },
	};
	return answer(rq);
}

enum err authorize_impersonated(struct request *rq, bool reads)
{
	return !fake.impersonated || reads ? OK : fault(rq, ERR_FORBIDDEN, "as told");
}

struct str user_state_name(enum user_state s)
{
	return s == USER_ACTIVE     ? STR("active")
	       : s == USER_DISABLED ? STR("disabled")
				    : STR("deleted");
}

void audit_count_refusal(struct request *rq, enum err outcome)
{
	(void)rq;
	fake.refusals++;
	fake.refused = outcome;
}

void account_view(const struct account *account, struct user_view *ret)
{
	(void)account;
	*ret = some_user();
}

void outbox_inbox(
    struct outbox *o, struct arena *arena, struct str to, struct inbox_item **ret, size_t *ret_n)
{
	struct inbox_item *items = ARENA_ARRAY(arena, fake.n_inbox + 1, struct inbox_item);

	(void)o;
	NOTE(inbox_to, to);
	if (fake.n_inbox > 0)
		memcpy(items, fake.inbox, fake.n_inbox * sizeof(*items));
	*ret = items;
	*ret_n = fake.n_inbox;
}
