/*
 * What an operator does to accounts from the command line. Each change writes its audit row in its
 * own transaction; the last active superadmin cannot be taken away.
 */
#ifndef SERVICE_ADMIN_H
#define SERVICE_ADMIN_H

#include "service/account.h"
#include "service/service.h"

/** struct admin_new_user - an account that is verified from the start. */
struct admin_new_user {
	struct str identifier; /* e-mail or phone */
	struct secret password;
	struct str first_name, last_name, country;
	enum role role;
	struct str reason; /* who did it and why, for the audit row */
};

/**
 * admin_user_create() - open an account without a code
 *
 * Returns: OK, ERR_VALIDATION_FAILED with rq->field_errors, ERR_ALREADY_REGISTERED, ERR_OVERLOADED,
 * machine errors.
 */
MAY_YIELD MUST_CHECK enum err admin_user_create(
    struct request *rq, const struct admin_new_user *in, struct account **ret);

/**
 * admin_user_find() - by id, e-mail, phone or external id, whichever @text is
 *
 * Returns: OK, ERR_NOT_FOUND, machine errors.
 */
MAY_YIELD MUST_CHECK enum err admin_user_find(
    struct request *rq, struct str text, struct account **ret);

/** admin_user_list() - a page of accounts in id order; erased ones have no identifier. */
MAY_YIELD MUST_CHECK enum err admin_user_list(
    struct request *rq, const struct user_page *page, struct account ***ret, size_t *ret_n);

/**
 * admin_user_set_state() - disable or enable; disabling ends all sessions at once
 * @state:       USER_ACTIVE or USER_DISABLED
 * @ret_changed: false when it was so already
 *
 * Returns: OK, ERR_CONFLICT (deleted or erased), ERR_LAST_SUPERADMIN, machine errors.
 */
MAY_YIELD MUST_CHECK enum err admin_user_set_state(struct request *rq,
    const struct account *account, enum user_state state, struct str reason, bool *ret_changed);

/**
 * admin_user_set_password() - replace the password, end all sessions, void all tokens, tell them
 *
 * Returns: OK, ERR_VALIDATION_FAILED with rq->field_errors, ERR_CONFLICT (deleted or erased),
 * ERR_OVERLOADED, machine errors.
 */
MAY_YIELD MUST_CHECK enum err admin_user_set_password(
    struct request *rq, const struct account *account, struct secret password, struct str reason);

#endif
