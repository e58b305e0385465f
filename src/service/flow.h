/*
 * A flow: one code, or one link, on its way to one address for one purpose. A flow for an
 * identifier nobody has is a decoy: it looks, costs and counts the same, and nothing ever opens it.
 */
#ifndef SERVICE_FLOW_H
#define SERVICE_FLOW_H

#include "service/account.h"
#include "service/idempotency.h"
#include "service/registration.h"
#include "store/flow_store.h"

#define FLOW_VERIFY STR("verify")
#define FLOW_RESET STR("reset")

/* Where a link's parts go in the address of its page. */
#define FLOW_LINK_ID STR("{uidb64}")
#define FLOW_LINK_TOKEN STR("{token}")

/** struct flow_wish - what to make a flow for. */
struct flow_wish {
	struct str purpose;
	const struct identifier *identifier; /* as typed */
	struct str subject_index;
	const struct account
	    *account;       /* whom the message goes to, at their stored address; may be NULL */
	bool decoy;         /* no code opens it; always so without an account */
	struct str message; /* template; empty: none is sent */
	struct str pending; /* sealed; may be empty */
	/* A page's address with {uidb64} and {token} in it: a long token instead of digits, and
	 * tries at it are not counted. Empty: digits. */
	struct str link;
	struct str bound; /* what else the code is good for only; may be empty */
	int64_t life_us;  /* of the code and its flow; 0: as configured */
	const struct idempotency *idempotency;
};

/** struct flow_draft - the rows, made before the transaction that writes them. */
struct flow_draft {
	struct flow_row row;
	bool has_message;
	struct outbox_row message;
	struct verification view;
	struct str link; /* in rq->secrets; empty: a code was made */
};

/** flow_draft() - choose a code, seal, render; touches no store. */
void flow_draft(struct request *rq, const struct flow_wish *wish, struct flow_draft *ret);
/** flow_begin() - inside a transaction: void older ones, insert, post the message. */
MUST_CHECK enum err flow_begin(struct tx *tx, const struct flow_draft *draft);
/**
 * flow_redraft() - a new code for @flow: same row, new hash and times, new message
 * @account:    NULL for a decoy
 * @identifier: as typed; NULL when the caller only showed the flow's id
 */
MUST_CHECK enum err flow_redraft(struct request *rq, const struct flow_row *flow,
    const struct account *account, const struct identifier *identifier, struct flow_draft *ret);
/**
 * flow_answer_retry() - what an earlier call with the same Idempotency-Key was answered
 * @ret_account:  whom that flow belongs to; untouched for a decoy
 * @ret_answered: false when there was none (or the request has no key): go on
 *
 * Returns: OK, ERR_IDEMPOTENCY_CONFLICT, or a machine error.
 */
MAY_YIELD MUST_CHECK enum err flow_answer_retry(struct request *rq,
    const struct idempotency *idempotency, struct account **ret_account, struct verification *ret,
    bool *ret_answered);
/**
 * flow_answer_conflict() - the same, after ERR_CONFLICT: somebody has used the key
 *
 * Returns: OK, ERR_IDEMPOTENCY_CONFLICT (also when that flow is gone), or a machine error.
 */
MAY_YIELD MUST_CHECK enum err flow_answer_conflict(struct request *rq,
    const struct idempotency *idempotency, struct account **ret_account, struct verification *ret);
/**
 * flow_code_hash() - stored form of @code for @flow, under the flow's own key id
 * @bound: what the code is good for only, as flow_wish.bound was
 *
 * Returns: false when that key is gone.
 */
MUST_CHECK bool flow_code_hash(struct request *rq, const struct flow_row *flow, struct str bound,
    struct secret code, struct str *ret);
/** flow_link_read() - what a link's {uidb64} stands for: the bytes of a flow's id, in our own. */
bool flow_link_read(struct request *rq, struct str uidb64, struct str *ret);

#endif
