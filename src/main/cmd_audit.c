#include <stdio.h>
#include <unistd.h>

#include "main/audit_head.h"
#include "main/cmd_audit.h"
#include "main/command.h"

#define BAR_WIDTH 40

struct verification {
	struct call *call;
	struct audit_verdict verdict;
	bool on_terminal;

	struct str noted_text; /* --head; no pointer: not given */
	int64_t noted_n;
	struct audit_seal noted;
	bool noted_found;
};

/* On a terminal only: scripts get the verdict alone. */
static void progress(void *arg, int64_t done, int64_t all)
{
	struct verification *v = arg;
	int filled = all > 0 ? (int)(done * BAR_WIDTH / all) : BAR_WIDTH;

	if (!v->on_terminal)
		return;
	fprintf(stderr, "\r[%.*s%*s] %lld of %lld rows", filled,
	    "########################################", BAR_WIDTH - filled, "", (long long)done,
	    (long long)all);
	if (done >= all)
		fputc('\n', stderr);
}

static enum err verify_tx(struct tx *tx, void *arg)
{
	struct verification *v = arg;
	enum err e = audit_verify_rows(tx, v->call->rq->keys, progress, v, &v->verdict);

	if (e == OK && v->noted_n)
		e = audit_seal_at(tx, v->noted_n, &v->noted, &v->noted_found);
	return e;
}

/* "1204:9f86d081884c7d65" of --head; true when it was not given. */
static bool read_head(struct verification *v, struct str text)
{
	ssize_t colon = str_find(text, ':');

	v->noted_text = text;
	return !text.ptr || (colon > 0 && str_to_i64(str_upto(text, (size_t)colon), &v->noted_n) &&
				v->noted_n > 0);
}

/* A sentence about what is wrong; the empty str when nothing is. */
static struct str judge(const struct verification *v)
{
	if (!v->verdict.intact)
		return v->verdict.problem;
	if (!v->noted_n)
		return STR_NULL;
	if (!v->noted_found)
		return STR("The seal you noted is gone: rows were cut off at the end.");
	if (!str_eq(v->noted_text, audit_head_text(v->call->arena, &v->noted)))
		return STR("The seal you noted is another one now: the trail was rewritten.");
	return STR_NULL;
}

int cmd_audit_verify(struct call *call)
{
	struct verification v = { .call = call, .on_terminal = isatty(STDERR_FILENO) == 1 };
	struct str problem;
	enum err e;

	if (call_has(call, "--export"))
		return audit_verify_export(call, call_option(call, "--export"));
	if (!read_head(&v, call_option(call, "--head"))) {
		complain(call, "--head takes N:HASH, as cloakroom audit verify prints it.");
		return EXIT_USAGE;
	}
	e = store_read(call->core->service.store, call->rq, STORE_PRIMARY, verify_tx, &v);
	if (e != OK)
		return complain_fault(call, e);
	problem = judge(&v);
	if (!str_empty(problem)) {
		complain(call, "%.*s", STR_ARG(problem));
		return EXIT_FAILED;
	}
	say(call, "%lld rows under %lld seals are intact.", (long long)v.verdict.rows,
	    (long long)v.verdict.seals);
	if (v.verdict.seals > 0)
		say(call, "head %.*s", STR_ARG(audit_head_text(call->arena, &v.verdict.head)));
	return 0;
}
