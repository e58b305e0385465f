/*
 * The data directory: database, lock, control socket, and in --dev the keys. One process at a time
 * writes it; who that is says the lock.
 */
#ifndef MAIN_DATA_DIR_H
#define MAIN_DATA_DIR_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/**
 * data_dir_open() - open the directory and check that it is ours alone
 * @create: make it where it is missing
 * @ret_fd: the caller closes it
 *
 * Returns: OK or ERR_UNAVAILABLE with a sentence in @ret_problem.
 */
MUST_CHECK enum err data_dir_open(
    struct arena *arena, struct str path, bool create, int *ret_fd, struct str *ret_problem);
/**
 * data_dir_lock() - become the one that writes, until @ret_fd is closed
 *
 * Returns: OK, ERR_CONFLICT (another process holds it), ERR_UNAVAILABLE.
 */
MUST_CHECK enum err data_dir_lock(int dir_fd, int *ret_fd);

/**
 * data_dir_read() - a small file of the directory, without the line's end
 * @arena: a wiping one
 *
 * Returns: OK, ERR_NOT_FOUND, ERR_UNAVAILABLE.
 */
MUST_CHECK enum err data_dir_read(
    int dir_fd, const char *name, struct arena *arena, struct str *ret);
/** data_dir_write() - make such a file with mode 0600; on disk whole or not at all. */
MUST_CHECK enum err data_dir_write(int dir_fd, const char *name, struct str text);

#endif
