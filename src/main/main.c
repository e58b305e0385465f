#include <stdio.h>
#include <unistd.h>

#include "main/execute.h"
#include "main/sandbox.h"

/* Names and addresses are what strangers typed: nothing of them may steer the terminal. */
static void write_line(void *arg, bool is_error, struct str line)
{
	FILE *to = is_error ? stderr : stdout;

	(void)arg;
	if (is_error)
		fputs("cloakroom: ", to);
	for (size_t i = 0; i < line.len; i++) {
		unsigned char c = (unsigned char)line.ptr[i];
		bool c1 = c == 0xc2 && i + 1 < line.len && (unsigned char)line.ptr[i + 1] < 0xa0;

		if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f || c1)
			c = '?';
		i += c1;
		fputc(c, to);
	}
	fputc('\n', to);
}

/* "help", "help user create", "user create --help", "--help". Returns false when it is no such. */
static bool help(struct call *call, const struct str *words, size_t n)
{
	bool wanted = n == 0 || str_eq(words[0], STR("help"));
	const struct command *command;
	size_t taken;

	for (size_t i = 0; i < n && !str_eq(words[i], STR("--")); i++)
		wanted |= str_eq(words[i], STR("--help")) || str_eq(words[i], STR("-h"));
	if (!wanted)
		return false;
	if (n > 0 && str_eq(words[0], STR("help"))) {
		words++;
		n--;
	}
	command = command_find(words, n, &taken);
	if (command)
		command_help(call, command);
	else
		command_overview(call);
	return true;
}

static int run(struct call *call, const struct str *words, size_t n)
{
	static const struct str version = STR_INIT("version");

	if (n == 1 && str_eq(words[0], STR("--version")))
		words = &version;
	if (help(call, words, n))
		return n == 0 ? EXIT_USAGE : 0;
	if (!command_parse(call, words, n))
		return EXIT_USAGE;
	return execute(call);
}

int main(int argc, char **argv)
{
	struct call call = { .write = write_line };
	struct str *words;
	size_t n = argc > 0 ? (size_t)argc - 1 : 0;
	int code;

	sandbox_enter();
	call.arena = arena_new(ARENA_PLAIN, 0);
	call.secrets = arena_new(ARENA_WIPING, 0);
	words = ARENA_ARRAY(call.arena, n + 1, struct str);
	for (size_t i = 0; i < n; i++)
		words[i] = str_of(argv[i + 1]);
	code = run(&call, words, n);
	arena_free(&call.secrets);
	arena_free(&call.arena);
	if (fflush(stdout) != 0 && code == 0)
		code = EXIT_FAILED;
	return code;
}
