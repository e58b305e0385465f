#include "tests/unit/test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "main/config_file.h"
#include "main/config_table.h"
#include "main/config_value.h"
#include "service/permissions.h"

struct loaded {
	struct arena *arena, *secrets;
	char directory[32];
	struct config *config;
	struct str problem;
	enum err result;
};

static int setup(void **state)
{
	struct loaded *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	l->arena = arena_new(ARENA_PLAIN, 0);
	l->secrets = arena_new(ARENA_WIPING, 0);
	memcpy(l->directory, "/tmp/test-config-XXXXXX", sizeof("/tmp/test-config-XXXXXX"));
	assert_non_null(mkdtemp(l->directory));
	*state = l;
	return 0;
}

static const char *path_of(struct loaded *l, const char *name)
{
	return str_cstr(l->arena, str_printf(l->arena, "%s/%s", l->directory, name));
}

static int teardown(void **state)
{
	struct loaded *l = *state;

	unlink(path_of(l, "conf"));
	unlink(path_of(l, "secret"));
	rmdir(l->directory);
	arena_free(&l->arena);
	arena_free(&l->secrets);
	free(l);
	return 0;
}

static void write_file(struct loaded *l, const char *name, const char *text, mode_t mode)
{
	int fd = open(path_of(l, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static char *const no_variables[] = { NULL };

/* Load with @file's text (NULL: none) and @environment. */
static void load(struct loaded *l, const char *file, char *const *environment, bool dev)
{
	struct config_input input = { .dev = dev, .environment = environment };

	if (file) {
		write_file(l, "conf", file, 0600);
		input.file = path_of(l, "conf");
	}
	l->config = NULL;
	l->problem = STR_NULL;
	l->result = config_load(l->arena, l->secrets, &input, &l->config, &l->problem);
}

static void loads(struct loaded *l, const char *file)
{
	load(l, file, no_variables, false);
	assert_str(l->problem, "");
	assert_int_equal(l->result, OK);
}

/* Does the problem hold @part? */
static void says(struct loaded *l, const char *part)
{
	assert_int_equal(l->result, ERR_VALIDATION_FAILED);
	if (!strstr(str_cstr(l->arena, l->problem), part))
		fail_msg("\"%.*s\" does not say \"%s\"", STR_ARG(l->problem), part);
}

static void refuses(struct loaded *l, const char *file, const char *part)
{
	load(l, file, no_variables, false);
	says(l, part);
}

static void refuses_variable(struct loaded *l, const char *variable, const char *part)
{
	char *entry = str_cstr(l->arena, str_of(variable));
	char *const environment[] = { entry, NULL };

	load(l, NULL, environment, true);
	says(l, part);
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		int64_t us;
	} good[] = {
		{ "0", 0 },
		{ "300", 300 * US_PER_S },
		{ "250ms", 250 * US_PER_MS },
		{ "90s", 90 * US_PER_S },
		{ "5m", 5 * US_PER_MIN },
		{ "24h", US_PER_DAY },
		{ "30d", 30 * US_PER_DAY },
	};
	static const char *const bad[] = {
		"",
		"m",
		"-5",
		"+5",
		"5 m",
		" 5",
		"5x",
		"5M",
		"1.5h",
		"5m30s",
		"999999999999999999d",
		"99999999999999999999",
	};
	int64_t us;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(value_duration(str_of(good[i].text), &us));
		assert_int_equal(us, good[i].us);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(value_duration(str_of(bad[i]), &us));
}

static void rates(void **state)
{
	static const struct {
		const char *text;
		uint32_t max;
		int64_t window_us;
	} good[] = {
		{ "10/min", 10, US_PER_MIN },
		{ "1000/day", 1000, US_PER_DAY },
		{ "5/hour", 5, US_PER_HOUR },
		{ "10/15min", 10, 15 * US_PER_MIN },
		{ "100/365d", 100, 365 * US_PER_DAY },
		{ "1000000000/s", 1000000000, US_PER_S },
	};
	static const char *const bad[] = {
		"",
		"10",
		"10/",
		"/min",
		"10/0min",
		"10/fortnight",
		"10 / min",
		"5000000000/min",
		"-1/min",
		"10/min ",
		"10/min/day",
		"1/99999999999999d",
	};
	struct rate rate;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(value_rate(str_of(good[i].text), &rate));
		assert_int_equal(rate.max, good[i].max);
		assert_int_equal(rate.window_us, good[i].window_us);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(value_rate(str_of(bad[i]), &rate));
}

static void sizes(void **state)
{
	static const char *const bad[] = { "", "KiB", "16kb", "16 KiB", "-1", "9999999999999GiB" };
	int64_t n;

	(void)state;
	assert_true(value_size(STR("16384"), &n));
	assert_int_equal(n, 16384);
	assert_true(value_size(STR("16KiB"), &n));
	assert_int_equal(n, 16384);
	assert_true(value_size(STR("2MiB"), &n));
	assert_int_equal(n, 2 << 20);
	assert_true(value_size(STR("1GiB"), &n));
	assert_int_equal(n, 1 << 30);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(value_size(str_of(bad[i]), &n));
}

static void addresses(void **state)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
	} good[] = {
		{ "127.0.0.1:8080", "127.0.0.1", 8080 },
		{ "0.0.0.0:0", "0.0.0.0", 0 },
		{ "localhost:80", "127.0.0.1", 80 },
		{ "[::1]:8080", "::1", 8080 },
		{ "", "", 0 },
	};
	static const char *const bad[] = {
		"8080",
		":8080",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:65536",
		"127.0.0.1:-1",
		"::1:8080",
		"[127.0.0.1]:80",
		"[::1]",
		"example.com:80",
		"127.0.0.1:80 ",
		"[]:80",
		"1111111111111111111111111111111111111111111111111:80",
	};
	struct listen_address a;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(value_address(str_of(good[i].text), &a));
		assert_string_equal(a.host, good[i].host);
		assert_int_equal(a.port, good[i].port);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(value_address(str_of(bad[i]), &a));
}

