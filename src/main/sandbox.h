/* What the process gives up, and the limits it raises, before it does anything else. */
#ifndef MAIN_SANDBOX_H
#define MAIN_SANDBOX_H

/**
 * sandbox_enter() - no core dumps, no tracing by others, no new privileges, files for us alone
 *
 * Keys and passwords live in this process: nothing of its memory may reach a disk or another
 * process. Also ignores SIGPIPE and raises the number of open files to what is allowed.
 */
void sandbox_enter(void);

#endif
