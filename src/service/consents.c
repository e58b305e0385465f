#include "service/consents.h"

#include "service/audit.h"
#include "service/pending.h"

int consents_parse(struct str list, struct consent_given ret[static CONSENTS_MAX])
{
	struct str one;
	int n = 0;

	while (str_next_token(&list, ',', &one)) {
		ssize_t colon = str_find(one, ':');

		if (colon < 0 || n == CONSENTS_MAX)
			return -1;
		ret[n].document = str_trim(str_upto(one, (size_t)colon));
		ret[n].version = str_trim(str_from(one, (size_t)colon + 1));
		if (str_empty(ret[n].document) || str_empty(ret[n].version))
			return -1;
		n++;
	}
	return n;
}

static bool is_given(
    const struct consent_given *wanted, const struct consent_given *given, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(given[i].document, wanted->document) &&
		    str_eq(given[i].version, wanted->version))
			return true;
	return false;
}

enum err consents_check(struct request *rq, const struct consent_given *given, size_t n)
{
	struct consent_given required[CONSENTS_MAX];
	int n_required = consents_parse(rq->service->config.consents_required, required);
	enum err e = OK;

	for (int i = 0; i < n_required; i++) {
		const struct str args[] = { required[i].document, required[i].version };

		if (!is_given(&required[i], given, n))
			e = request_refuse_field(
			    rq, STR("consents"), TEXT_CONSENT_REQUIRED, args, ARRAY_LEN(args));
	}
	return e;
}

struct listing {
	struct uuid user;
	struct consent_row *rows;
	size_t n;
};

static enum err list_tx(struct tx *tx, void *arg)
{
	struct listing *l = arg;

	return consent_list(tx, l->user, &l->rows, &l->n);
}

static void find_due(struct request *rq, struct consents_view *view)
{
	struct consent_given required[CONSENTS_MAX];
	int n = consents_parse(rq->service->config.consents_required, required);
	struct consent_given *given = ARENA_ARRAY(rq->arena, view->n_given, struct consent_given);

	for (size_t i = 0; i < view->n_given; i++)
		given[i] =
		    (struct consent_given){ view->given[i].document, view->given[i].version };
	view->due = ARENA_ARRAY(rq->arena, CONSENTS_MAX, struct consent_given);
	for (int i = 0; i < n; i++)
		if (!is_given(&required[i], given, view->n_given))
			view->due[view->n_due++] = required[i];
}

enum err consents_list(struct request *rq, struct consents_view *ret)
{
	struct listing l = { .user = rq->actor.user_id };
	enum err e = store_read(rq->service->store, rq, STORE_PRIMARY, list_tx, &l);

	if (e != OK)
		return e;
	*ret = (struct consents_view){ .given = l.rows, .n_given = l.n };
	find_due(rq, ret);
	return OK;
}

struct acceptance {
	struct request *rq;
	const struct consent_given *given;
	size_t n;
	struct audit_row audit;
};

static enum err accept_tx(struct tx *tx, void *arg)
{
	struct acceptance *a = arg;
	struct request *rq = a->rq;
	enum err e = consents_write(tx, rq->actor.user_id, a->given, a->n, rq->now_us);

	return e == OK ? audit_append(tx, rq->keys, &a->audit) : e;
}

enum err consents_accept(
    struct request *rq, const struct consent_given *given, size_t n, struct consents_view *ret)
{
	struct acceptance a = { .rq = rq, .given = given, .n = n };
	struct audit_change *changes = ARENA_ARRAY(rq->arena, n, struct audit_change);
	struct audit_entry entry = {
		.event = STR("user.consented"),
		.subject = rq->account,
		.session = &rq->actor.session_id,
		.changes = changes,
		.n_changes = n,
	};
	enum err e;

	for (size_t i = 0; i < n; i++)
		changes[i] = (struct audit_change){
			.field = given[i].document,
			.after = given[i].version,
		};
	audit_draft(rq, &entry, &a.audit);
	e = store_tx(rq->service->store, rq, accept_tx, &a);
	return e == OK ? consents_list(rq, ret) : e;
}