static void every_default_is_accepted(void **state)
{
	struct loaded *l = *state;

	loads(l, "");
	load(l, "", no_variables, true);
	assert_int_equal(l->result, OK);
	loads(l, "profile = django\n");
	loads(l, "profile = nist\n");
}

static void defaults_are_those_of_the_product(void **state)
{
	struct loaded *l = *state;
	const struct config *c;

	loads(l, "");
	c = l->config;
	assert_int_equal(c->service.access_ttl_us, 5 * US_PER_MIN);
	assert_int_equal(c->service.refresh_ttl_us, US_PER_DAY);
	assert_int_equal(c->service.session_ttl_us, 30 * US_PER_DAY);
	assert_int_equal(c->service.grace_us, 10 * US_PER_S);
	assert_int_equal(c->service.reset_ttl_us, 30 * US_PER_MIN);
	assert_int_equal(c->service.django_reset_timeout_us, 3 * US_PER_DAY);
	assert_int_equal(c->service.otp_digits, 6);
	assert_int_equal(c->service.otp_ttl_us, 5 * US_PER_MIN);
	assert_int_equal(c->service.otp_max_attempts, 5);
	assert_int_equal(c->service.otp_cooldown_us, US_PER_MIN);
	assert_int_equal(c->service.throttle_burst.max, 10);
	assert_int_equal(c->service.throttle_sustained.max, 1000);
	assert_int_equal(c->service.throttle_sustained.window_us, US_PER_DAY);
	assert_int_equal(c->service.throttle_adaptive[ROLE_VENDOR].max, 300);
	assert_int_equal(c->service.throttle_adaptive[ROLE_SUPERADMIN].max, 1200);
	assert_int_equal(c->pwhash.iterations, 1200000);
	assert_int_equal(c->service.password_min, 8);
	assert_int_equal(c->service.password_max, 1024);
	assert_int_equal(c->http.limits.body, 16 << 10);
	assert_int_equal(c->http.limits.head, 8 << 10);
	assert_int_equal(c->http.uniform_us, 50 * US_PER_MS);
	assert_int_equal(c->api.errors, ERRORS_ENVELOPE);
	assert_int_equal(c->service.reveal_existing, REVEAL_NO);
	assert_int_equal(c->service.on_reuse, ON_REUSE_REVOKE);
	assert_int_equal(c->log.format, LOG_FORMAT_JSON);
	assert_false(c->api.v2_on_workers);
	assert_true(c->service.throttle_enabled);
	assert_str(c->service.token.user_id_claim, "user_id");
	assert_str(c->store.url, "sqlite:/var/lib/cloakroom/cloakroom.db");
}

