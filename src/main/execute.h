/* Running one command of the command line: open what it needs, call it, close. */
#ifndef MAIN_EXECUTE_H
#define MAIN_EXECUTE_H

#include "main/command.h"

/** execute() - run a parsed command. Returns its exit code. */
int execute(struct call *call);
/** execute_who() - "ada (uid 1000)": who sits at the command line, for audit rows. */
struct str execute_who(struct arena *arena, uid_t uid);
/** execute_load() - read the configuration @call's options choose, into call->config. */
MUST_CHECK bool execute_load(struct call *call);

#endif
