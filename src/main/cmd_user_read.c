/* Commands that list and show accounts. */
#include "base/clock.h"
#include "main/command.h"
#include "service/admin.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 10000

static bool state_parse(struct str name, int *ret)
{
	for (int s = USER_ACTIVE; s <= USER_ERASED; s++) {
		if (str_eq(name, user_state_name((enum user_state)s))) {
			*ret = s;
			return true;
		}
	}
	return false;
}

/* The options of user list as a page. Returns what is wrong, or NULL. */
static const char *read_page(const struct call *call, struct user_page *page)
{
	struct str role = call_option(call, "--role"), state = call_option(call, "--state");
	struct str after = call_option(call, "--after"), limit = call_option(call, "--limit");
	enum role r;
	int64_t n = LIMIT_DEFAULT;

	if (role.ptr) {
		if (!role_parse(role, &r))
			return "There is no such role.";
		page->role = (int)r;
	}
	if (state.ptr && !state_parse(state, &page->state))
		return "The state is one of active, disabled, deleted, erased.";
	if (after.ptr && !uuid_parse(after, &page->after))
		return "--after takes the id of a user.";
	if (limit.ptr && (!str_to_i64(limit, &n) || n < 1 || n > LIMIT_MAX))
		return "--limit takes a number from 1 to 10000.";
	page->limit = (size_t)n;
	return NULL;
}

static void say_line(struct call *call, const struct account *account)
{
	const struct user_row *row = &account->row;
	char id[UUID_TEXT_SIZE];

	uuid_format(row->id, id);
	say(call, "%s  %-10.*s  %-8.*s  %s  %.*s", id, STR_ARG(role_name(row->role)),
	    STR_ARG(user_state_name(row->state)), row->is_verified ? "verified" : "unproven",
	    STR_ARG(account->identifier));
}

int cmd_user_list(struct call *call)
{
	struct user_page page = { .role = -1, .state = -1 };
	const char *wrong = read_page(call, &page);
	struct account **accounts;
	size_t n;
	enum err e;

	if (wrong) {
		complain(call, "%s", wrong);
		return EXIT_USAGE;
	}
	e = admin_user_list(call->rq, &page, &accounts, &n);
	if (e != OK)
		return complain_fault(call, e);
	for (size_t i = 0; i < n; i++)
		say_line(call, accounts[i]);
	return 0;
}

static void say_text(struct call *call, const char *name, struct str value)
{
	if (!str_empty(value))
		say(call, "%-14s %.*s", name, STR_ARG(value));
}

static void say_time(struct call *call, const char *name, int64_t at_us)
{
	char text[TIME_TEXT_SIZE];

	if (at_us == 0)
		return;
	time_format(at_us, text);
	say_text(call, name, str_of(text));
}

int cmd_user_show(struct call *call)
{
	struct account *account;
	struct user_view view;
	enum err e = admin_user_find(call->rq, call->args[0], &account);

	if (e != OK)
		return complain_fault(call, e);
	account_view(account, &view);
	say_text(call, "id", uuid_str(call->rq->arena, view.id));
	say_text(call, "external id", view.external_id);
	say_text(call, "e-mail", view.email);
	say_text(call, "phone", view.phone);
	say_text(call, "first name", view.first_name);
	say_text(call, "last name", view.last_name);
	say_text(call, "country", view.country);
	say_text(call, "role", view.role);
	say_text(call, "opened by", view.auth_provider);
	say_text(call, "verified", view.is_verified ? STR("yes") : STR("no"));
	say_text(call, "state", user_state_name(account->row.state));
	say_text(call, "password",
	    pwhash_usable(account->row.password) ? STR("set") : STR("not usable"));
	say_time(call, "last login", view.last_login_us);
	say_time(call, "created", view.created_at_us);
	say_time(call, "updated", view.updated_at_us);
	return 0;
}
