/* Where the keys come from when no setting names them: files of the data directory. */
#ifndef MAIN_SECRETS_H
#define MAIN_SECRETS_H

#include "main/config.h"

enum secrets_policy {
	SECRETS_CONFIGURED,     /* only what is configured: a server outside --dev */
	SECRETS_READ,           /* what an earlier --dev made: commands beside it */
	SECRETS_READ_OR_CREATE, /* --dev */
};

/**
 * secrets_complete() - see that config->keys is there
 * @secrets: a wiping arena; owns what is read or made
 *
 * Returns: OK, or ERR_UNAVAILABLE with a sentence that says how to make one.
 */
MUST_CHECK enum err secrets_complete(struct config *config, int dir_fd, enum secrets_policy policy,
    struct arena *secrets, struct str *ret_problem);

#endif
