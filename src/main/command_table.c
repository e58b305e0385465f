#include "main/command.h"

static const struct option_row serve_options[] = {
	{ "--listen", "HOST:PORT", "Listen there; the setting is server.listen." },
	{ 0 },
};
static const struct option_row migrate_options[] = {
	{ "--plan", NULL, "Only say what would be done." },
	{ 0 },
};
static const struct option_row move_options[] = {
	{ "--from", "URL", "sqlite:PATH of the file." },
	{ "--to", "URL", "postgresql://…; left out, database.url." },
	{ 0 },
};
#define PASSWORD_STDIN                                                             \
	{                                                                          \
		"--password-stdin", NULL, "Read the password from standard input." \
	}
#define REASON                                                      \
	{                                                           \
		"--reason", "TEXT", "Why; kept in the audit trail." \
	}
static const struct option_row create_options[] = {
	{ "--role", "ROLE", "client (default), vendor, support, staff, admin …" },
	{ "--first-name", "NAME", "First name." },
	{ "--last-name", "NAME", "Last name." },
	{ "--country", "CODE", "ISO 3166-1 alpha-2 code, for a phone number without +." },
	PASSWORD_STDIN,
	REASON,
	{ 0 },
};
static const struct option_row superadmin_options[] = {
	{ "--first-name", "NAME", "First name." },
	{ "--last-name", "NAME", "Last name." },
	PASSWORD_STDIN,
	REASON,
	{ 0 },
};
static const struct option_row list_options[] = {
	{ "--role", "ROLE", "Only people of this role." },
	{ "--state", "STATE", "Only active, disabled, deleted or erased ones." },
	{ "--after", "ID", "Go on after this id." },
	{ "--limit", "N", "At most N lines (default 100)." },
	{ 0 },
};
static const struct option_row password_options[] = {
	PASSWORD_STDIN,
	REASON,
	{ 0 },
};
static const struct option_row reason_options[] = {
	REASON,
	{ 0 },
};
static const struct option_row verify_options[] = {
	{ "--head", "N:HASH", "The newest seal you have noted: it must still be there." },
	{ "--export", "FILE", "Check a file audit export wrote instead." },
	{ 0 },
};
static const struct option_row export_options[] = {
	{ "--after", "N", "Only rows after this number." },
	{ 0 },
};
static const struct option_row outbox_options[] = {
	{ "--state", "STATE", "Only pending, delivered, expired or dead ones." },
	{ "--after", "N", "Go on after this number." },
	{ "--limit", "N", "At most N lines (default 100)." },
	{ 0 },
};
static const struct option_row replay_options[] = {
	{ "--sink", "SINK", "Only what was for email, sms or webhook:NAME." },
	{ "--since", "AGO", "Delivered events of that sink too, when it was after that." },
	{ 0 },
};
static const struct option_row config_options[] = {
	{ "--man", NULL, "Print the settings for the manual page instead." },
	{ 0 },
};

