/*
 * The command line. A command is one row: its words, its options, what it needs opened, and a
 * function. Commands that change the store run in this process while no server does, and else
 * inside the server, through its control socket (control.h): the same function either way.
 */
#ifndef MAIN_COMMAND_H
#define MAIN_COMMAND_H

#include "main/core.h"

/* Exit codes. */
#define EXIT_FAILED 1
#define EXIT_USAGE 2

#define COMMAND_MAX_ARGS 4
#define COMMAND_MAX_OPTIONS 12

enum command_needs {
	NEEDS_NOTHING,
	NEEDS_CONFIG,
	NEEDS_STORE,  /* to read */
	NEEDS_CHANGE, /* to write: here or in the server */
};

/** struct option_row - "--role ROLE": what it is called and what it says. */
struct option_row {
	const char *name;  /* "--role"; NULL ends the list */
	const char *value; /* what its value is called; NULL: it takes none */
	const char *doc;
};

struct call;

struct command {
	const char *name;     /* "user create" */
	const char *synopsis; /* arguments, "IDENTIFIER"; "" for none */
	const char *summary;
	const char *doc;                  /* what to know, and examples */
	const struct option_row *options; /* NULL: only those every such command has */
	unsigned min_args, max_args;
	enum command_needs needs;
	const char *password_prompt; /* asks for one first; NULL: needs none */
	int (*run)(struct call *call);
};

/** struct call - one use of a command. */
struct call {
	const struct command *command;
	struct str args[COMMAND_MAX_ARGS];
	unsigned n_args;
	struct str
	    values[COMMAND_MAX_OPTIONS]; /* of the command's own options; no pointer: not given */
	struct str common[4];            /* of the common ones, in their order */
	struct secret password;

	struct arena *arena, *secrets;
	struct config_input input; /* NEEDS_CONFIG and above */
	struct config *config;
	struct core *core;  /* NEEDS_STORE and above */
	struct request *rq; /* likewise */
	struct str who;     /* "root (uid 0)": for audit rows */

	/** write() - a line of output without its end; errors go to stderr. */
	void (*write)(void *arg, bool is_error, struct str line);
	void *write_arg;
};

/** commands - every command, ended by a row without a name. */
extern const struct command commands[];

/** say() / complain() - a line to stdout or stderr, wherever the person sits. */
void say(struct call *call, const char *fmt, ...) PRINTF_LIKE(2, 3);
void complain(struct call *call, const char *fmt, ...) PRINTF_LIKE(2, 3);
/** complain_fault() - what went wrong with the call's request, as sentences. Returns EXIT_FAILED.
 */
int complain_fault(struct call *call, enum err e);

/** call_option() - value of option @name of the command; empty when it was not given. */
struct str call_option(const struct call *call, const char *name);
bool call_has(const struct call *call, const char *name);

/**
 * command_parse() - find the command and sort its words
 * @argv: @n words after the program's name
 * @call: .arena and .write set; .command, .args, .values and .common are filled in
 *
 * Returns: true, or false having said what is wrong.
 */
MUST_CHECK bool command_parse(struct call *call, const struct str *argv, size_t n);

/** command_help() - how to use @command; command_overview(): all of them. */
void command_help(struct call *call, const struct command *command);
void command_overview(struct call *call);
/** command_find() - the command whose name begins @argv; @ret_words how many words that takes. */
const struct command *command_find(const struct str *argv, size_t n, size_t *ret_words);

/* The common options, by their place in struct call.common. */
enum common_option {
	COMMON_CONFIG,
	COMMON_DATA,
	COMMON_DEV,
};

/* The functions, one file an idea. */
int cmd_serve(struct call *call);
int cmd_migrate(struct call *call);
int cmd_move(struct call *call);
int cmd_user_create(struct call *call);
int cmd_user_list(struct call *call);
int cmd_user_show(struct call *call);
int cmd_user_disable(struct call *call);
int cmd_user_enable(struct call *call);
int cmd_user_set_password(struct call *call);
int cmd_user_reset_link(struct call *call);
int cmd_superadmin_create(struct call *call);
int cmd_audit_verify(struct call *call);
int cmd_audit_export(struct call *call);
int cmd_outbox_list(struct call *call);
int cmd_outbox_replay(struct call *call);
int cmd_breach_build(struct call *call);
int cmd_doctor(struct call *call);
int cmd_openapi(struct call *call);
int cmd_config(struct call *call);
int cmd_version(struct call *call);

#endif
