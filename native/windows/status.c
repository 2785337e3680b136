/* The path and the status of a file that a stat watcher watches. */
#include <winsock2.h>
#include <windows.h>

#include "../libev.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* from 1601 to 1970, in the units of a FILETIME */
#define EPOCH 116444736000000000

/* The longest path of Windows, with the terminating 0. */
enum { LONGEST = 32768 };

/* Returns the path in UTF-16 in new memory, or null. A path that is not UTF-8, or too long, gives null with EINVAL. */
static wchar_t *
wide (const char *path)
{
  wchar_t *result = malloc (LONGEST * sizeof (wchar_t));

  if (!result)
    errno = ENOMEM;
  else if (!MultiByteToWideChar (CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, result, LONGEST))
    {
      free (result);
      result = 0;
      errno = EINVAL;
    }

  return result;
}

/* Returns a copy of the path if it cannot be made absolute. */
char *
mood_stat_absolute (const char *path)
{
  wchar_t *given = wide (path), *full = given ? malloc (LONGEST * sizeof (wchar_t)) : 0;
  DWORD length = full ? GetFullPathNameW (given, LONGEST, full, 0) : 0;
  char *result = 0;
  int size;

  if (length && length < LONGEST && (size = WideCharToMultiByte (CP_UTF8, 0, full, -1, 0, 0, 0, 0))
      && (result = malloc ((size_t)size)))
    WideCharToMultiByte (CP_UTF8, 0, full, -1, result, size, 0, 0);

  free (given);
  free (full);
  return result ? result : strdup (path);
}

static int64_t
seconds (LARGE_INTEGER time, int32_t *nanos)
{
  int64_t units = time.QuadPart - EPOCH, whole = units / 10000000;

  if (units % 10000000 < 0)
    --whole;

  *nanos = (int32_t)(units - whole * 10000000) * 100;
  return whole;
}

static int
of_handle (HANDLE file, struct mood_stat_data *status)
{
  BY_HANDLE_FILE_INFORMATION of;
  FILE_BASIC_INFO basic;

  if (!GetFileInformationByHandle (file, &of) || !GetFileInformationByHandleEx (file, FileBasicInfo, &basic, sizeof basic))
    return 0;

  status->st_size = (int64_t)of.nFileSizeHigh << 32 | of.nFileSizeLow;
  status->st_dev = of.dwVolumeSerialNumber;
  status->st_ino = (int64_t)of.nFileIndexHigh << 32 | of.nFileIndexLow;
  status->st_nlink = of.nNumberOfLinks;
  status->st_mode = (of.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT ? 0120000u
                     : of.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY   ? 0040111u
                                                                        : 0100000u)
                    | (of.dwFileAttributes & FILE_ATTRIBUTE_READONLY ? 0444u : 0666u);
  status->st_atime = seconds (basic.LastAccessTime, &status->st_atim.tv_nsec);
  status->st_mtime = seconds (basic.LastWriteTime, &status->st_mtim.tv_nsec);
  status->st_ctime = seconds (basic.ChangeTime, &status->st_ctim.tv_nsec);
  return 1;
}

/* Like lstat, it does not follow a symbolic link. */
int
mood_stat_data (const char *path, struct mood_stat_data *status)
{
  wchar_t *name = wide (path);
  HANDLE file;
  int ok;

  memset (status, 0, sizeof *status);

  if (!name)
    return -1;

  file = CreateFileW (name, FILE_READ_ATTRIBUTES, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, 0, OPEN_EXISTING,
                      FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, 0);
  free (name);

  if (file == INVALID_HANDLE_VALUE)
    {
      errno = GetLastError () == ERROR_ACCESS_DENIED ? EACCES : ENOENT;
      return -1;
    }

  ok = of_handle (file, status);
  CloseHandle (file);

  if (!ok)
    errno = EACCES;

  return ok ? 0 : -1;
}

void
mood_stat_status (mood_watcher *w, int32_t previous, mood_file_status *status)
{
  const ev_statdata *st = previous ? &((ev_stat *)w)->prev : &((ev_stat *)w)->attr;

  memset (status, 0, sizeof *status);

  if (!st->st_nlink)
    return;

  status->size = st->st_size;
  status->device = st->st_dev;
  status->inode = st->st_ino;
  status->accessed_seconds = st->st_atime;
  status->modified_seconds = st->st_mtime;
  status->changed_seconds = st->st_ctime;
  status->accessed_nanos = st->st_atim.tv_nsec;
  status->modified_nanos = st->st_mtim.tv_nsec;
  status->changed_nanos = st->st_ctim.tv_nsec;
  status->mode = st->st_mode;
  status->link_count = st->st_nlink;
}

int32_t
mood_file_identity (const char *path, int64_t *identity)
{
  struct mood_stat_data status;

  if (mood_stat_data (path, &status))
    return -errno;

  identity [0] = status.st_dev;
  identity [1] = status.st_ino;
  return 0;
}
