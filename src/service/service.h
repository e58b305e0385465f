/*
 * What every flow stands on: the stores, lanes and settings of one server, made once by main and
 * read by all. Flows find it in rq->service.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "crypto/breach.h"
#include "crypto/pwhash.h"
#include "crypto/token.h"
#include "kv/kv.h"
#include "outbox/outbox.h"
#include "service/provider.h"

enum reveal_existing {
	REVEAL_NO,  /* same reply for known and unknown identifiers; the owner gets a message */
	REVEAL_409, /* already_registered */
	REVEAL_400, /* validation_failed */
};

enum on_reuse {
	ON_REUSE_REVOKE, /* the session ends, the owner is told */
	ON_REUSE_REFUSE, /* only refused: for a migration's first weeks */
};

enum session_on_limit {
	SESSION_EVICT_OLDEST,
	SESSION_REFUSE_NEW,
};

/** struct rate - "10/min": @max in @window_us. */
struct rate {
	uint32_t max;
	int64_t window_us;
};

/** struct added_role - a [role.NAME] section: a staff role of this installation. */
struct added_role {
	struct str name;
	bool extends_one;
	enum role extends;    /* whose rank and permissions it takes over */
	uint32_t permissions; /* further ones, 1 << enum permission (permissions.h) */
};

struct service_config {
	bool dev;               /* codes in replies, dev inbox */
	struct str environment; /* "production", "staging" */
	struct str
	    default_country; /* ISO 3166-1 alpha-2, e.g. "NG": region of bare phone numbers */

	struct added_role added_roles[ROLE_CUSTOM_MAX]; /* of ROLE_CUSTOM, ROLE_CUSTOM + 1 … */
	size_t n_added_roles;

	struct token_config token;
	bool token_user_id_external; /* the claim carries external_id where there is one */
	int64_t access_ttl_us, refresh_ttl_us, session_ttl_us, grace_us;
	enum on_reuse on_reuse;
	uint32_t session_max[ROLE_COUNT]; /* live at once; 0: any number */
	enum session_on_limit session_on_limit;

	int64_t closed_grace_us;      /* how long a closed account can be restored */
	struct str consents_required; /* "terms:2,privacy:1": what everybody is asked */
	struct str revert_url; /* page for the way back to a former address; has {token} in it */
	int64_t reauth_age_us; /* so old may a sign-in be that proves who they are */

	uint32_t password_min, password_max; /* code points; bytes */
	struct str reset_url; /* page of reset links, with its two marks; empty: codes are sent */
	int64_t reset_ttl_us;
	struct secret django_secret_key; /* empty: no links of the Django system are honoured */
	int64_t django_reset_timeout_us; /* from when Django sent them */
	uint32_t password_min_score;     /* of zxcvbn, 0 to 4 */
	uint32_t password_history;       /* how many old ones may not come back */
	struct str product;              /* a word that passwords are made of */
	enum reveal_existing reveal_existing;
	bool reveal_disabled;
	int64_t refusal_us; /* refused sign-ins are answered on multiples of this; 0: as others */

	uint32_t otp_digits, otp_max_attempts;
	int64_t otp_ttl_us, otp_cooldown_us, otp_flow_ttl_us;
	struct rate otp_sends;          /* per recipient: 5/hour */
	struct rate otp_attempts;       /* per identifier and purpose: 10/hour */
	struct str otp_test_recipients; /* comma-separated; staging only */

	int64_t impersonation_ttl_us;
	struct secret audit_services; /* "name:secret,…": who may report to the audit trail */

	bool throttle_enabled;
	struct rate throttle_burst, throttle_address_burst, throttle_sustained;
	struct rate throttle_adaptive[ROLE_COUNT]; /* per role */
	struct rate throttle_anonymous;
	struct rate login_failures;       /* per identifier (and known device): 10/15min */
	struct rate login_failures_total; /* in a row, over a long time: 100/365d */

	struct provider_config providers[PROVIDER_COUNT];
};

struct service {
	struct service_config config;
	struct store *store;
	struct kv *kv;
	struct outbox *outbox;
	struct pwhash *pwhash;
	struct lane *hash_lane, *blocking_lane;
	struct breach *breach; /* NULL: no list */
	struct net *net;
	struct provider providers[PROVIDER_COUNT]; /* providers_open() */
	/** The ring in use; swapped by SIGHUP. Take a reference with service_keys(). */
	struct keyring *keys;
	void *keys_lock; /* owned: guards @keys while a reference is taken */
};

/** service_init() - take over the first ring; everything else is set by the caller. */
void service_init(struct service *service, struct keyring *keys);
void service_done(struct service *service);
/** service_keys() - a reference to the ring in use. */
struct keyring *service_keys(struct service *service);
/** service_lend_keys() - set rq->keys to the ring in use; given back when the request ends. */
void service_lend_keys(struct request *rq);
/** service_set_keys() - swap the ring in; takes the caller's reference. */
void service_set_keys(struct service *service, struct keyring *keys);
/** service_seal_batch() - store_config.before_commit: seals the batch's audit rows. */
enum err service_seal_batch(struct tx *tx, void *service);
/** service_start_background() - sweeps of expired rows, once the background loop runs. */
MUST_CHECK enum err service_start_background(struct service *service);

#endif
