/*
 * The head of the audit trail, "N:HASH": the number and the first digits of the MAC of its newest
 * seal. Whoever can write the database can cut the trail off at its end; whoever has noted a head
 * elsewhere will see it. So the server writes it into its log, which is kept elsewhere.
 */
#ifndef MAIN_AUDIT_HEAD_H
#define MAIN_AUDIT_HEAD_H

#include "main/core.h"
#include "store/audit_store.h"

/** audit_head_text() - "1204:9f86d081884c7d65"; in @arena. */
struct str audit_head_text(struct arena *arena, const struct audit_seal *seal);
/** audit_head_log() - log the head as it is now; nothing when there is none yet. */
MAY_YIELD void audit_head_log(struct core *core);
/** audit_head_start() - log it every hour, on the background loop; @core outlives that. */
MUST_CHECK enum err audit_head_start(struct core *core);

#endif
