/*
 * Every SQL statement by name. The texts are in statements.c, written once for SQLite and
 * PostgreSQL with $1, $2 … as parameters; a test prepares each of them.
 */
#ifndef STORE_STATEMENTS_H
#define STORE_STATEMENTS_H

enum statement {
	STMT_NONE,
	STMT_COUNT,
};

#endif
