#include <unistd.h>

#include "main/command.h"
#include "main/data_dir.h"
#include "store/migrate.h"
#include "store/move.h"

static void said(void *arg, struct str sentence)
{
	say(arg, "%.*s", STR_ARG(sentence));
}

static int fails(struct call *call, struct str problem)
{
	complain(call, "%.*s", STR_ARG(problem));
	return EXIT_FAILED;
}

/* at_schema() - has the database at @url every migration of this program? */
static bool at_schema(struct call *call, struct str url, struct str *ret_problem)
{
	struct migrate_result result = { 0 };

	if (migrate(url, true, call->arena, NULL, NULL, &result) != OK) {
		*ret_problem = result.problem;
		return false;
	}
	*ret_problem = STR("Both databases must be at this program's schema: migrate them first.");
	return result.from == migrate_latest();
}

int cmd_move(struct call *call)
{
	struct str from = call_option(call, "--from"), to = call_option(call, "--to");
	struct str problem = STR_NULL, dir;
	int dir_fd = -1, lock_fd = -1;
	ssize_t slash;
	enum err e;

	if (!to.ptr)
		to = call->config->store.url;
	if (!str_starts(from, STR("sqlite:")) || !str_starts(to, STR("postgresql://"))) {
		complain(call, "It moves --from sqlite:PATH --to postgresql://USER@HOST/NAME.");
		return EXIT_USAGE;
	}
	slash = str_find_last(from, '/');
	dir = slash < 0 ? STR(".") : str_from(str_upto(from, (size_t)slash), strlen("sqlite:"));
	e = data_dir_open(call->arena, dir, false, &dir_fd, &problem);
	if (e == OK && data_dir_lock(dir_fd, &lock_fd) != OK) {
		problem = STR("A server is running on the file: stop it first.");
		e = ERR_CONFLICT;
	}
	if (e == OK && (!at_schema(call, from, &problem) || !at_schema(call, to, &problem)))
		e = ERR_CONFLICT;
	if (e == OK)
		e = store_move(from, to, call->arena, said, call, &problem);
	if (lock_fd >= 0)
		close(lock_fd);
	if (dir_fd >= 0)
		close(dir_fd);
	if (e != OK)
		return fails(call, problem);
	say(call, "Everything is there. Set database.url, start the server, and keep the file.");
	return 0;
}
