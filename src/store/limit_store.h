/* Admissions of limits that must outlive the process (kv writes and reloads them). */
#ifndef STORE_LIMIT_STORE_H
#define STORE_LIMIT_STORE_H

#include "store/store.h"

struct limit_admission {
	struct str subject; /* keyed hash of limit and subject */
	int64_t at_us, amount, expires_at_us;
};

/** limit_insert() - one admission, or a leased block of them. */
MUST_CHECK enum err limit_insert(struct tx *tx, const struct limit_admission *a);
/** limit_each_live() - every admission that has not expired, oldest first. */
MUST_CHECK enum err limit_each_live(struct tx *tx, int64_t now_us,
    void (*each)(void *arg, const struct limit_admission *a), void *arg);
/** LIMIT_SUBJECTS_MAX - that limit_each_of() takes. */
#define LIMIT_SUBJECTS_MAX 16
/** limit_each_of() - the admissions of these subjects that have not expired, oldest first. */
MUST_CHECK enum err limit_each_of(struct tx *tx, const struct str *subjects, size_t n,
    int64_t now_us, void (*each)(void *arg, const struct limit_admission *a), void *arg);
/** limit_forget() - drop @subject's admissions made at or before @until_us. */
MUST_CHECK enum err limit_forget(struct tx *tx, struct str subject, int64_t until_us);
/** limit_sweep() - delete what has expired by @now_us; @limit at most. */
MUST_CHECK enum err limit_sweep(struct tx *tx, int64_t now_us, int64_t limit, int64_t *ret_n);

#endif
