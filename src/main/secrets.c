#include "main/secrets.h"

#include "base/clock.h"
#include "main/data_dir.h"

#define KEY_BYTES 32

struct source {
	const char *setting, *variable, *file;
};

static const struct source master = { "master.key", "CLOAKROOM_MASTER_KEY", "master.key" };
static const struct source token = { "token.secret", "CLOAKROOM_TOKEN_SECRET", "token.secret" };

static enum err refuse(
    struct arena *arena, const struct source *source, const char *what, struct str *ret_problem)
{
	*ret_problem = str_printf(arena,
	    "%s %s. Make one with: openssl rand -base64 32; then set it as %s, or in a file named "
	    "by %s_FILE.",
	    source->setting, what, source->variable, source->variable);
	return ERR_UNAVAILABLE;
}

static enum err create(int dir_fd, const char *file, struct arena *secrets, struct str *ret)
{
	char *bytes = arena_alloc(secrets, KEY_BYTES);
	struct str text, line;

	random_bytes(bytes, KEY_BYTES);
	text = base64_encode(secrets, str_bytes(bytes, KEY_BYTES));
	line = str_printf(secrets, "%.*s\n", STR_ARG(text));
	*ret = text;
	return data_dir_write(dir_fd, file, line);
}

static enum err complete_one(const struct source *source, int dir_fd, enum secrets_policy policy,
    struct arena *secrets, struct secret *key, struct str *ret_problem)
{
	struct str text;
	enum err e;

	if (key->len > 0)
		return OK;
	if (policy == SECRETS_CONFIGURED)
		return refuse(secrets, source, "is not set", ret_problem);
	e = data_dir_read(dir_fd, source->file, secrets, &text);
	if (e == ERR_NOT_FOUND && policy == SECRETS_READ_OR_CREATE)
		e = create(dir_fd, source->file, secrets, &text);
	if (e == ERR_NOT_FOUND)
		return refuse(secrets, source, "is not set", ret_problem);
	if (e != OK || str_empty(text))
		return refuse(secrets, source,
		    "is not set, and its file in the data directory cannot be used", ret_problem);
	*key = secret_of(text);
	return OK;
}

enum err secrets_complete(struct config *config, int dir_fd, enum secrets_policy policy,
    struct arena *secrets, struct str *ret_problem)
{
	enum err e =
	    complete_one(&master, dir_fd, policy, secrets, &config->keys.master, ret_problem);

	if (e != OK)
		return e;
	return complete_one(
	    &token, dir_fd, policy, secrets, &config->keys.token_secret, ret_problem);
}