const struct command commands[] = {
	{
	    .name = "serve",
	    .synopsis = "",
	    .summary = "run the server",
	    .options = serve_options,
	    .needs = NEEDS_CONFIG,
	    .run = cmd_serve,
	    .doc = "Opens the database, brings it to this version's schema and answers requests\n"
		   "until SIGTERM. SIGHUP reads keys and certificate again.\n"
		   "\n"
		   "  cloakroom serve --dev\n"
		   "  cloakroom serve --config /etc/cloakroom/cloakroom.conf\n"
		   "  CLOAKROOM_SERVER_LISTEN=0.0.0.0:8080 cloakroom serve --data /srv/cloakroom\n"
		   "\n"
		   "With --dev, keys are made in the data directory, codes stand in the replies,\n"
		   "and what was sent is shown at /dev/inbox/.",
	},
	{
	    .name = "migrate",
	    .synopsis = "",
	    .summary = "bring the database to this version's schema",
	    .options = migrate_options,
	    .needs = NEEDS_CONFIG,
	    .run = cmd_migrate,
	    .doc =
		"serve does this by itself. Migrations only go forward; the version before this\n"
		"one still runs against the new schema.\n"
		"\n"
		"  cloakroom migrate --plan --data /srv/cloakroom",
	},
	{
	    .name = "move",
	    .synopsis = "",
	    .summary = "move from SQLite to PostgreSQL, and prove that all is there",
	    .options = move_options,
	    .needs = NEEDS_CONFIG,
	    .run = cmd_move,
	    .doc =
		"Stop the server, migrate both databases, move, set database.url, start. Rows are\n"
		"counted and hashed on both sides. Broken off, it is simply begun again. A password\n"
		"belongs into database.url's file or libpq's passfile, not on the command line.\n"
		"\n"
		"  cloakroom move --from sqlite:/srv/cloakroom/cloakroom.db \\\n"
		"      --to postgresql://cloakroom@db.example.com/cloakroom",
	},
	{
	    .name = "user create",
	    .synopsis = "IDENTIFIER",
	    .summary = "open an account that is verified from the start",
	    .options = create_options,
	    .min_args = 1,
	    .max_args = 1,
	    .needs = NEEDS_CHANGE,
	    .password_prompt = "Password",
	    .run = cmd_user_create,
	    .doc = "IDENTIFIER is an e-mail address or a phone number. The password is asked for,\n"
		   "or read from standard input; it is never an argument, which others could see.\n"
		   "\n"
		   "  cloakroom user create ada@example.com --role vendor --first-name Ada\n"
		   "  cloakroom user create 08031234567 --country NG --password-stdin < password",
	},
	{
	    .name = "user list",
	    .synopsis = "",
	    .summary = "list accounts",
	    .options = list_options,
	    .needs = NEEDS_STORE,
	    .run = cmd_user_list,
	    .doc =
		"One account a line, in the order they were opened: id, role, state, identifier.\n"
		"\n"
		"  cloakroom user list --role staff --state active",
	},
	{
	    .name = "user show",
	    .synopsis = "USER",
	    .summary = "show one account",
	    .min_args = 1,
	    .max_args = 1,
	    .needs = NEEDS_STORE,
	    .run = cmd_user_show,
	    .doc = "USER is an id, an e-mail address, a phone number or an external id.\n"
		   "\n"
		   "  cloakroom user show ada@example.com",
	},
	{
	    .name = "user disable",
	    .synopsis = "USER",
	    .summary = "lock an account and end its sessions",
	    .options = reason_options,
	    .min_args = 1,
	    .max_args = 1,
	    .needs = NEEDS_CHANGE,
	    .run = cmd_user_disable,
	    .doc =
		"The person is signed out everywhere at once and cannot sign in again. The last\n"
		"active superadmin cannot be disabled.\n"
		"\n"
		"  cloakroom user disable ada@example.com --reason 'stolen phone'",
	},
	{
	    .name = "user enable",
	    .synopsis = "USER",
	    .summary = "unlock a disabled account",
	    .options = reason_options,
	    .min_args = 1,
	    .max_args = 1,
	    .needs = NEEDS_CHANGE,
	    .run = cmd_user_enable,
	    .doc = "  cloakroom user enable ada@example.com --reason 'phone found'",
	},
	{
	    .name = "user set-password",
	    .synopsis = "USER",
	    .summary = "replace a password and end all sessions",
	    .options = password_options,
	    .min_args = 1,
	    .max_args = 1,
	    .needs = NEEDS_CHANGE,
	    .password_prompt = "New password",
	    .run = cmd_user_set_password,
	    .doc = "The password is asked for, or read from standard input.\n"
		   "\n"
		   "  cloakroom user set-password ada@example.com\n"
		   "  pwgen -s 24 1 | cloakroom user set-password ada@example.com --password-stdin",
	},
	{
	    .name = "user reset-link",
	    .synopsis = "USER",
	    .summary = "print a link with which somebody sets a new password",
	    .options = reason_options,
	    .min_args = 1,
	    .max_args = 1,
	    .needs = NEEDS_CHANGE,
	    .run = cmd_user_reset_link,
	    .doc =
		"It works once, for password.reset_ttl, and voids any sent before. Whoever has it\n"
		"gets into the account: hand it to nobody else.\n"
		"\n"
		"  cloakroom user reset-link ada@example.com --reason 'lost her mailbox'",
	},
	{
	    .name = "superadmin create",
	    .synopsis = "IDENTIFIER",
	    .summary = "open the account of somebody who may do everything",
	    .options = superadmin_options,
	    .min_args = 1,
	    .max_args = 1,
	    .needs = NEEDS_CHANGE,
	    .password_prompt = "Password",
	    .run = cmd_superadmin_create,
	    .doc = "The first one is made here; nobody can register as one.\n"
		   "\n"
		   "  cloakroom superadmin create grace@example.com",
	},
	{
	    .name = "audit verify",
	    .synopsis = "",
	    .summary = "check that no audit row was changed, removed or moved",
	    .options = verify_options,
	    .needs = NEEDS_STORE,
	    .run = cmd_audit_verify,
	    .doc = "Recomputes every row's MAC and every seal over them. Note the head it prints\n"
		   "somewhere else; with --head it then also finds rows cut off at the end.\n"
		   "\n"
		   "  cloakroom audit verify\n"
		   "  cloakroom audit verify --head 1204:9f86d081884c7d65\n"
		   "  cloakroom audit verify --export audit.jsonl",
	},
	{
	    .name = "audit export",
	    .synopsis = "",
	    .summary = "print the audit trail as lines of JSON that prove themselves",
	    .options = export_options,
	    .needs = NEEDS_STORE,
	    .run = cmd_audit_export,
	    .doc =
		"Oldest first, one row a line; of erased people only the id. Each line is chained\n"
		"to the one before, and the last closes the chain under the head of the trail:\n"
		"audit verify --export finds any line changed, removed, added or moved.\n"
		"\n"
		"  cloakroom audit export > audit.jsonl",
	},
	{
	    .name = "outbox list",
	    .synopsis = "",
	    .summary = "list messages and events on their way",
	    .options = outbox_options,
	    .needs = NEEDS_STORE,
	    .run = cmd_outbox_list,
	    .doc = "One message or event a line: number, state, sink, kind, attempts, last error.\n"
		   "What messages say is sealed and not shown.\n"
		   "\n"
		   "  cloakroom outbox list --state dead",
	},
	{
	    .name = "outbox replay",
	    .synopsis = "[NUMBER]",
	    .summary = "try dead messages and events again",
	    .options = replay_options,
	    .max_args = 1,
	    .needs = NEEDS_CHANGE,
	    .run = cmd_outbox_replay,
	    .doc = "Without a number, all dead ones. Events are kept for 30 days and can be sent\n"
		   "again though they were delivered, one by its number or all of a sink.\n"
		   "\n"
		   "  cloakroom outbox replay 42\n"
		   "  cloakroom outbox replay --sink webhook:shop --since 24h",
	},
	{
	    .name = "breach build",
	    .synopsis = "LIST FILE",
	    .summary = "make the file of passwords that thieves know",
	    .min_args = 2,
	    .max_args = 2,
	    .needs = NEEDS_NOTHING,
	    .run = cmd_breach_build,
	    .doc =
		"LIST has a password a line, or its SHA-1 in hexadecimal, alone or before a colon,\n"
		"as Have I Been Pwned publishes them; - reads standard input. Takes eight bytes of\n"
		"memory a line; FILE gets three, and is replaced at once.\n"
		"The setting password.breached_file names it; a server reads it when it starts.\n"
		"\n"
		"  cloakroom breach build passwords.txt /var/lib/cloakroom/breached\n"
		"  xz -dc pwned.txt.xz | cloakroom breach build - /var/lib/cloakroom/breached",
	},
	{
	    .name = "doctor",
	    .synopsis = "",
	    .summary = "check settings, keys, database, clock and mail",
	    .needs = NEEDS_CONFIG,
	    .run = cmd_doctor,
	    .doc = "Says what is well, what is not, and which settings guard less than their\n"
		   "defaults. Ends with 1 when something is wrong.\n"
		   "\n"
		   "  cloakroom doctor --config /etc/cloakroom/cloakroom.conf",
	},
	{
	    .name = "openapi",
	    .synopsis = "[v1|v2]",
	    .summary = "print the OpenAPI document",
	    .max_args = 1,
	    .needs = NEEDS_CONFIG,
	    .run = cmd_openapi,
	    .doc = "v2 unless said otherwise.\n"
		   "\n"
		   "  cloakroom openapi v1 > openapi.json",
	},
	{
	    .name = "config",
	    .synopsis = "",
	    .summary = "print every setting, its value and where it came from",
	    .options = config_options,
	    .needs = NEEDS_CONFIG,
	    .run = cmd_config,
	    .doc =
		"Secrets are shown as set or not set. cloakroom.conf(5) describes each setting.\n"
		"\n"
		"  cloakroom config --config /etc/cloakroom/cloakroom.conf",
	},
	{
	    .name = "version",
	    .synopsis = "",
	    .summary = "print the version",
	    .needs = NEEDS_NOTHING,
	    .run = cmd_version,
	    .doc = "  cloakroom version",
	},
	{ 0 },
};
