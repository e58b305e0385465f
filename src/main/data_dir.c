#include "main/data_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SMALL_FILE 4096

static enum err refuse(struct arena *arena, struct str path, const char *why, struct str *ret)
{
	*ret = str_printf(arena, "The data directory %.*s %s.", STR_ARG(path), why);
	return ERR_UNAVAILABLE;
}

enum err data_dir_open(
    struct arena *arena, struct str path, bool create, int *ret_fd, struct str *ret_problem)
{
	const char *name = str_cstr(arena, path);
	struct stat st;
	int fd;

	if (create && mkdir(name, 0700) != 0 && errno != EEXIST)
		return refuse(arena, path,
		    str_cstr(arena, str_printf(arena, "cannot be made: %s", strerror(errno))),
		    ret_problem);
	fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return refuse(arena, path,
		    str_cstr(arena, str_printf(arena, "cannot be opened: %s", strerror(errno))),
		    ret_problem);
	if (fstat(fd, &st) != 0 || st.st_uid != geteuid()) {
		close(fd);
		return refuse(
		    arena, path, "belongs to another user than the one running this", ret_problem);
	}
	if (st.st_mode & (S_IWGRP | S_IWOTH)) {
		close(fd);
		return refuse(arena, path, "may be written by others: chmod 700", ret_problem);
	}
	*ret_fd = fd;
	return OK;
}

enum err data_dir_lock(int dir_fd, int *ret_fd)
{
	int fd = openat(dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return ERR_UNAVAILABLE;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		enum err e = errno == EWOULDBLOCK ? ERR_CONFLICT : ERR_UNAVAILABLE;

		close(fd);
		return e;
	}
	*ret_fd = fd;
	return OK;
}

enum err data_dir_read(int dir_fd, const char *name, struct arena *arena, struct str *ret)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct str text;
	ssize_t n;
	char *p;

	if (fd < 0)
		return errno == ENOENT ? ERR_NOT_FOUND : ERR_UNAVAILABLE;
	p = arena_alloc(arena, SMALL_FILE);
	n = read(fd, p, SMALL_FILE);
	close(fd);
	if (n < 0)
		return ERR_UNAVAILABLE;
	text = str_bytes(p, (size_t)n);
	if (str_ends(text, STR("\n")))
		text = str_upto(text, text.len - 1);
	*ret = text;
	return OK;
}

static bool write_whole(int fd, struct str text)
{
	while (text.len > 0) {
		ssize_t n = write(fd, text.ptr, text.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text = str_from(text, (size_t)n);
	}
	return fsync(fd) == 0;
}

enum err data_dir_write(int dir_fd, const char *name, struct str text)
{
	static const char temporary[] = "new-file";
	int fd =
	    openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool written;

	if (fd < 0)
		return ERR_UNAVAILABLE;
	written = write_whole(fd, text);
	close(fd);
	if (!written || renameat(dir_fd, temporary, dir_fd, name) != 0 || fsync(dir_fd) != 0) {
		unlinkat(dir_fd, temporary, 0);
		return ERR_UNAVAILABLE;
	}
	return OK;
}