/* A link leads to a page the operator named, and holds both its parts. */
static void reset_links_lead_to_a_page_that_was_named(void **state)
{
	static const char *const no_pages[] = {
		"password.reset_url = /reset/{uidb64}/{token}\n",
		"password.reset_url = shop.example.com/reset/{uidb64}/{token}\n",
		"password.reset_url = http://shop.example.com/reset/{uidb64}/{token}\n",
		"password.reset_url = https://shop.example.com/reset/{token}\n",
		"password.reset_url = https://shop.example.com/reset/{uidb64}\n",
		"password.reset_url = https://shop.example.com/{uidb64}/{token}/{token}\n",
		"password.reset_url = https://{uidb64}.example.com/{token}\n",
		"password.reset_url = https://shop.example.com?uid={uidb64}&token={token}\n",
		"password.reset_url = \"https://shop.example.com/a b/{uidb64}/{token}\"\n",
	};
	struct loaded *l = *state;

	for (size_t i = 0; i < ARRAY_LEN(no_pages); i++)
		refuses(l, no_pages[i], "password.reset_url must be like");
	loads(l, "password.reset_url = \"https://shop.example.com/r#{uidb64}/{token}\"\n");
	assert_str(l->config->service.reset_url, "https://shop.example.com/r#{uidb64}/{token}");
	loads(l, "public_url = https://auth.example.com\n");
	assert_str(l->config->service.reset_url, "https://auth.example.com/reset/{uidb64}/{token}");
	loads(l, "");
	assert_str(l->config->service.reset_url, "");
	load(l, "", no_variables, true);
	assert_int_equal(l->result, OK);
	assert_str(l->config->service.reset_url, "http://127.0.0.1:8080/reset/{uidb64}/{token}");
	load(l, "server.listen = [::1]:80\n", no_variables, true);
	assert_int_equal(l->result, OK);
	assert_str(l->config->service.reset_url, "http://[::1]:80/reset/{uidb64}/{token}");
}

/* One truth: the table repeats what http itself would choose. */
static void http_defaults_are_those_of_http(void **state)
{
	struct loaded *l = *state;

	loads(l, "");
	assert_memory_equal(&l->config->http, &http_config_default, sizeof(http_config_default));
}

static void dev_has_its_own_defaults(void **state)
{
	struct loaded *l = *state;

	load(l, "", no_variables, true);
	assert_int_equal(l->result, OK);
	assert_true(l->config->service.dev && l->config->api.dev && l->config->outbox.dev_inbox);
	assert_int_equal(l->config->log.format, LOG_FORMAT_TEXT);
	assert_str(l->config->store.url, "sqlite:data.dev/cloakroom.db");
	assert_str(config_value(l->config, "log.format")->where, "--dev");
}

static void a_profile_moves_defaults_together(void **state)
{
	struct loaded *l = *state;

	loads(l, "profile = \"django\"\n");
	assert_int_equal(l->config->api.errors, ERRORS_DRF);
	assert_int_equal(l->config->service.reveal_existing, REVEAL_400);
	assert_int_equal(l->config->service.reset_ttl_us, US_PER_DAY);
	assert_true(l->config->keys.allow_short_token_secret);
	assert_str(config_value(l->config, "errors.style")->where, "profile");

	loads(l, "profile = nist\n");
	assert_int_equal(l->config->service.password_min, 15);
	assert_int_equal(l->config->api.errors, ERRORS_ENVELOPE);
	assert_false(l->config->keys.allow_short_token_secret);
}

static void what_is_set_wins_over_the_profile(void **state)
{
	struct loaded *l = *state;

	loads(l, "errors.style = problem\nprofile = django\n");
	assert_int_equal(l->config->api.errors, ERRORS_PROBLEM);
}

