#include "main/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define EVERY_US (US_PER_S / 10)
#define WIDTH 30

void progress_begin(struct progress *p, const char *what, int64_t total)
{
	*p = (struct progress){
		.what = what,
		.total = total,
		.terminal = isatty(STDERR_FILENO) == 1,
	};
}

void progress_show(struct progress *p, int64_t done)
{
	static const char bar[] = "##############################";
	int64_t now_us;
	int part;

	if (!p->terminal)
		return;
	now_us = now_mono_us();
	if (p->shown_us && now_us - p->shown_us < EVERY_US)
		return;
	p->shown_us = now_us;
	if (p->total <= 0) {
		fprintf(stderr, "\r%s: %lld", p->what, (long long)done);
		return;
	}
	done = done < p->total ? done : p->total;
	part = (int)(done * WIDTH / p->total);
	fprintf(stderr, "\r%s: [%.*s%*s] %3d %%", p->what, part, bar, WIDTH - part, "",
	    (int)(done * 100 / p->total));
}

void progress_end(struct progress *p)
{
	if (p->shown_us)
		fputs("\r\033[K", stderr);
	p->shown_us = 0;
}
