// Faults below a daemon: a library for LD_PRELOAD that stands between a program and the C library.
//
// It looks at calls on files below one folder (PERIGEE_FAULTS_FOLDER, a real path) and can
// - fail the Nth of them, once or from the Nth on, write half of what was asked, or kill the process there,
// - delay every sync,
// - write a journal of all that changes files and names (PERIGEE_FAULTS_JOURNAL), from which powercut.py makes the
//   folder as a power cut could have left it,
// - shift the clock of the calendar.
// What it does is said by a block of shared memory, the file PERIGEE_FAULTS_CONTROL, so that the bench changes it while
// the program runs and reads how many calls there were. Calls go to the kernel directly: nothing here allocates.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum family { FDATASYNC, FSYNC, PWRITE, WRITE, TRUNCATE, RENAME, UNLINK, OPEN, MKDIR, READ, FAMILIES };
enum mode { ONCE, FROM_THEN_ON, SHORT_WRITE, KILL };
enum operation { START = 1, OPENED, CREATED, WRITTEN, CUT, SYNC_BEGIN, SYNC_END, RENAMED, UNLINKED, DIRECTORY_MADE };
enum kind { NOT_WATCHED, PLAIN_FILE, DIRECTORY };

// The layout is repeated in interposer.py.
struct control {
    uint32_t magic;
    uint32_t families;  // bits of the families that count
    uint32_t at;        // the so-manieth counted call, from 1; 0 for none
    uint32_t error;     // errno
    uint32_t mode;
    uint32_t delay_ms;  // of each sync
    int64_t clock_ns;   // added to the calendar's clock
    uint32_t counted;   // calls of those families so far
    uint32_t injected;
    uint32_t calls[FAMILIES];
    uint32_t waiting;   // threads inside a delayed sync
};

struct record {
    uint32_t size;  // with this header
    uint32_t operation;
    uint64_t thread;
    uint64_t inode;
    uint64_t offset;
    uint32_t name_size;
    uint32_t data_size;
};

#define DESCRIPTORS 65536
static uint64_t watched[DESCRIPTORS];  // inode << 2 | kind
static char folder[PATH_MAX];
static size_t folder_size;
static struct control *control;
static int journal = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void append(enum operation operation, uint64_t inode, uint64_t offset, const char *name, size_t name_size,
                   const void *data, size_t data_size) {
    if (journal < 0) return;
    struct record record = {
        .size = (uint32_t)(sizeof(struct record) + name_size + data_size), .operation = operation,
        .thread = (uint64_t)syscall(SYS_gettid), .inode = inode, .offset = offset,
        .name_size = (uint32_t)name_size, .data_size = (uint32_t)data_size};
    struct iovec parts[3] = {{&record, sizeof record}, {(void *)name, name_size}, {(void *)data, data_size}};
    if (syscall(SYS_writev, journal, parts, 3) != (long)record.size) {
        // a journal with a hole would call lost what is not: better no run than a wrong verdict
        static const char text[] = "faults: the journal cannot be written\n";
        syscall(SYS_write, 2, text, sizeof text - 1);
        syscall(SYS_exit_group, 99);
    }
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("PERIGEE_FAULTS_FOLDER");
    if (!path || strlen(path) >= sizeof folder) return;
    strcpy(folder, path);
    const char *shared = getenv("PERIGEE_FAULTS_CONTROL");
    if (shared) {
        int file = (int)syscall(SYS_openat, AT_FDCWD, shared, O_RDWR | O_CLOEXEC, 0);
        if (file >= 0) {
            void *memory = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
            if (memory != MAP_FAILED) control = memory;
            syscall(SYS_close, file);
        }
    }
    const char *log = getenv("PERIGEE_FAULTS_JOURNAL");
    if (log) {
        journal = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (journal < 0) syscall(SYS_exit_group, 99);
    }
    folder_size = strlen(folder);  // last: from here on calls are looked at
    append(START, 0, 0, "", 0, "", 0);
}

