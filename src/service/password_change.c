#include "service/password_change.h"

#include "base/log.h"
#include "service/audit.h"
#include "service/new_password.h"
#include "service/password.h"
#include "service/session.h"
#include "service/throttle.h"

struct change {
	struct request *rq;
	const struct account *account;
	struct secret current, wanted;
	struct new_password next;
	struct session_user found;
};

/* What is no password of anybody's costs no hash; neither does what would change nothing. */
static enum err check_input(const struct change *c)
{
	struct str field = STR("new_password");
	enum err current = password_check_length(c->rq, STR("current_password"), c->current);
	enum err wanted = password_check_length(c->rq, field, c->wanted);

	if (current != OK)
		return current;
	if (wanted == OK && secret_equal(c->current, c->wanted))
		wanted = request_refuse_field(c->rq, field, TEXT_PASSWORD_SAME, NULL, 0);
	return wanted == OK ? OK : fault(c->rq, ERR_PASSWORD_REJECTED, "too long, or the same");
}

static enum err refuse_current(const struct change *c)
{
	struct audit_entry entry = {
		.event = STR("password.change_failed"),
		.outcome = ERR_INVALID_CREDENTIALS,
		.subject = c->account,
		.session = &c->rq->actor.session_id,
	};
	enum err e = audit_write(c->rq, &entry);

	if (e != OK)
		return e;
	(void)fault(c->rq, ERR_VALIDATION_FAILED, "wrong current password");
	return request_refuse_field(c->rq, STR("current_password"), TEXT_PASSWORD_WRONG, NULL, 0);
}

static enum err change_tx(struct tx *tx, void *arg)
{
	struct change *c = arg;

	return new_password_write(c->rq, tx, &c->next);
}

/* ERR_PRECONDITION_FAILED: the person changed since they were read; nothing is written. */
static enum err decide(struct change *c)
{
	struct request *rq = c->rq;
	bool match = false;
	enum err e = password_verify(rq, c->current, c->account->row.password, &match);

	if (e != OK)
		return e;
	if (!match)
		return refuse_current(c);
	/* It was its owner who tried. What cannot be forgiven now leaves its window by itself. */
	if (throttle_forgive_own(rq) != OK)
		log_debug("tries were not forgiven");
	c->next = (struct new_password){
		.account = c->account,
		.event = STR("password.changed"),
		.reason = STR("password_changed"),
		.session = rq->actor.session_id,
	};
	e = new_password_make(rq, &c->next, c->wanted);
	if (e != OK)
		return e;
	new_password_draft(rq, &c->next);
	e = store_tx(rq->service->store, rq, change_tx, c);
	if (e == OK)
		outbox_ring(rq->service->outbox);
	return e;
}

static enum err find_tx(struct tx *tx, void *arg)
{
	struct change *c = arg;

	return session_for_access(tx, c->rq->actor.session_id, &c->found);
}

/* Whatever changed may have ended this session as well. */
static enum err read_again(struct change *c)
{
	struct account *account;
	enum err e = store_read(c->rq->service->store, c->rq, STORE_PRIMARY, find_tx, c);

	if (e != OK)
		return e;
	if (!c->found.found || c->found.session.ended_at_us || c->found.user.state != USER_ACTIVE)
		return fault(c->rq, ERR_TOKEN_REVOKED, "the session ended meanwhile");
	e = account_open(c->rq, &c->found.user, &account);
	if (e == OK)
		c->account = account;
	return e;
}

enum err password_change(struct request *rq, struct secret current, struct secret wanted)
{
	struct change c = {
		.rq = rq,
		.account = rq->account,
		.current = current,
		.wanted = wanted,
	};
	enum err e = check_input(&c);

	if (e == OK)
		e = password_room(rq);
	if (e == OK)
		e = throttle_own_password(rq, STR("password_change"));
	for (int tries = 0; e == OK && tries < SESSION_TRIES; tries++) {
		e = decide(&c);
		if (e != ERR_PRECONDITION_FAILED)
			return e;
		e = read_again(&c);
	}
	return e == OK ? session_unsettled(rq) : e;
}
