/*
 * The settings of one process: read once from defaults, the profile, the file, the environment and
 * the command line (later ones win), checked, and never changed afterwards. Which settings there
 * are stands in config_table.c; each row says where its value goes in struct config, most of which
 * are the configurations of the other folders.
 */
#ifndef MAIN_CONFIG_H
#define MAIN_CONFIG_H

#include "api/api.h"
#include "base/log.h"
#include "http/server.h"
#include "net/tls.h"
#include "service/service.h"

enum config_profile {
	PROFILE_NONE,
	PROFILE_DJANGO, /* as the Django system answered */
	PROFILE_NIST,   /* NIST SP 800-63B */
};

/** struct listen_address - a numeric address and a port; the host is empty when there is none. */
struct listen_address {
	char host[46];
	uint16_t port;
};

/** enum config_source - where a value came from; a later one wins over an earlier one. */
enum config_source {
	CONFIG_DEFAULT,
	CONFIG_DEV,
	CONFIG_PROFILE,
	CONFIG_FILE,
	CONFIG_ENVIRONMENT,
	CONFIG_FLAG,
};

/** struct config_value - one setting as text; of a secret only whether it is set. */
struct config_value {
	struct str text;
	enum config_source source;
	struct str where; /* "cloakroom.conf:12", "CLOAKROOM_SERVER_LISTEN", "--listen" */
};

/** struct role_setting - one line of a [role.NAME] section. */
struct role_setting {
	struct str role, key; /* "tailor", "extends" */
	struct config_value value;
};

struct config {
	bool dev;
	enum config_profile profile;
	struct str file; /* the one read; empty: none */
	struct str data_dir;
	struct listen_address listen, metrics_listen, tls_listen;
	struct tls_config tls;
	int64_t drain_us;      /* SIGTERM: how long what is in flight may take */
	unsigned hash_workers; /* 0: one a core */
	int64_t hash_queue_us; /* measured work admitted for each of them */
	size_t hash_memory;    /* of hashes that run at once */
	unsigned blocking_workers;
	struct str token_algorithm;

	struct log_config log;
	struct http_config http;
	struct api_config api;
	struct service_config service;
	struct pwhash_config pwhash;
	struct str breached_file; /* empty: none */
	struct outbox_config outbox;
	struct store_config store;
	struct kv_config kv;
	struct net_config net;
	struct keyring_config keys;

	struct config_value *values; /* one for each row of the table, in its order */
	struct role_setting *roles;  /* of all added roles, in the order of their first lines */
	size_t n_roles;
	struct str *warnings; /* sentences for the log */
	size_t n_warnings;
};

/** struct config_flag - a setting given on the command line. */
struct config_flag {
	const char *name; /* "server.listen" */
	const char *value;
	const char *where; /* "--listen" */
};

/** struct config_input - everything a configuration is read from; borrowed. */
struct config_input {
	bool dev;
	const char *file; /* NULL: CLOAKROOM_CONFIG, else CONFIG_DEFAULT_FILE where there is one */
	char *const *environment;
	const struct config_flag *flags;
	size_t n_flags;
};

#define CONFIG_DEFAULT_FILE "/etc/cloakroom/cloakroom.conf"

/**
 * config_load() - read, check, fill in
 * @arena:       owns the result
 * @secrets:     a wiping arena; owns its secrets
 * @ret_problem: on failure a sentence that names the setting, in @arena
 *
 * Returns: OK or ERR_VALIDATION_FAILED.
 */
MUST_CHECK enum err config_load(struct arena *arena, struct arena *secrets,
    const struct config_input *input, struct config **ret, struct str *ret_problem);

/** config_value() - the value of setting @name, which is in the table. */
const struct config_value *config_value(const struct config *config, const char *name);

/** config_print() - every setting with its value and where it came from, for people. */
void config_print(const struct config *config, struct buf *out);
/** config_print_man() - every setting as mdoc(7) items, for cloakroom.conf(5). */
void config_print_man(struct buf *out);
/** config_print_loosened() - a line for each setting that guards less than its default. */
size_t config_print_loosened(const struct config *config, struct buf *out);

#endif
