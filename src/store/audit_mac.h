/* What writing and verifying the audit trail share: the bytes a seal covers. */
#ifndef STORE_AUDIT_MAC_H
#define STORE_AUDIT_MAC_H

#include "store/audit_store.h"

#define AUDIT_SEAL_MAX 1024 /* rows one seal covers at most */
#define AUDIT_PAIR_SIZE 40  /* an id, big-endian, and a MAC */

/** struct audit_pairs - (id, mac) of the rows under one seal; room for AUDIT_SEAL_MAX. */
struct audit_pairs {
	uint8_t *bytes;
	size_t n;
};

/** audit_pairs_add() - the next row, in order of ids. */
void audit_pairs_add(struct audit_pairs *p, int64_t id, const struct mac *mac);
/** audit_pairs_root() - a seal's root: the MAC of all its pairs. False: key unknown. */
bool audit_pairs_root(
    const struct audit_pairs *p, const struct keyring *keys, int64_t key_id, struct mac *ret);
/** audit_seal_mac() - MAC over everything else in @seal. False: key unknown. */
bool audit_seal_mac(const struct keyring *keys, const struct audit_seal *seal, struct mac *ret);

#endif