static void sections_comments_and_quotes(void **state)
{
	struct loaded *l = *state;

	loads(l, "# first\r\n"
		 "  profile=none   # a comment\n"
		 "token.issuer = https://a.example/#here\n"
		 "\n"
		 "[ token ]\n"
		 "\taudience = \"two # words \\\"quoted\\\" \\\\\"  # and a comment\n"
		 "[session.max]\n"
		 "vendor = 3");
	assert_str(l->config->service.token.issuer, "https://a.example/#here");
	assert_str(l->config->service.token.audience, "two # words \"quoted\" \\");
	assert_int_equal(l->config->service.session_max[ROLE_VENDOR], 3);
	assert_true(str_ends(config_value(l->config, "session.max.vendor")->where, STR("conf:8")));
}

static void a_broken_file_is_refused_with_its_line(void **state)
{
	struct loaded *l = *state;

	refuses(l, "\n\nprofile\n", "line 3 is not of the form name = value");
	refuses(l, "[token\n", "line 1 begins a section but does not end in ]");
	refuses(l, "[]\n", "line 1 begins a section");
	refuses(l, "[to ken]\n", "line 1 has a section whose name");
	refuses(l, "Profile = none\n", "line 1 has a name");
	refuses(l, "= none\n", "line 1 has a name");
	refuses(l, "token.issuer = \"a\n", "no closing quote");
	refuses(l, "token.issuer = \"a\" b\n", "text after the closing quote");
	refuses(l, "token.issuer = \"\\n\"\n", "has a \\");
	refuses(l, "token.issuer = \xff\n", "not UTF-8");
	refuses(l, "profile = none\nprofile = nist\n", "conf:2: profile is set already, at ");
}

static void roles_are_added(void **state)
{
	char variable[] = "CLOAKROOM_ROLE_TAILOR_MAX_SESSIONS=3";
	char *const environment[] = { variable, NULL };
	struct loaded *l = *state;
	const struct service_config *service;

	load(l,
	    "throttle.support = 77/min\n"
	    "[role.tailor]\npermissions = users.read, audit.read\nmax_sessions = 2\n"
	    "[role.chief_tailor]\nrate = 9/min\nextends = admin\n",
	    environment, false);
	assert_str(l->problem, "");
	service = &l->config->service;
	assert_int_equal(service->n_added_roles, 2);
	assert_str(service->added_roles[0].name, "tailor");
	assert_false(service->added_roles[0].extends_one);
	assert_int_equal(service->added_roles[0].permissions,
	    UINT32_C(1) << PERM_USERS_READ | UINT32_C(1) << PERM_AUDIT_READ);
	assert_int_equal(service->throttle_adaptive[ROLE_CUSTOM].max, 77);
	assert_int_equal(service->session_max[ROLE_CUSTOM], 3);
	assert_int_equal(service->added_roles[1].extends, ROLE_ADMIN);
	assert_int_equal(service->throttle_adaptive[ROLE_CUSTOM + 1].max, 9);
}

static void a_broken_role_is_refused(void **state)
{
	struct loaded *l = *state;

	refuses(l, "[role.tailor]\nextends = boss\n", "role.tailor.extends must be support, ");
	refuses(
	    l, "[role.tailor]\nextends = superadmin\n", "role.tailor.extends must be support, ");
	refuses(l, "[role.tailor]\nextends = client\n", "role.tailor.extends must be support, ");
	refuses(l, "[role.tailor]\npermissions = users.love\n", "names a permission users.love");
	refuses(l, "[role.tailor]\nrate = often\n", "must be a rate like 600/min");
	refuses(l, "[role.tailor]\nmax_sessions = -1\n", "whole number from 0 to 1000");
	refuses(l, "[role.tailor]\ncolour = red\n", "conf:2: a role has extends, permissions");
	refuses(l, "[role.admin]\nrate = 1/min\n", "changes a built-in role");
	refuses(l, "[role.tail.or]\nrate = 1/min\n", "not one word of small letters");
	refuses(l, "[role.a]\nrate = 1/min\n[role.a]\nrate = 2/min\n", "is set already, at ");
}

