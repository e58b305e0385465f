/* How far a long command is, as a line of a terminal that is written again and again. */
#ifndef MAIN_PROGRESS_H
#define MAIN_PROGRESS_H

#include "base/defs.h"

struct progress {
	const char *what; /* "Reading" */
	int64_t total;    /* 0: not known */
	int64_t shown_us; /* when it was written last; 0: never */
	bool terminal;
};

/** progress_begin() - nothing is shown where stderr is no terminal. */
void progress_begin(struct progress *p, const char *what, int64_t total);
/** progress_show() - @done of the total; written ten times a second at most. */
void progress_show(struct progress *p, int64_t done);
/** progress_end() - take the line away. */
void progress_end(struct progress *p);

#endif
