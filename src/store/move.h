/*
 * Moving house: every row of a SQLite file into a PostgreSQL database whose schema is made, and
 * proof that it is all there. Knows no table: what the file has is moved.
 */
#ifndef STORE_MOVE_H
#define STORE_MOVE_H

#include "base/arena.h"
#include "base/err.h"

/**
 * store_move() - copy what is missing, then compare number and hashes of the rows of each table
 * @from, @to: URLs; nobody may write either meanwhile
 * @said:      called with a sentence a table
 *
 * Stopped half-way it is simply begun again: rows that are there already are left alone.
 *
 * Returns: OK; ERR_UNAVAILABLE (a database failed) or ERR_CONFLICT (the two differ, or their
 * schemas do), with a sentence.
 */
MUST_CHECK enum err store_move(struct str from, struct str to, struct arena *arena,
    void (*said)(void *arg, struct str sentence), void *arg, struct str *ret_problem);

#endif