static void an_unknown_setting_is_named_with_the_nearest(void **state)
{
	struct loaded *l = *state;

	refuses(l, "[token]\nacess_ttl = 5m\n",
	    "conf:2: there is no setting token.acess_ttl. Did you mean token.access_ttl?");
	refuses(l, "quite.unlike_anything = 1\n", "there is no setting quite.unlike_anything.");
	assert_null(strstr(str_cstr(l->arena, l->problem), "mean"));
	refuses_variable(l, "CLOAKROOM_TOKEN_ACESS_TTL=5m",
	    "There is no setting CLOAKROOM_TOKEN_ACESS_TTL. Did you mean CLOAKROOM_TOKEN_ACCESS_TTL?");
	refuses_variable(
	    l, "CLOAKROOM_LOG_LEVEL_FILE=/dev/null", "no setting CLOAKROOM_LOG_LEVEL_FILE");
}

static void wrong_values_are_refused_by_name(void **state)
{
	struct loaded *l = *state;

	refuses(l, "token.access_ttl = soon\n", "token.access_ttl must be a time like");
	refuses(l, "token.access_ttl = soon\n", "not \"soon\"");
	refuses(l, "token.access_ttl = 2d\n", "token.access_ttl must be at most 1d");
	refuses(l, "token.access_ttl = 0\n", "token.access_ttl must be at least 1s");
	refuses(l, "throttle.enabled = yes\n", "throttle.enabled must be true or false");
	refuses(l, "throttle.burst = 10\n", "throttle.burst must be a rate");
	refuses(l, "throttle.burst = 0/min\n", "throttle.burst must be a rate");
	refuses(l, "errors.style = xml\n", "errors.style must be envelope, drf or problem");
	refuses(l, "environment = moon\n", "environment must be production or staging");
	refuses(l, "server.max_body = lots\n", "server.max_body must be a size");
	refuses(l, "server.max_body = 2MiB\n", "server.max_body must be at most 1MiB");
	refuses(l, "server.listen = 8080\n", "server.listen must be a numeric address");
	refuses(l, "sync.workers = many\n", "sync.workers must be a whole number");
	refuses(l, "sync.workers = 0\n", "sync.workers must be at least 1");
	refuses(l, "sync.workers = -1\n", "sync.workers must be a whole number");
	refuses(l, "server.max_connections = 5000000000\n", "must be at most 4294967295");
	refuses(l, "security.uniform_ms = 2000\n", "security.uniform_ms must be at most 1000");
	refuses(l, "mail.product =\n", "mail.product must be at least 1 bytes");
	refuses(l, "token.algorithm = none\n", "token.algorithm must be HS256");
}

static void weak_hashes_are_for_dev(void **state)
{
	struct loaded *l = *state;

	refuses(l, "password.iterations = 599999\n", "less is for --dev only");
	load(l, "password.iterations = 1000\n", no_variables, true);
	assert_int_equal(l->result, OK);
	assert_int_equal(l->config->pwhash.iterations, 1000);
}

