/*
 * The audit trail as lines of JSON that prove themselves: each line is chained to the one before by
 * a MAC, and the last one closes the chain under the head of the trail. Whoever has the master key
 * can tell whether a line was changed, removed, added or moved: `cloakroom audit verify --export`.
 */
#ifndef SERVICE_AUDIT_EXPORT_H
#define SERVICE_AUDIT_EXPORT_H

#include "service/service.h"
#include "store/audit_store.h"

struct audit_export {
	int key_id; /* master key behind the chain */
	struct mac chain;
	int64_t rows;
};

/** audit_export_begin() - an empty chain under master key @key_id, or KEYRING_ACTIVE. */
void audit_export_begin(struct request *rq, int key_id, struct audit_export *ret);
/** audit_export_add() - the next line, without its end. False when the key is gone. */
MUST_CHECK bool audit_export_add(struct request *rq, struct audit_export *x, struct str line);
/**
 * audit_export_end() - the last line
 * @next: row to go on after, when there are more; 0: there are none
 */
MAY_YIELD MUST_CHECK enum err audit_export_end(
    struct request *rq, const struct audit_export *x, int64_t next, struct str *ret);
/** audit_export_key() - the master key the last line of an export names, or -1: it is none. */
int audit_export_key(struct str last_line);
/** audit_export_good() - do the lines in @x and their last line belong together? */
bool audit_export_good(struct request *rq, const struct audit_export *x, struct str last_line);

#endif
