#include "tests/support/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* A helper that says nothing for so long will not any more. */
#define SILENCE_MS 60000

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "test child: %s\n", what);
	abort();
}

static void run(const char *script, const char *const *args, int in, int out)
{
	const char *argv[24] = { TEST_PYTHON, script };
	union {
		const char **in;
		char **out;
	} u = { .in = argv };
	size_t n = 2;

	while (*args && n + 1 < ARRAY_LEN(argv))
		argv[n++] = *args++;
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	execv(TEST_PYTHON, u.out);
	_exit(127);
}

void child_start(struct child *c, const char *script, const char *const *args)
{
	const struct json *ready;
	int in[2], out[2];
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", TEST_SUPPORT_DIR, script);
	must(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0, "pipe");
	*c = (struct child){ .pid = fork(), .in = in[1], .arena = arena_new(ARENA_PLAIN, 0) };
	if (c->pid == 0)
		run(path, args, in[0], out[1]);
	must(c->pid > 0, "fork");
	close(in[0]);
	close(out[1]);
	c->out = fdopen(out[0], "r");
	must(c->out != NULL, "fdopen");
	setvbuf(c->out, NULL, _IONBF, 0);
	ready = child_event(c, "ready");
	c->port = (uint16_t)json_integer(json_get(ready, "port"));
}

void child_stop(struct child *c)
{
	close(c->in);
	kill(c->pid, SIGTERM);
	waitpid(c->pid, NULL, 0);
	fclose(c->out);
	arena_free(&c->arena);
}

const struct json *child_event(struct child *c, const char *name)
{
	struct pollfd p = { .fd = fileno(c->out), .events = POLLIN };
	const struct json *event;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	for (;;) {
		must(poll(&p, 1, SILENCE_MS) == 1, name);
		len = getline(&line, &size, c->out);
		must(len > 0, "it ended too early");
		must(json_parse(
			 c->arena, str_dup(c->arena, str_bytes(line, (size_t)len)), &event) == OK,
		    "it does not write JSON");
		if (str_eq(child_text(event, "event"), str_of(name)))
			break;
	}
	free(line);
	return event;
}

struct str child_text(const struct json *event, const char *name)
{
	return json_string(json_get(event, name));
}
