/* The signed-in person themselves. */
#include "api/tables.h"
#include "service/account.h"

struct me_reply {
	struct user_view user;
};

static const struct field me_reply_fields[] = {
	{ MEMBER_OBJECT(struct me_reply, user), .sub = &user_schema,
	    .doc = "The signed-in person." },
	{ 0 },
};
static const struct schema me_reply_schema = {
	.name = "Me",
	.size = sizeof(struct me_reply),
	.fields = me_reply_fields,
	.doc = "Who is signed in.",
};

static enum err me_get(struct request *rq, const void *in, void *ret_out)
{
	struct me_reply *reply = ret_out;

	(void)in;
	account_view(rq->account, &reply->user);
	return OK;
}

const struct route me_routes[] = {
	{
	    .method = METHOD_GET,
	    .path = "me/",
	    .operation = "me",
	    .tag = "Account",
	    .summary = "Read your own account",
	    .doc = "The person the access token belongs to, read afresh: an ended session, a "
		   "disabled account or a changed role shows at once.",
	    .auth = AUTH_BEARER,
	    .throttle = THROTTLE_ADAPTIVE,
	    .success = 200,
	    .message = TEXT_OK,
	    .reply = &me_reply_schema,
	    .handler = me_get,
	},
	{ 0 },
};
