/* A disk that fails on request: SQLite's own VFS with writes and syncs of the log in between. */
#ifndef TESTS_UNIT_STORE_FAULT_VFS_H
#define TESTS_UNIT_STORE_FAULT_VFS_H

/** What writing to, and syncing, a "-wal" file answers from now on; SQLITE_OK: the real thing. */
extern int fault_wal_write, fault_wal_sync; /* atomic */

/** fault_vfs_install() - make it the default for every connection opened later. */
void fault_vfs_install(void);

#endif
