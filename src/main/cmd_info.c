/* Commands that only print: settings, the OpenAPI document, the version. */
#include "main/command.h"

int cmd_version(struct call *call)
{
	say(call, "cloakroom %s", CLOAKROOM_VERSION);
	return 0;
}

int cmd_config(struct call *call)
{
	struct buf out;

	buf_init(&out, call->arena, 32 << 10);
	if (call_has(call, "--man"))
		config_print_man(&out);
	else
		config_print(call->config, &out);
	out.len--; /* write() ends the line */
	call->write(call->write_arg, false, buf_str(&out));
	return 0;
}

int cmd_openapi(struct call *call)
{
	struct service service = { .config = call->config->service };
	const struct api_probe probe = { 0 };
	int version = 2;
	struct api *api;

	if (call->n_args > 0 && !str_eq(call->args[0], STR("v2"))) {
		version = 1;
		if (!str_eq(call->args[0], STR("v1"))) {
			complain(
			    call, "There is no version %.*s: v1 or v2.", STR_ARG(call->args[0]));
			return EXIT_USAGE;
		}
	}
	api = api_new(&call->config->api, &service, &probe);
	call->write(call->write_arg, false, api_openapi(api, version));
	api_free(&api);
	return 0;
}