// The path below the folder, "" for the folder itself; NULL where it lies elsewhere. `out` has PATH_MAX octets.
static const char *relative(int at, const char *path, char *out) {
    if (!folder_size || !path) return NULL;
    size_t size = 0;
    if (path[0] != '/') {
        char link[64] = "/proc/self/cwd";
        if (at != AT_FDCWD) {
            char digits[16];
            int count = 0, value = at;
            do digits[count++] = (char)('0' + value % 10);
            while ((value /= 10) > 0);
            strcpy(link, "/proc/self/fd/");
            size_t end = strlen(link);
            while (count > 0) link[end++] = digits[--count];
            link[end] = 0;
        }
        long got = syscall(SYS_readlinkat, AT_FDCWD, link, out, PATH_MAX - 1);
        if (got < 0) return NULL;
        size = (size_t)got;
    }
    for (const char *part = path; *part;) {  // joins parts, leaves out "" and ".", goes up at ".."
        while (*part == '/') part++;
        size_t length = strcspn(part, "/");
        if (length == 2 && part[0] == '.' && part[1] == '.') {
            while (size > 0 && out[size - 1] != '/') size--;
            if (size > 0) size--;
        } else if (length > 0 && !(length == 1 && part[0] == '.')) {
            if (size + 1 + length >= PATH_MAX) return NULL;
            out[size++] = '/';
            memcpy(out + size, part, length);
            size += length;
        }
        part += length;
    }
    out[size] = 0;
    if (size < folder_size || memcmp(out, folder, folder_size) != 0) return NULL;
    if (size == folder_size) return out + size;
    return out[folder_size] == '/' ? out + folder_size + 1 : NULL;
}

static uint64_t entry(int file) {
    return folder_size && file >= 0 && file < DESCRIPTORS ? __atomic_load_n(&watched[file], __ATOMIC_RELAXED) : 0;
}

static void watch(int file, uint64_t value) {
    if (file >= 0 && file < DESCRIPTORS) __atomic_store_n(&watched[file], value, __ATOMIC_RELAXED);
}

// Whether this call must fail: errno is set then. `size` is halved where only half may be written.
static int fails(enum family family, size_t *size) {
    if (!control) return 0;
    __atomic_add_fetch(&control->calls[family], 1, __ATOMIC_RELAXED);
    if (!(control->families >> family & 1)) return 0;
    uint32_t count = __atomic_add_fetch(&control->counted, 1, __ATOMIC_RELAXED), at = control->at;
    if (at == 0 || (control->mode == FROM_THEN_ON ? count < at : count != at)) return 0;
    __atomic_add_fetch(&control->injected, 1, __ATOMIC_RELAXED);
    if (control->mode == KILL) syscall(SYS_kill, getpid(), SIGKILL);
    if (control->mode == SHORT_WRITE) {
        if (size && *size > 1) {
            *size /= 2;
            return 0;
        }
        if (size) return 0;
    }
    errno = (int)control->error;
    return 1;
}

static void delay(void) {
    if (!control || !control->delay_ms) return;
    __atomic_add_fetch(&control->waiting, 1, __ATOMIC_RELAXED);
    for (uint32_t waited = 0; waited < control->delay_ms; waited += 10) {
        struct timespec slice = {0, 10000000};
        syscall(SYS_nanosleep, &slice, NULL);
    }
    __atomic_sub_fetch(&control->waiting, 1, __ATOMIC_RELAXED);
}

// --- names

