#include "main/execute.h"

#include <pwd.h>
#include <unistd.h>

#include "base/clock.h"
#include "main/control.h"
#include "main/prompt.h"

#define COMMAND_DEADLINE_US (10 * US_PER_MIN)

struct str execute_who(struct arena *arena, uid_t uid)
{
	char *room = arena_alloc(arena, 4096);
	struct passwd entry, *found = NULL;

	if (getpwuid_r(uid, &entry, room, 4096, &found) != 0 || !found)
		return str_printf(arena, "uid %u", (unsigned)uid);
	return str_printf(arena, "%s (uid %u)", entry.pw_name, (unsigned)uid);
}

bool execute_load(struct call *call)
{
	struct config_flag *flags = ARENA_ARRAY(call->arena, 2, struct config_flag);
	bool serves = call->command->run == cmd_serve;
	struct str problem, listen = serves ? call_option(call, "--listen") : STR_NULL;
	size_t n = 0;

	if (call->common[COMMON_DATA].ptr)
		flags[n++] = (struct config_flag){ "data_dir",
			str_cstr(call->arena, call->common[COMMON_DATA]), "--data" };
	if (listen.ptr)
		flags[n++] = (struct config_flag){ "server.listen", str_cstr(call->arena, listen),
			"--listen" };
	call->input = (struct config_input){
		.dev = call->common[COMMON_DEV].ptr != NULL,
		.file = call->common[COMMON_CONFIG].ptr
			    ? str_cstr(call->arena, call->common[COMMON_CONFIG])
			    : NULL,
		.environment = environ,
		.flags = flags,
		.n_flags = n,
	};
	if (config_load(call->arena, call->secrets, &call->input, &call->config, &problem) == OK)
		return true;
	complain(call, "%.*s", STR_ARG(problem));
	return false;
}

static int run_on_core(struct call *call, struct core *core)
{
	struct str operation = str_printf(call->arena, "command %s", call->command->name);
	int code;

	call->core = core;
	call->rq = ARENA_NEW(call->arena, struct request);
	core_request(core, call->rq, operation, now_mono_us() + COMMAND_DEADLINE_US);
	code = call->command->run(call);
	request_done(call->rq);
	return code;
}

static int run_with_store(struct call *call)
{
	bool changes = call->command->needs == NEEDS_CHANGE;
	struct core core;
	struct str problem;
	int code = EXIT_FAILED;
	enum err e;

	/* Commands print to people: what the folders below log is for the server. */
	call->config->log.level = LOG_LEVEL_WARNING;
	log_init(&call->config->log);
	e = core_open(&core, changes ? CORE_WRITE : CORE_READ, call->config, call->arena,
	    call->secrets, &problem);
	if (e == OK)
		code = run_on_core(call, &core);
	else if (e == ERR_CONFLICT && changes && core.lock_fd < 0)
		code = control_run(call, core.dir_fd);
	else
		complain(call, "%.*s", STR_ARG(problem));
	core_close(&core);
	return code;
}

static bool ask_password(struct call *call)
{
	const char *problem;
	bool asked;

	if (!call->command->password_prompt)
		return true;
	if (call_has(call, "--password-stdin"))
		asked = prompt_stdin(call->secrets, &call->password, &problem);
	else
		asked = prompt_password(
		    call->command->password_prompt, call->secrets, &call->password, &problem);
	if (!asked)
		complain(call, "%s", problem);
	return asked;
}

int execute(struct call *call)
{
	call->who = execute_who(call->arena, getuid());
	if (call->command->needs == NEEDS_NOTHING)
		return call->command->run(call);
	if (!execute_load(call))
		return EXIT_FAILED;
	if (call->command->needs == NEEDS_CONFIG)
		return call->command->run(call);
	return ask_password(call) ? run_with_store(call) : EXIT_FAILED;
}
