/* The rest of the faked services: what people do with their own account. */
#include "service/closing.h"
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
