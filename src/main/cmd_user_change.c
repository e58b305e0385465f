/* Commands that open, lock and unlock accounts and replace passwords. */
#include "main/command.h"
#include "service/admin.h"
#include "service/reset.h"

/* What the audit row says: who sat at the command line, and why if they said so. */
static struct str reason_of(const struct call *call)
{
	struct str why = call_option(call, "--reason");

	return str_printf(call->rq->arena, "%.*s%s%.*s", STR_ARG(call->who),
	    str_empty(why) ? "" : ": ", STR_ARG(why));
}

static int create(struct call *call, const struct admin_new_user *in)
{
	char id[UUID_TEXT_SIZE];
	struct account *account;
	enum err e = admin_user_create(call->rq, in, &account);

	if (e != OK)
		return complain_fault(call, e);
	outbox_ring(call->rq->service->outbox);
	uuid_format(account->row.id, id);
	say(call, "Opened the account of %.*s, %.*s: %s", STR_ARG(account->identifier),
	    STR_ARG(role_name(account->row.role)), id);
	return 0;
}

int cmd_user_create(struct call *call)
{
	struct str role = call_option(call, "--role");
	struct admin_new_user in = {
		.identifier = call->args[0],
		.password = call->password,
		.first_name = call_option(call, "--first-name"),
		.last_name = call_option(call, "--last-name"),
		.country = call_option(call, "--country"),
		.role = ROLE_CLIENT,
		.reason = reason_of(call),
	};

	if (role.ptr && !role_parse(role, &in.role)) {
		complain(call, "There is no role %.*s.", STR_ARG(role));
		return EXIT_USAGE;
	}
	return create(call, &in);
}

int cmd_superadmin_create(struct call *call)
{
	struct admin_new_user in = {
		.identifier = call->args[0],
		.password = call->password,
		.first_name = call_option(call, "--first-name"),
		.last_name = call_option(call, "--last-name"),
		.role = ROLE_SUPERADMIN,
		.reason = reason_of(call),
	};

	return create(call, &in);
}

static int set_state(struct call *call, enum user_state state)
{
	const char *done = state == USER_ACTIVE ? "enabled" : "disabled";
	struct account *account;
	bool changed = false;
	enum err e = admin_user_find(call->rq, call->args[0], &account);

	if (e == OK)
		e = admin_user_set_state(call->rq, account, state, reason_of(call), &changed);
	if (e != OK)
		return complain_fault(call, e);
	outbox_ring(call->rq->service->outbox);
	if (changed)
		say(call, "%.*s is %s.", STR_ARG(account->identifier), done);
	else
		say(call, "%.*s was %s already.", STR_ARG(account->identifier), done);
	return 0;
}

int cmd_user_disable(struct call *call)
{
	return set_state(call, USER_DISABLED);
}

int cmd_user_enable(struct call *call)
{
	return set_state(call, USER_ACTIVE);
}

int cmd_user_set_password(struct call *call)
{
	struct account *account;
	enum err e = admin_user_find(call->rq, call->args[0], &account);

	if (e == OK)
		e = admin_user_set_password(call->rq, account, call->password, reason_of(call));
	if (e != OK)
		return complain_fault(call, e);
	outbox_ring(call->rq->service->outbox);
	say(call, "%.*s has a new password; all sessions are over.", STR_ARG(account->identifier));
	return 0;
}

int cmd_user_reset_link(struct call *call)
{
	struct account *account;
	struct str link;
	enum err e = admin_user_find(call->rq, call->args[0], &account);

	if (e == OK)
		e = reset_make_link(call->rq, account, reason_of(call), &link);
	if (e == ERR_CONFLICT) {
		complain(call, "%.*s is not active.", STR_ARG(account->identifier));
		return EXIT_FAILED;
	}
	if (e != OK)
		return complain_fault(call, e);
	say(call, "%.*s", STR_ARG(link));
	return 0;
}
