#include "main/command.h"
#include "main/data_dir.h"
#include "store/migrate.h"

#include <unistd.h>

static void said(void *arg, struct str sentence)
{
	say(arg, "%.*s", STR_ARG(sentence));
}

static int run(struct call *call, bool plan_only)
{
	struct migrate_result result = { 0 };
	enum err e = migrate(call->config->store.url, plan_only, call->arena, said, call, &result);

	if (e != OK) {
		complain(call, "%.*s", STR_ARG(result.problem));
		return EXIT_FAILED;
	}
	if (result.from == result.to)
		say(call, "The schema is at version %lld: nothing to do.", (long long)result.to);
	else
		say(call, "%s from version %lld to %lld.", plan_only ? "It would go" : "It went",
		    (long long)result.from, (long long)result.to);
	return 0;
}

/*
 * A file's schema is not changed under the server that has it open. On PostgreSQL the servers of
 * the last release go on while it changes, and the next ones wait for it.
 */
int cmd_migrate(struct call *call)
{
	bool plan_only = call_has(call, "--plan");
	int dir_fd = -1, lock_fd = -1, code = EXIT_FAILED;
	struct str problem;

	if (!migrate_at_start(call->config->store.url))
		return run(call, plan_only);
	if (data_dir_open(call->arena, call->config->data_dir, true, &dir_fd, &problem) != OK) {
		complain(call, "%.*s", STR_ARG(problem));
		return EXIT_FAILED;
	}
	if (plan_only || data_dir_lock(dir_fd, &lock_fd) == OK)
		code = run(call, plan_only);
	else
		complain(call, "A server is running on this data directory: stop it first.");
	if (lock_fd >= 0)
		close(lock_fd);
	close(dir_fd);
	return code;
}
