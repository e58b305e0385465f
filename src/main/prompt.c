#include "main/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "base/arena.h"

#define LINE_MAX_BYTES 4096

/* Up to the line's end, byte by byte: what follows belongs to somebody else. */
static bool read_line(int fd, struct arena *secrets, struct str *ret)
{
	char *line = arena_alloc(secrets, LINE_MAX_BYTES);
	size_t len = 0;
	ssize_t n;

	while (len < LINE_MAX_BYTES) {
		n = read(fd, line + len, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0 || line[len] == '\n') {
			if (len > 0 && line[len - 1] == '\r')
				len--;
			*ret = str_bytes(line, len);
			return true;
		}
		len++;
	}
	return false;
}

static bool ask(int tty, const char *label, struct arena *secrets, struct str *ret)
{
	struct termios old, quiet;
	bool read;

	if (tcgetattr(tty, &old) != 0)
		return false;
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	/* Before the prompt: what is typed in answer to it must be neither shown nor flushed. */
	tcsetattr(tty, TCSAFLUSH, &quiet);
	dprintf(tty, "%s: ", label);
	read = read_line(tty, secrets, ret);
	tcsetattr(tty, TCSAFLUSH, &old);
	dprintf(tty, "\n");
	return read;
}

bool prompt_password(
    const char *label, struct arena *secrets, struct secret *ret, const char **ret_problem)
{
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct str first = STR_NULL, second = STR_NULL;
	bool asked;

	if (tty < 0) {
		*ret_problem =
		    "There is no terminal to ask for the password: use --password-stdin.";
		return false;
	}
	asked = ask(tty, label, secrets, &first) && ask(tty, "Once more", secrets, &second);
	close(tty);
	if (!asked) {
		*ret_problem = "The password cannot be read from the terminal.";
		return false;
	}
	if (!secret_equal(secret_of(first), secret_of(second))) {
		*ret_problem = "The two passwords differ.";
		return false;
	}
	*ret = secret_of(first);
	return true;
}

bool prompt_stdin(struct arena *secrets, struct secret *ret, const char **ret_problem)
{
	struct str line;

	if (!read_line(STDIN_FILENO, secrets, &line) || str_empty(line)) {
		*ret_problem = "Standard input holds no password.";
		return false;
	}
	*ret = secret_of(line);
	return true;
}