static int open_at(int at, const char *path, int flags, mode_t mode) {
    char room[PATH_MAX];
    const char *name = relative(at, path, room);
    if (!name) return (int)syscall(SYS_openat, at, path, flags, mode);
    if (fails(OPEN, NULL)) return -1;
    pthread_mutex_lock(&lock);
    struct stat status;
    int was_there = syscall(SYS_newfstatat, at, path, &status, 0) == 0;
    int file = (int)syscall(SYS_openat, at, path, flags, mode);
    int error = errno;
    if (file >= 0 && syscall(SYS_newfstatat, file, "", &status, AT_EMPTY_PATH) == 0) {
        int is_directory = S_ISDIR(status.st_mode);
        watch(file, (uint64_t)status.st_ino << 2 | (is_directory ? DIRECTORY : PLAIN_FILE));
        if (!is_directory) {
            append(was_there ? OPENED : CREATED, status.st_ino, 0, name, strlen(name), "", 0);
            if (was_there && (flags & O_TRUNC)) append(CUT, status.st_ino, 0, "", 0, "", 0);
        }
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return file;
}

#define MODE_ARGUMENT                                  \
    mode_t mode = 0;                                   \
    if (flags & (O_CREAT | __O_TMPFILE)) {             \
        va_list list;                                  \
        va_start(list, flags);                         \
        mode = (mode_t)va_arg(list, unsigned);         \
        va_end(list);                                  \
    }

int open(const char *path, int flags, ...) { MODE_ARGUMENT return open_at(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE_ARGUMENT return open_at(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE_ARGUMENT return open_at(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE_ARGUMENT return open_at(at, path, flags, mode); }
int __open_2(const char *path, int flags) { return open_at(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return open_at(AT_FDCWD, path, flags, 0); }
int creat(const char *path, mode_t mode) {
    return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int close(int file) {
    watch(file, 0);
    return (int)syscall(SYS_close, file);
}

static int duplicated(int from, int to) {
    if (to >= 0) watch(to, entry(from));
    return to;
}
int dup(int file) { return duplicated(file, (int)syscall(SYS_dup, file)); }
int dup2(int file, int to) {
    return file == to ? (int)syscall(SYS_fcntl, file, F_GETFD) < 0 ? -1 : to
                      : duplicated(file, (int)syscall(SYS_dup3, file, to, 0));
}
int dup3(int file, int to, int flags) { return duplicated(file, (int)syscall(SYS_dup3, file, to, flags)); }

static int rename_at(int from_at, const char *from, int to_at, const char *to, unsigned flags) {
    char room[PATH_MAX], other_room[PATH_MAX], both[2 * PATH_MAX];
    const char *name = relative(from_at, from, room), *other = relative(to_at, to, other_room);
    if (!name || !other) return (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags);
    if (fails(RENAME, NULL)) return -1;
    pthread_mutex_lock(&lock);
    int result = (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags), error = errno;
    if (result == 0) {
        size_t size = strlen(name) + 1, other_size = strlen(other);
        memcpy(both, name, size);
        memcpy(both + size, other, other_size);
        append(RENAMED, 0, 0, both, size + other_size, "", 0);
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
int rename(const char *from, const char *to) { return rename_at(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int a, const char *from, int b, const char *to) { return rename_at(a, from, b, to, 0); }
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
    return rename_at(a, from, b, to, flags);
}

static int unlink_at(int at, const char *path, int flags) {
    char room[PATH_MAX];
    const char *name = relative(at, path, room);
    if (!name) return (int)syscall(SYS_unlinkat, at, path, flags);
    if (fails(UNLINK, NULL)) return -1;
    pthread_mutex_lock(&lock);
    int result = (int)syscall(SYS_unlinkat, at, path, flags), error = errno;
    if (result == 0) append(UNLINKED, 0, 0, name, strlen(name), "", 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
int unlink(const char *path) { return unlink_at(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlink_at(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char *path) {
    int result = unlink_at(AT_FDCWD, path, 0);
    return result != 0 && errno == EISDIR ? unlink_at(AT_FDCWD, path, AT_REMOVEDIR) : result;
}
int unlinkat(int at, const char *path, int flags) { return unlink_at(at, path, flags); }

static int mkdir_at(int at, const char *path, mode_t mode) {
    char room[PATH_MAX];
    const char *name = relative(at, path, room);
    if (!name) return (int)syscall(SYS_mkdirat, at, path, mode);
    if (fails(MKDIR, NULL)) return -1;
    pthread_mutex_lock(&lock);
    int result = (int)syscall(SYS_mkdirat, at, path, mode), error = errno;
    if (result == 0) append(DIRECTORY_MADE, 0, 0, name, strlen(name), "", 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
int mkdir(const char *path, mode_t mode) { return mkdir_at(AT_FDCWD, path, mode); }
int mkdirat(int at, const char *path, mode_t mode) { return mkdir_at(at, path, mode); }

// --- content

static ssize_t write_at(int file, const void *data, size_t size, off_t offset) {
    uint64_t known = entry(file);
    if ((known & 3) != PLAIN_FILE) return syscall(SYS_pwrite64, file, data, size, offset);
    if (fails(PWRITE, &size)) return -1;
    pthread_mutex_lock(&lock);
    ssize_t count = syscall(SYS_pwrite64, file, data, size, offset);
    int error = errno;
    if (count > 0) append(WRITTEN, known >> 2, (uint64_t)offset, "", 0, data, (size_t)count);
    pthread_mutex_unlock(&lock);
    errno = error;
    return count;
}
ssize_t pwrite(int file, const void *data, size_t size, off_t offset) {
    return write_at(file, data, size, offset);
}
ssize_t pwrite64(int file, const void *data, size_t size, off_t offset) {
    return write_at(file, data, size, offset);
}

ssize_t write(int file, const void *data, size_t size) {
    uint64_t known = entry(file);
    if ((known & 3) != PLAIN_FILE) return syscall(SYS_write, file, data, size);
    if (fails(WRITE, &size)) return -1;
    pthread_mutex_lock(&lock);
    ssize_t count = syscall(SYS_write, file, data, size);
    int error = errno;
    if (count > 0) {  // behind the call: an O_APPEND file tells its place only then
        long end = syscall(SYS_lseek, file, 0, SEEK_CUR);
        append(WRITTEN, known >> 2, (uint64_t)(end - count), "", 0, data, (size_t)count);
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return count;
}

// One part after the other: the caller goes on after a short write.
ssize_t writev(int file, const struct iovec *parts, int count) {
    if ((entry(file) & 3) != PLAIN_FILE) return syscall(SYS_writev, file, parts, count);
    for (int part = 0; part < count; part++)
        if (parts[part].iov_len > 0) return write(file, parts[part].iov_base, parts[part].iov_len);
    return 0;
}

static int cut(int file, off_t size) {
    uint64_t known = entry(file);
    if ((known & 3) != PLAIN_FILE) return (int)syscall(SYS_ftruncate, file, size);
    if (fails(TRUNCATE, NULL)) return -1;
    pthread_mutex_lock(&lock);
    int result = (int)syscall(SYS_ftruncate, file, size), error = errno;
    if (result == 0) append(CUT, known >> 2, (uint64_t)size, "", 0, "", 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
int ftruncate(int file, off_t size) { return cut(file, size); }
int ftruncate64(int file, off_t size) { return cut(file, size); }

static int allocate(int file, int mode, off_t offset, off_t size) {
    uint64_t known = entry(file);
    if ((known & 3) != PLAIN_FILE) return (int)syscall(SYS_fallocate, file, mode, offset, size);
    size_t all = (size_t)size;
    if (fails(WRITE, &all)) return -1;
    pthread_mutex_lock(&lock);
    struct stat status;
    int result = (int)syscall(SYS_fallocate, file, mode, offset, size), error = errno;
    if (result == 0 && syscall(SYS_newfstatat, file, "", &status, AT_EMPTY_PATH) == 0)
        append(CUT, known >> 2, (uint64_t)status.st_size, "", 0, "", 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
int fallocate(int file, int mode, off_t offset, off_t size) { return allocate(file, mode, offset, size); }
int fallocate64(int file, int mode, off_t offset, off_t size) { return allocate(file, mode, offset, size); }
int posix_fallocate(int file, off_t offset, off_t size) {
    return allocate(file, 0, offset, size) == 0 ? 0 : errno;
}
int posix_fallocate64(int file, off_t offset, off_t size) {
    return allocate(file, 0, offset, size) == 0 ? 0 : errno;
}

static int sync_file(int file, enum family family, long call) {
    uint64_t known = entry(file);
    if (known == 0) return (int)syscall(call, file);
    if (fails(family, NULL)) return -1;
    char room[PATH_MAX];
    const char *name = "";
    if ((known & 3) == DIRECTORY) {
        name = relative(file, ".", room);
        if (!name) name = "";
    }
    pthread_mutex_lock(&lock);
    append(SYNC_BEGIN, known >> 2, known & 3, name, strlen(name), "", 0);
    pthread_mutex_unlock(&lock);
    delay();
    int result = (int)syscall(call, file), error = errno;
    if (result == 0) {
        pthread_mutex_lock(&lock);
        append(SYNC_END, known >> 2, known & 3, name, strlen(name), "", 0);
        pthread_mutex_unlock(&lock);
    }
    errno = error;
    return result;
}
int fdatasync(int file) { return sync_file(file, FDATASYNC, SYS_fdatasync); }
int fsync(int file) { return sync_file(file, FSYNC, SYS_fsync); }

ssize_t pread(int file, void *data, size_t size, off_t offset) {
    if ((entry(file) & 3) == PLAIN_FILE && fails(READ, NULL)) return -1;
    return syscall(SYS_pread64, file, data, size, offset);
}
ssize_t pread64(int file, void *data, size_t size, off_t offset) { return pread(file, data, size, offset); }
ssize_t read(int file, void *data, size_t size) {
    if ((entry(file) & 3) == PLAIN_FILE && fails(READ, NULL)) return -1;
    return syscall(SYS_read, file, data, size);
}

// --- the calendar's clock

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && control && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t nanoseconds = (int64_t)time->tv_sec * 1000000000 + time->tv_nsec + control->clock_ns;
        time->tv_sec = nanoseconds / 1000000000;
        time->tv_nsec = nanoseconds % 1000000000;
    }
    return result;
}
time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
int gettimeofday(struct timeval *time, void *zone) {
    (void)zone;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}
