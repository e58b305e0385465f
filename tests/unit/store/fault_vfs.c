#include "tests/unit/store/fault_vfs.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>

int fault_wal_write, fault_wal_sync;

struct file {
	sqlite3_file base;
	sqlite3_file *real; /* behind this struct, in the same allocation */
	bool wal;
};

static sqlite3_vfs *real_vfs;

static sqlite3_file *real(sqlite3_file *f)
{
	return ((struct file *)(void *)f)->real;
}

static int faulty(sqlite3_file *f, const int *fault)
{
	return ((struct file *)(void *)f)->wal ? __atomic_load_n(fault, __ATOMIC_RELAXED)
					       : SQLITE_OK;
}

static int on_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	int rc = faulty(f, &fault_wal_write);

	return rc != SQLITE_OK ? rc : real(f)->pMethods->xWrite(real(f), p, n, at);
}

static int on_sync(sqlite3_file *f, int flags)
{
	int rc = faulty(f, &fault_wal_sync);

	return rc != SQLITE_OK ? rc : real(f)->pMethods->xSync(real(f), flags);
}

/* The rest is handed through. */
static int on_close(sqlite3_file *f)
{
	return real(f)->pMethods->xClose(real(f));
}
static int on_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	return real(f)->pMethods->xRead(real(f), p, n, at);
}
static int on_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	return real(f)->pMethods->xTruncate(real(f), n);
}
static int on_size(sqlite3_file *f, sqlite3_int64 *n)
{
	return real(f)->pMethods->xFileSize(real(f), n);
}
static int on_lock(sqlite3_file *f, int lock)
{
	return real(f)->pMethods->xLock(real(f), lock);
}
static int on_unlock(sqlite3_file *f, int lock)
{
	return real(f)->pMethods->xUnlock(real(f), lock);
}
static int on_reserved(sqlite3_file *f, int *ret)
{
	return real(f)->pMethods->xCheckReservedLock(real(f), ret);
}
static int on_control(sqlite3_file *f, int op, void *arg)
{
	return real(f)->pMethods->xFileControl(real(f), op, arg);
}
static int on_sector(sqlite3_file *f)
{
	return real(f)->pMethods->xSectorSize(real(f));
}
static int on_characteristics(sqlite3_file *f)
{
	return real(f)->pMethods->xDeviceCharacteristics(real(f));
}
static int on_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **ret)
{
	return real(f)->pMethods->xShmMap(real(f), page, size, extend, ret);
}
static int on_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
	return real(f)->pMethods->xShmLock(real(f), at, n, flags);
}
static void on_shm_barrier(sqlite3_file *f)
{
	real(f)->pMethods->xShmBarrier(real(f));
}
static int on_shm_unmap(sqlite3_file *f, int drop)
{
	return real(f)->pMethods->xShmUnmap(real(f), drop);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = on_close,
	.xRead = on_read,
	.xWrite = on_write,
	.xTruncate = on_truncate,
	.xSync = on_sync,
	.xFileSize = on_size,
	.xLock = on_lock,
	.xUnlock = on_unlock,
	.xCheckReservedLock = on_reserved,
	.xFileControl = on_control,
	.xSectorSize = on_sector,
	.xDeviceCharacteristics = on_characteristics,
	.xShmMap = on_shm_map,
	.xShmLock = on_shm_lock,
	.xShmBarrier = on_shm_barrier,
	.xShmUnmap = on_shm_unmap,
};

static int on_open(
    sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *ret_flags)
{
	struct file *f = (struct file *)(void *)base;
	int rc;

	(void)vfs;
	f->real = (sqlite3_file *)(void *)(f + 1);
	f->wal = (flags & SQLITE_OPEN_WAL) != 0;
	f->base.pMethods = NULL;
	rc = real_vfs->xOpen(real_vfs, name, f->real, flags, ret_flags);
	if (f->real->pMethods)
		f->base.pMethods = &methods;
	return rc;
}

void fault_vfs_install(void)
{
	static sqlite3_vfs vfs;

	if (real_vfs)
		return;
	real_vfs = sqlite3_vfs_find(NULL);
	vfs = *real_vfs;
	vfs.zName = "fault";
	vfs.szOsFile = (int)sizeof(struct file) + real_vfs->szOsFile;
	vfs.xOpen = on_open;
	sqlite3_vfs_register(&vfs, 1);
}
