#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/json.h"
#include "main/control.h"

void control_address(int dir_fd, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/control.sock", dir_fd);
}

static int dial(int dir_fd)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;

	if (fd < 0)
		return -1;
	control_address(dir_fd, &address);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The command as words again, without the options that only choose the server. */
static struct str compose(struct call *call)
{
	const struct option_row *options = call->command->options;
	struct str name = str_of(call->command->name), word;
	struct json_writer w;
	struct buf out;

	buf_init(&out, call->secrets, 1024);
	json_writer_init(&w, &out);
	json_begin_object(&w);
	json_key(&w, STR("argv"));
	json_begin_array(&w);
	while (str_next_token(&name, ' ', &word))
		json_write_str(&w, word);
	for (int i = 0; options && options[i].name; i++) {
		if (!call->values[i].ptr)
			continue;
		json_write_str(&w, str_of(options[i].name));
		if (options[i].value)
			json_write_str(&w, call->values[i]);
	}
	json_write_str(&w, STR("--"));
	for (unsigned i = 0; i < call->n_args; i++)
		json_write_str(&w, call->args[i]);
	json_end_array(&w);
	if (call->password.len > 0)
		json_member_str(&w, STR("input"), secret_reveal(call->password));
	json_end_object(&w);
	buf_add_char(&out, '\n');
	return buf_str(&out);
}

static bool send_all(int fd, struct str text)
{
	while (text.len > 0) {
		ssize_t n = send(fd, text.ptr, text.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text = str_from(text, (size_t)n);
	}
	return true;
}

/* One line of the server. Returns true when it was the last one. */
static bool take_line(struct call *call, struct str line, int *ret_exit)
{
	const struct json *reply, *code;

	if (json_parse(call->arena, line, &reply) != OK)
		return false;
	code = json_get(reply, "exit");
	if (code) {
		*ret_exit = (int)json_integer(code);
		return true;
	}
	if (json_get(reply, "err"))
		call->write(call->write_arg, true, json_string(json_get(reply, "err")));
	if (json_get(reply, "out"))
		call->write(call->write_arg, false, json_string(json_get(reply, "out")));
	return false;
}

/* Lines until the last one. Returns false when the server went away before it. */
static bool relay(struct call *call, int fd, int *ret_exit)
{
	char *buffer = arena_alloc(call->arena, CONTROL_REQUEST_MAX);
	size_t len = 0;

	for (;;) {
		ssize_t n = recv(fd, buffer + len, CONTROL_REQUEST_MAX - len, 0), end;
		struct str rest;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		len += (size_t)n;
		rest = str_bytes(buffer, len);
		while ((end = str_find(rest, '\n')) >= 0) {
			if (take_line(call, str_upto(rest, (size_t)end), ret_exit))
				return true;
			rest = str_from(rest, (size_t)end + 1);
		}
		if (rest.len == CONTROL_REQUEST_MAX)
			return false;
		len = rest.len;
		if (len > 0)
			memmove(buffer, rest.ptr, len);
	}
}

int control_run(struct call *call, int dir_fd)
{
	int fd = dial(dir_fd), code = EXIT_FAILED;

	if (fd < 0) {
		complain(call,
		    "A server holds the data directory but does not answer on its control "
		    "socket: it may be starting or going down.");
		return EXIT_FAILED;
	}
	if (!send_all(fd, compose(call)) || !relay(call, fd, &code))
		complain(call, "The server went away before it had answered; look at the result "
			       "before trying again.");
	close(fd);
	return code;
}
