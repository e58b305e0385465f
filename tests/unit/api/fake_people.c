/* The rest of the faked services: what people do with their own account. */
#include "service/closing.h"
#include "service/erase.h"
#include "service/export.h"
#include "service/identifier_change.h"
#include "service/profile.h"
#include "service/session_list.h"
#include "tests/unit/api/fake_service.h"

static enum err told(struct request *rq)
{
	fake.calls++;
	return fake.result == OK ? OK : fault(rq, fake.result, "as told");
}

enum err profile_update(struct request *rq, const struct profile *patch, struct user_view *ret)
{
	ret->first_name = patch->first_name;
	rq->version = 2;
	return told(rq);
}

enum err account_close(struct request *rq, struct secret password)
{
	(void)password;
	return told(rq);
}

enum err session_list(struct request *rq, const struct page *page, struct session_view **ret,
    size_t *ret_n, struct page_key *ret_next)
{
	(void)page;
	*ret = NULL;
	*ret_n = 0;
	*ret_next = (struct page_key){ .n = 0 };
	return told(rq);
}

enum err session_end_own(struct request *rq, struct uuid session)
{
	(void)session;
	return told(rq);
}

enum err session_end_others(struct request *rq)
{
	return told(rq);
}

enum err client_profile_read(struct request *rq, struct client_view *ret)
{
	ret->created_at_us = 1;
	rq->version = 1;
	return told(rq);
}

enum err client_profile_update(
    struct request *rq, const struct client_profile *patch, struct client_view *ret)
{
	ret->profile = *patch;
	rq->version = 2;
	return told(rq);
}

enum err vendor_profile_read(struct request *rq, struct vendor_view *ret)
{
	ret->created_at_us = 1;
	rq->version = 1;
	return told(rq);
}

enum err vendor_profile_update(
    struct request *rq, const struct vendor_profile *patch, struct vendor_view *ret)
{
	ret->profile = *patch;
	rq->version = 2;
	return told(rq);
}

enum err consents_list(struct request *rq, struct consents_view *ret)
{
	*ret = (struct consents_view){ .n_given = 0 };
	return told(rq);
}

enum err consents_accept(
    struct request *rq, const struct consent_given *given, size_t n, struct consents_view *ret)
{
	(void)given;
	(void)n;
	return consents_list(rq, ret);
}

enum err export_make(struct request *rq, struct export *ret)
{
	*ret = (struct export){ .made_at_us = 1 };
	return told(rq);
}

enum err account_erase(struct request *rq, struct secret password)
{
	(void)password;
	return told(rq);
}

enum err identifier_change(
    struct request *rq, const struct identifier_wish *wish, struct verification *ret)
{
	ret->destination = wish->email;
	return told(rq);
}

enum err identifier_confirm(
    struct request *rq, struct uuid flow, struct secret code, struct user_view *ret)
{
	(void)code;
	ret->id = flow;
	return told(rq);
}

enum err identifier_revert(struct request *rq, struct secret token)
{
	(void)token;
	return told(rq);
}