static void settings_must_fit_together(void **state)
{
	struct loaded *l = *state;

	refuses(l, "token.access_ttl = 1h\ntoken.refresh_ttl = 30m\n", "token.access_ttl must not");
	refuses(l, "token.refresh_ttl = 31d\n", "token.refresh_ttl must not be longer");
	refuses(l, "otp.ttl = 2h\n", "otp.ttl must not be longer");
	refuses(l, "outbox.first_retry = 2h\n", "outbox.first_retry must not be longer");
	refuses(l, "otp.test_recipients = a@b.example\n", "environment = staging only");
	loads(l, "otp.test_recipients = a@b.example\nenvironment = staging\n");
	refuses(l, "smtp.url = mail.example.com\n", "smtp.url must begin with");
	refuses(l, "smtp.url = smtp://mail.example.com\n", "mail.from must be set");
	loads(l, "smtp.url = smtp://mail.example.com\nmail.from = a@b.example\n");
	refuses(l, "sms.url = http://sms.example.com\nsms.from = A\n", "sms.url must begin with");
	refuses(l, "sms.url = https://sms.example.com\n", "sms.from must be set");
	refuses(l, "public_url = auth.example.com\n", "public_url must be like");
	refuses(l, "public_url = http://auth.example.com\n", "public_url must be like");
	refuses(l, "public_url = https://auth.example.com/\n", "public_url must be like");
	loads(l, "public_url = https://auth.example.com:8443\n");
	refuses(l, "cors.origins = *\n", "cors.origins: * is not an origin");
	refuses(l, "cors.origins = https://a.example,b.example\n", "b.example is not an origin");
	loads(l, "cors.origins = https://a.example, http://localhost:3000\n");
	refuses(l, "trusted_proxies = 10.0.0.0/33\n", "trusted_proxies: 10.0.0.0/33");
	refuses(l, "trusted_proxies = ::1/129\n", "trusted_proxies: ::1/129");
	refuses(l, "trusted_proxies = 10.0.0.0/-1\n", "trusted_proxies");
	refuses(l, "trusted_proxies = proxy\n", "trusted_proxies: proxy");
	loads(l, "trusted_proxies = 127.0.0.1, 10.0.0.0/8, fd00::/8\n");
	refuses(l, "default_country = Nigeria\n", "default_country: Nigeria");
	refuses(l, "default_country = ng\n", "default_country: ng");
	loads(l, "default_country = NG\n");
	refuses(l, "forwarder.secret = short\n", "forwarder.secret must be at least 16 bytes");
}

static void the_environment_wins_over_the_file_and_a_flag_over_both(void **state)
{
	struct loaded *l = *state;
	char variable[] = "CLOAKROOM_SERVER_LISTEN=127.0.0.1:2", empty[] = "CLOAKROOM_LOG_LEVEL=";
	char other[] = "PATH=/bin", corpora[] = "CLOAKROOM_CORPORA=/x",
	     hook[] = "CLOAKROOM_TEST_X=1";
	char *const environment[] = { other, variable, empty, corpora, hook, NULL };
	const struct config_flag flag = { "server.listen", "127.0.0.1:3", "--listen" };
	struct config_input input = {
		.environment = environment,
		.file = path_of(l, "conf"),
	};

	load(l, "server.listen = 127.0.0.1:1\n", environment, false);
	assert_int_equal(l->result, OK);
	assert_int_equal(l->config->listen.port, 2);
	assert_str(config_value(l->config, "server.listen")->where, "CLOAKROOM_SERVER_LISTEN");
	assert_str(config_value(l->config, "log.level")->where, "default");

	input.flags = &flag;
	input.n_flags = 1;
	assert_int_equal(config_load(l->arena, l->secrets, &input, &l->config, &l->problem), OK);
	assert_int_equal(l->config->listen.port, 3);
	assert_str(config_value(l->config, "server.listen")->where, "--listen");
}

static void the_file_may_be_named_by_the_environment(void **state)
{
	struct loaded *l = *state;
	char *variable =
	    str_cstr(l->arena, str_printf(l->arena, "CLOAKROOM_CONFIG=%s/conf", l->directory));
	char *const environment[] = { variable, NULL };

	write_file(l, "conf", "log.level = debug\n", 0600);
	load(l, NULL, environment, true);
	assert_int_equal(l->result, OK);
	assert_int_equal(l->config->log.level, LOG_LEVEL_DEBUG);
	unlink(path_of(l, "conf"));
	load(l, NULL, environment, true);
	says(l, "The configuration file");
}

static void secrets_may_come_from_files(void **state)
{
	struct loaded *l = *state;
	char *by_file = str_cstr(
	    l->arena, str_printf(l->arena, "CLOAKROOM_TOKEN_SECRET_FILE=%s/secret", l->directory));
	char plain[] = "CLOAKROOM_TOKEN_SECRET=other";
	char *const one[] = { by_file, NULL }, *const both[] = { by_file, plain, NULL };

	write_file(l, "secret", "0:c2VjcmV0\n", 0600);
	load(l, NULL, one, true);
	assert_int_equal(l->result, OK);
	assert_str(secret_reveal(l->config->keys.token_secret), "0:c2VjcmV0");
	load(l, NULL, both, true);
	says(l, "CLOAKROOM_TOKEN_SECRET_FILE and CLOAKROOM_TOKEN_SECRET are both set");
	unlink(path_of(l, "secret"));
	load(l, NULL, one, true);
	says(l, "CLOAKROOM_TOKEN_SECRET_FILE: ");
}

