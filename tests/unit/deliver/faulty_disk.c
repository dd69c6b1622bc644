#include "tests/unit/deliver/faulty_disk.h"

#include <string.h>

#include <sqlite3.h>

#include "tests/unit/test.h"

int faulty_disk_write, faulty_disk_sync;
unsigned faulty_disk_syncs;

struct faulty_file {
        sqlite3_file base;
        sqlite3_file *real;      /* directly behind */
};

static sqlite3_vfs faulty, *machine;

#define REAL(file) (((struct faulty_file *)(void *)(file))->real)

static int file_close(sqlite3_file *file)
{
        return REAL(file)->pMethods ? REAL(file)->pMethods->xClose(REAL(file)) : SQLITE_OK;
}

static int file_read(sqlite3_file *file, void *out, int count, sqlite3_int64 offset)
{
        return REAL(file)->pMethods->xRead(REAL(file), out, count, offset);
}

static int file_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset)
{
        return faulty_disk_write ? faulty_disk_write : REAL(file)->pMethods->xWrite(REAL(file), bytes, count, offset);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
        return REAL(file)->pMethods->xTruncate(REAL(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
        faulty_disk_syncs++;
        return faulty_disk_sync ? faulty_disk_sync : REAL(file)->pMethods->xSync(REAL(file), flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
        return REAL(file)->pMethods->xFileSize(REAL(file), size);
}

static int file_lock(sqlite3_file *file, int kind)
{
        return REAL(file)->pMethods->xLock(REAL(file), kind);
}

static int file_unlock(sqlite3_file *file, int kind)
{
        return REAL(file)->pMethods->xUnlock(REAL(file), kind);
}

static int file_check_lock(sqlite3_file *file, int *out)
{
        return REAL(file)->pMethods->xCheckReservedLock(REAL(file), out);
}

static int file_control(sqlite3_file *file, int operation, void *argument)
{
        return REAL(file)->pMethods->xFileControl(REAL(file), operation, argument);
}

static int file_sector_size(sqlite3_file *file)
{
        return REAL(file)->pMethods->xSectorSize(REAL(file));
}

static int file_traits(sqlite3_file *file)
{
        return REAL(file)->pMethods->xDeviceCharacteristics(REAL(file));
}

static const sqlite3_io_methods methods = {1, file_close, file_read, file_write, file_truncate, file_sync, file_size, file_lock,
                                           file_unlock, file_check_lock, file_control, file_sector_size, file_traits,
                                           NULL, NULL, NULL, NULL, NULL, NULL};

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
        struct faulty_file *wrapped = (struct faulty_file *)(void *)file;
        (void)vfs;
        wrapped->real = (sqlite3_file *)(void *)(wrapped + 1);
        wrapped->base.pMethods = NULL;
        int result = machine->xOpen(machine, name, wrapped->real, flags, out_flags);
        if (result == SQLITE_OK)
                wrapped->base.pMethods = &methods;
        return result;
}

void faulty_disk_begin(void)
{
        machine = sqlite3_vfs_find(NULL);
        assert_non_null(machine);
        faulty = *machine;
        faulty.zName = "faulty";
        faulty.szOsFile = (int)sizeof(struct faulty_file) + machine->szOsFile;
        faulty.xOpen = open_file;
        faulty_disk_write = faulty_disk_sync = 0;
        assert_int_equal(sqlite3_vfs_register(&faulty, 1), SQLITE_OK);
}

void faulty_disk_end(void)
{
        assert_int_equal(sqlite3_vfs_unregister(&faulty), SQLITE_OK);
        assert_int_equal(sqlite3_vfs_register(machine, 1), SQLITE_OK);
}
