/*
 * Where else people have accounts: one entry a provider, with what it needs to know us by. The
 * proof of an account there becomes a struct proven_identity here.
 */
#ifndef SERVICE_PROVIDER_H
#define SERVICE_PROVIDER_H

#include "base/secret.h"
#include "service/issuer.h"

enum provider_id {
	PROVIDER_GOOGLE,
	PROVIDER_COUNT,
};

struct provider_config {
	struct str client_ids; /* comma-separated, the first is the web client's; empty: not used */
	struct secret client_secret;
	struct str issuer;        /* of ID tokens */
	struct str hosted_domain; /* Google Workspace domain people must belong to; empty: any */
	struct str redirect_uris; /* comma-separated; compared byte for byte */
};

struct provider {
	struct str name; /* in paths, rows and auth_provider */
	const struct provider_config *config;
	struct issuer *issuer; /* NULL: the provider is not configured */
};

/** providers_open() - fill in @ret from @configs, which outlive it; fetches nothing. */
void providers_open(const struct provider_config configs[static PROVIDER_COUNT], struct net *net,
    struct provider ret[static PROVIDER_COUNT]);
void providers_close(struct provider providers[static PROVIDER_COUNT]);
/** provider_name() - "google". */
struct str provider_name(enum provider_id id);

/** struct code_grant - an authorization code and what it was asked for with. */
struct code_grant {
	struct secret code;
	struct secret verifier; /* RFC 7636 */
	struct str redirect_uri;
};

/**
 * provider_redeem() - exchange a code for an ID token at the provider's token endpoint
 * @ret: in rq->secrets; not judged yet
 *
 * Returns: OK, ERR_IDENTITY_INVALID (the provider refused the code), ERR_UNAVAILABLE.
 */
MAY_YIELD MUST_CHECK enum err provider_redeem(struct request *rq, struct net *net,
    const struct provider *provider, const struct code_grant *grant, struct str *ret);

/** providers_refresh_loop() - background: keep every issuer's keys fresh. @arg: providers. */
void providers_refresh_loop(void *service);

#endif