static void a_line_may_name_a_secrets_file(void **state)
{
	struct loaded *l = *state;
	const char *text = str_cstr(
	    l->arena, str_printf(l->arena, "token.secret_file = %s/secret\n", l->directory));

	write_file(l, "secret", "0:c2VjcmV0\n", 0600);
	loads(l, text);
	assert_str(secret_reveal(l->config->keys.token_secret), "0:c2VjcmV0");
	load(l, str_cstr(l->arena, str_printf(l->arena, "token.secret = other\n%s", text)), NULL,
	    true);
	says(l, "token.secret_file is set already");
	unlink(path_of(l, "secret"));
	load(l, text, NULL, true);
	says(l, "secret");
	load(l, "log.level_file = /dev/null\n", NULL, true);
	says(l, "there is no setting log.level_file");
}

static void secrets_are_never_shown(void **state)
{
	struct loaded *l = *state;
	struct buf out;
	char *shown;

	loads(l, "token.secret = hush-hush\nsmtp.url = smtp://ada:hush@mail.example.com:25\n"
		 "mail.from = a@b.example\nredis.url = redis://:hush@cache.example.com\n");
	buf_init(&out, l->arena, 4096);
	config_print(l->config, &out);
	shown = str_cstr(l->arena, buf_str(&out));
	assert_null(strstr(shown, "hush"));
	assert_non_null(strstr(shown, "smtp://...@mail.example.com:25"));
	assert_str(config_value(l->config, "token.secret")->text, "(set)");
	assert_str(config_value(l->config, "master.key")->text, "(not set)");
	/* Nor in the sentence about a wrong one. */
	refuses(l, "database.url =\n", "database.url must be at least 1 bytes long (");
}

static void warnings(void **state)
{
	struct loaded *l = *state;
	struct config_input input = { .environment = no_variables, .file = path_of(l, "conf") };

	loads(l, "token.legacy_until = x\n");
	assert_int_equal(l->config->n_warnings, 1);
	assert_str(l->config->warnings[0],
	    "token.legacy_until is set, but nothing in this version reads it.");
	write_file(l, "conf", "master.key = x\n", 0644);
	assert_int_equal(config_load(l->arena, l->secrets, &input, &l->config, &l->problem), OK);
	assert_int_equal(l->config->n_warnings, 1);
	assert_true(str_ends(l->config->warnings[0], STR("chmod 600.")));
	loads(l, "master.key = x\n");
	assert_int_equal(l->config->n_warnings, 0);
}

static void loosened_settings_are_listed(void **state)
{
	struct loaded *l = *state;
	struct buf out;

	buf_init(&out, l->arena, 4096);
	loads(l, "");
	assert_int_equal(config_print_loosened(l->config, &out), 0);
	loads(l, "security.uniform_ms = 0\nthrottle.burst = 11/min\nthrottle.sustained = 999/day\n"
		 "token.on_reuse = refuse\npassword.min_length = 9\notp.max_attempts = 4\n");
	assert_int_equal(config_print_loosened(l->config, &out), 3);
	assert_true(str_starts(buf_str(&out), STR("token.on_reuse is refuse (")));
}

static void paths_of_the_database(void **state)
{
	struct loaded *l = *state;

	loads(l, "data_dir = /d\ndatabase.url = sqlite:x/y.db\n");
	assert_str(l->config->store.url, "sqlite:/d/x/y.db");
	loads(l, "data_dir = /d\ndatabase.url = sqlite:/x/y.db\n");
	assert_str(l->config->store.url, "sqlite:/x/y.db");
	refuses(l, "database.url = mysql://db.example.com/x\n", "database.url must be sqlite:");
}

