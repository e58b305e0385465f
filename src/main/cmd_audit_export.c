/* The audit trail as JSON lines, and reading such a file back. */
#include <stdio.h>
#include <stdlib.h>

#include "api/tables.h"
#include "base/clock.h"
#include "main/cmd_audit.h"
#include "service/audit_export.h"
#include "service/audit_query.h"

#define PAGE_ROWS 500
#define PAGE_DEADLINE_US (60 * US_PER_S)

struct exporting {
	struct call *call;
	struct audit_export chain;
	int64_t after;
};

static enum err write_rows(
    struct request *rq, struct exporting *x, const struct audit_view_list *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		struct json_writer w;
		struct buf line;

		buf_init(&line, rq->arena, 1024);
		json_writer_init(&w, &line);
		audit_item_write(&w, &rows->items[i]);
		if (!audit_export_add(rq, &x->chain, buf_str(&line)))
			return fault(rq, ERR_INTERNAL, "the export's key is gone");
		say(x->call, "%.*s", (int)line.len, line.ptr);
		x->after = rows->items[i].id;
	}
	return OK;
}

/* A request a page: what it needed is given back before the next. @ret_n is 0 after the last. */
static enum err write_page(struct exporting *x, size_t *ret_n)
{
	struct audit_view_list rows = { .n = 0 };
	struct request rq;
	enum err e;

	core_request(
	    x->call->core, &rq, STR("command audit export"), now_mono_us() + PAGE_DEADLINE_US);
	e = audit_read(&rq, x->after, PAGE_ROWS, &rows);
	if (e == OK)
		e = write_rows(&rq, x, &rows);
	*ret_n = rows.n;
	request_done(&rq);
	return e;
}

int cmd_audit_export(struct call *call)
{
	struct exporting x = { .call = call };
	struct str after = call_option(call, "--after"), last;
	size_t n;
	enum err e;

	if (after.ptr && (!str_to_i64(after, &x.after) || x.after < 0)) {
		complain(call, "--after takes the number of a row.");
		return EXIT_USAGE;
	}
	audit_export_begin(call->rq, KEYRING_ACTIVE, &x.chain);
	do
		e = write_page(&x, &n);
	while (e == OK && n > 0);
	if (e == OK)
		e = audit_export_end(call->rq, &x.chain, 0, &last);
	if (e != OK)
		return complain_fault(call, e);
	say(call, "%.*s", STR_ARG(last));
	return 0;
}

/* The last line of an open file; it names the key of the chain. */
static struct str last_line(struct call *call, FILE *file)
{
	struct str last = STR_NULL;
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	while ((n = getline(&line, &room, file)) > 0) {
		if (line[n - 1] == '\n')
			n--;
		if (n >= 7 && memcmp(line, "{\"end\":", 7) == 0)
			last = str_dup(call->arena, str_bytes(line, (size_t)n));
		else
			last = STR_NULL;
	}
	free(line);
	rewind(file);
	return last;
}

static bool is_good(struct call *call, FILE *file, struct audit_export *x)
{
	struct str last = last_line(call, file);
	int key = audit_export_key(last);
	char *line = NULL;
	size_t room = 0;
	bool good = key >= 0;
	ssize_t n;

	audit_export_begin(call->rq, key, x);
	while (good && (n = getline(&line, &room, file)) > 0) {
		struct str text = str_bytes(line, (size_t)n - (line[n - 1] == '\n'));

		if (str_eq(text, last))
			break;
		good = audit_export_add(call->rq, x, text);
	}
	free(line);
	return good && audit_export_good(call->rq, x, last);
}

int audit_verify_export(struct call *call, struct str path)
{
	FILE *file = fopen(str_cstr(call->arena, path), "re");
	struct audit_export x;
	bool good;

	if (!file) {
		complain(call, "%.*s cannot be read.", STR_ARG(path));
		return EXIT_FAILED;
	}
	good = is_good(call, file, &x);
	fclose(file);
	if (!good) {
		complain(call, "%.*s is not as it was exported.", STR_ARG(path));
		return EXIT_FAILED;
	}
	say(call, "%lld rows are as they were exported.", (long long)x.rows);
	return 0;
}
