/*
 * The control socket, DATA/control.sock: how commands change the store while a server owns it. The
 * command's words travel to the server and run there; its output comes back line by line.
 *
 *	-> {"argv": ["user", "disable", "ada@example.com"], "input": "…"}
 *	<- {"out": "…"} or {"err": "…"}, any number of them
 *	<- {"exit": 0}
 *
 * Only the user the server runs as, and root, are answered.
 */
#ifndef MAIN_CONTROL_H
#define MAIN_CONTROL_H

#include "main/command.h"

#define CONTROL_REQUEST_MAX (32 << 10)

struct control;

/** control_start() - listen, and answer on a thread of its own. */
MUST_CHECK enum err control_start(struct core *core, struct control **ret, struct str *ret_problem);
/** control_stop() - finish the command that runs, then no more; NULL is fine. */
void control_stop(struct control **c);

/**
 * control_run() - run @call in the server that holds @dir_fd's lock, writing what it says
 *
 * Returns: the command's exit code, or EXIT_FAILED having complained.
 */
int control_run(struct call *call, int dir_fd);

/** control_address() - DATA/control.sock by descriptor, so that no path is too long. */
struct sockaddr_un;
void control_address(int dir_fd, struct sockaddr_un *ret);

#endif