static void rows_are_in_order(void **state)
{
	(void)state;
	for (const struct setting *s = settings; s->name; s++) {
		assert_int_equal(setting_find(str_of(s->name)), s - settings);
		assert_true(s->doc && strlen(s->doc) > 0 && s->doc[strlen(s->doc) - 1] == '.');
		assert_non_null(s->value);
		assert_true(s->type == SETTING_UNREAD || s->size > 0);
		assert_true((s->type == SETTING_CHOICE) <= (s->choices != NULL));
		assert_true((s->type == SETTING_SECRET) <= ((s->flags & SETTING_HIDDEN) != 0));
	}
	assert_int_equal(setting_find(STR("token")), -1);
}

static void every_name_others_rely_on_is_there(void **state)
{
	static const char *const names[] = {
		"DATABASE_URL",
		"DATABASE_REPLICA_URL",
		"REDIS_URL",
		"PUBLIC_URL",
		"TOKEN_ALGORITHM",
		"TOKEN_SECRET",
		"TOKEN_ACCESS_TTL",
		"TOKEN_REFRESH_TTL",
		"TOKEN_GRACE",
		"TOKEN_ISSUER",
		"TOKEN_AUDIENCE",
		"PASSWORD_HASHER",
		"PASSWORD_ITERATIONS",
		"THROTTLE_ENABLED",
		"THROTTLE_BURST",
		"THROTTLE_SUSTAINED",
		"THROTTLE_ADDRESS_BURST",
		"TRUSTED_PROXIES",
		"SMTP_URL",
		"SMS_URL",
		"GOOGLE_CLIENT_ID",
		"GOOGLE_CLIENT_SECRET",
		"GOOGLE_ISSUER",
		"SYNC_WORKERS",
		"LOOP_THREADS",
		"METRICS_LISTEN",
		"MASTER_KEY",
		"SECURITY_UNIFORM_MS",
		"PROFILE",
		"STORE_DELAY_MS",
	};
	struct loaded *l = *state;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct str wanted = str_printf(l->arena, "CLOAKROOM_%s", names[i]);
		bool found = false;

		for (const struct setting *s = settings; s->name; s++)
			found |= str_eq(setting_variable(l->arena, s), wanted);
		if (!found)
			fail_msg("no setting is %.*s", STR_ARG(wanted));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations),
		cmocka_unit_test(rates),
		cmocka_unit_test(sizes),
		cmocka_unit_test(addresses),
		cmocka_unit_test_setup_teardown(every_default_is_accepted, setup, teardown),
		cmocka_unit_test_setup_teardown(defaults_are_those_of_the_product, setup, teardown),
		cmocka_unit_test_setup_teardown(http_defaults_are_those_of_http, setup, teardown),
		cmocka_unit_test_setup_teardown(dev_has_its_own_defaults, setup, teardown),
		cmocka_unit_test_setup_teardown(a_profile_moves_defaults_together, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_set_wins_over_the_profile, setup, teardown),
		cmocka_unit_test_setup_teardown(sections_comments_and_quotes, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_broken_file_is_refused_with_its_line, setup, teardown),
		cmocka_unit_test_setup_teardown(roles_are_added, setup, teardown),
		cmocka_unit_test_setup_teardown(a_broken_role_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    an_unknown_setting_is_named_with_the_nearest, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_values_are_refused_by_name, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    reset_links_lead_to_a_page_that_was_named, setup, teardown),
		cmocka_unit_test_setup_teardown(weak_hashes_are_for_dev, setup, teardown),
		cmocka_unit_test_setup_teardown(settings_must_fit_together, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    the_environment_wins_over_the_file_and_a_flag_over_both, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    the_file_may_be_named_by_the_environment, setup, teardown),
		cmocka_unit_test_setup_teardown(secrets_may_come_from_files, setup, teardown),
		cmocka_unit_test_setup_teardown(a_line_may_name_a_secrets_file, setup, teardown),
		cmocka_unit_test_setup_teardown(secrets_are_never_shown, setup, teardown),
		cmocka_unit_test_setup_teardown(warnings, setup, teardown),
		cmocka_unit_test_setup_teardown(loosened_settings_are_listed, setup, teardown),
		cmocka_unit_test_setup_teardown(paths_of_the_database, setup, teardown),
		cmocka_unit_test(rows_are_in_order),
		cmocka_unit_test_setup_teardown(
		    every_name_others_rely_on_is_there, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
