#include "index/signature.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/process.h"
#include "index/armor.h"
#include "stream/filter.h"

enum {
	SIGNED_MAX = 32 << 20,	 /* of a signed text */
	SIGNATURE_MAX = 1 << 20, /* of a detached signature */
	KEYRING_MAX = 16 << 20,
	SAID_MAX = 1 << 20, /* of what a program may say */
	SIGNATURE_FD = 3,
	DATA_FD,
	KEYRING_FD, /* in the program */
};

static const char out_of_memory_file[] = "orchestrate-signed"; /* the name that memfd_create(2) shows in /proc */

/* A new unlinked file with these bytes, at position 0. Caller closes. */
static int file_of(const struct buf *bytes, struct err *e)
{
	cleanup_close int fd = memfd_create(out_of_memory_file, MFD_CLOEXEC);

	if (fd < 0)
		return err_system(e, errno, "making a file in memory");
	if (fd_write_all(fd, buf_text(bytes), bytes->len, e) < 0)
		return -1;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_system(e, errno, "making a file in memory");
	return steal_fd(&fd);
}

/* Appends all of fd; its position stays. */
static int read_whole(int fd, size_t max, struct buf *ret, struct err *e)
{
	size_t got = 0;

	for (;;) {
		if (buf_reserve(ret, 65536, e) < 0)
			return -1;
		ssize_t n = pread(fd, ret->data + ret->len, 65536, (off_t)got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_system(e, errno, "reading");
		if (n == 0)
			return 0;
		ret->len += (size_t)n;
		ret->data[ret->len] = '\0';
		got += (size_t)n;
		if (got > max)
			return err_set(e, ERR_LIMIT, "is larger than %zu bytes", max);
	}
}

/* The keyring as a file without armor, which gpgv does not read. Caller closes. */
static int keyring_open(const char *path, struct err *e)
{
	cleanup_buf struct buf bytes = { 0 };
	cleanup_buf struct buf keys = { 0 };

	if (file_read(path, KEYRING_MAX, &bytes, e) < 0) {
		e->kind = e->kind == ERR_NOT_FOUND ? ERR_INPUT : e->kind;
		return err_wrap(e, "keyring");
	}
	/* RFC 4880, section 4.2: the first byte of binary packets has its highest bit set; GnuPG's keybox begins with a NUL. */
	if (bytes.len && ((unsigned char)bytes.data[0] & 0x80 || bytes.data[0] == '\0'))
		return file_of(&bytes, e);
	if (armor_decode_keys(buf_text(&bytes), bytes.len, &keys, e) < 0)
		return err_wrap(e, "keyring '%s'", path);
	return file_of(&keys, e);
}

/* What the signatures came to; of those that are not good, the worst. */
struct verdict {
	unsigned good;
	bool bad;
	int weight; /* of the reason */
	char reason[200];
};

static void reason(struct verdict *v, int weight, const char *format, ...) printf_like(3, 4);

static void reason(struct verdict *v, int weight, const char *format, ...)
{
	va_list args;

	if (weight <= v->weight)
		return;
	v->weight = weight;
	va_start(args, format);
	vsnprintf(v->reason, sizeof(v->reason), format, args);
	va_end(args);
}

/* RFC 4880, section 9.4: those that nobody can forge yet. */
static bool is_strong_hash(int algorithm)
{
	return algorithm >= 8 && algorithm <= 11;
}

/* One line of gpgv's --status-fd. Format: GnuPG's doc/DETAILS. *good: whether the signature at hand verified with a key that is
 * neither expired nor revoked. */
static void take_status(struct verdict *v, const char *line, bool *good)
{
	char word[24] = "", key[64] = "";
	int algorithm = 0, code = 0;

	sscanf(line, "%23s %40s", word, key);
	if (strcmp(word, "NEWSIG") == 0) {
		*good = false;
	} else if (strcmp(word, "GOODSIG") == 0) {
		*good = true;
	} else if (strcmp(word, "BADSIG") == 0) {
		v->bad = true;
		reason(v, 9, "the signature by key %s is bad: this is not what was signed", key);
	} else if (strcmp(word, "REVKEYSIG") == 0) {
		reason(v, 5, "key %s is revoked", key);
	} else if (strcmp(word, "EXPKEYSIG") == 0) {
		reason(v, 4, "key %s has expired", key);
	} else if (strcmp(word, "EXPSIG") == 0) {
		reason(v, 4, "the signature by key %s has expired", key);
	} else if (strcmp(word, "ERRSIG") == 0) {
		if (sscanf(line, "%*s %*s %*s %*s %*s %*s %d", &code) == 1 && code == 9)
			reason(v, 2, "key %s is not in the keyring", key);
		else
			reason(v, 3, "the signature by key %s can't be checked", key);
	} else if (strcmp(word, "NODATA") == 0) {
		reason(v, 1, "there is no signature");
	} else if (strcmp(word, "VALIDSIG") == 0 && *good) {
		if (sscanf(line, "%*s %*s %*s %*s %*s %*s %*s %*s %d", &algorithm) == 1 && is_strong_hash(algorithm))
			v->good++;
		else
			reason(v, 6, "the signature by key %s is over a hash that can be forged", key);
		*good = false;
	}
}

static void read_gpgv(const char *said, struct verdict *v)
{
	static const char mark[] = "[GNUPG:] ";
	bool good = false;

	for (const char *line = said; line && *line; line = strchr(line, '\n'), line += line != NULL)
		if (str_starts(line, mark))
			take_status(v, line + strlen(mark), &good);
}

/* sqv prints the fingerprint of each good signature's key, in a line of its own. */
static void read_sqv(const char *said, struct verdict *v)
{
	for (const char *line = said; line && *line; line = strchr(line, '\n'), line += line != NULL) {
		size_t len = strspn(line, "0123456789ABCDEFabcdef");
		v->good += len >= 40 && line[len] == '\n';
	}
}

static const struct checker {
	const char *argv[8];
	void (*read)(const char *said, struct verdict *v);
	bool fails_on_unknown; /* exits with a failure also where one signature is good and another one's key is unknown */
} checkers[] = {
	{ { "gpgv", "--status-fd", "1", "--keyring", "/dev/fd/5", "/dev/fd/3", "/dev/fd/4", NULL }, read_gpgv, true },
	{ { "sqv", "--keyring", "/dev/fd/5", "/dev/fd/3", "/dev/fd/4", NULL }, read_sqv, false },
};

/* Runs one; what it said on stdout is appended to *said, and on stderr to *complaint. */
static int run(const struct checker *c, int signature_fd, int data_fd, int keyring_fd, struct buf *said, struct buf *complaint,
	       int *ret_status, const struct cancel *cancel, struct err *e)
{
	static const char *const environment[] = { "LC_ALL=C", "HOME=/nonexistent", NULL };
	cleanup_process struct process p = { .pid_fd = -1 };
	int fds[2];

	cleanup_close int err_fd = memfd_create(out_of_memory_file, MFD_CLOEXEC);
	if (err_fd < 0)
		return err_system(e, errno, "making a file in memory");
	if (fd_pipe(fds, e) < 0)
		return -1;
	cleanup_close int out = fds[0];
	const struct process_fd given[] = { { fds[1], STDOUT_FILENO },
					    { err_fd, STDERR_FILENO },
					    { signature_fd, SIGNATURE_FD },
					    { data_fd, DATA_FD },
					    { keyring_fd, KEYRING_FD } };
	int rc = process_start(&p, c->argv, environment, given, ARRAY_LEN(given), e);
	close(fds[1]);
	if (rc < 0 || filter_read(out, SAID_MAX, said, cancel, e) < 0 || process_wait(&p, cancel, ret_status, e) < 0)
		return -1;
	return read_whole(err_fd, SAID_MAX, complaint, e);
}

/* The last line of what a program complained about, in plain characters. */
static const char *last_line(struct buf *text)
{
	for (size_t i = 0; i < text->len; i++)
		if (text->data[i] != '\n' && ((unsigned char)text->data[i] < 0x20 || text->data[i] == 0x7f))
			text->data[i] = '?';
	while (text->len && text->data[text->len - 1] == '\n')
		text->data[--text->len] = '\0';
	const char *newline = text->len ? strrchr(text->data, '\n') : NULL;
	return newline ? newline + 1 : buf_text(text);
}

static int judge(const struct checker *c, const struct buf *said, struct buf *complaint, int status, struct err *e)
{
	struct verdict v = { 0 };

	c->read(buf_text(said), &v);
	bool ended_well = process_status_check(c->argv[0], status, e) == 0;
	if (v.good > 0 && !v.bad && (ended_well || c->fails_on_unknown))
		return 0;
	const char *line = last_line(complaint);
	return err_set(e, ERR_CORRUPT, "%s", v.reason[0] ? v.reason : *line ? line : "no good signature");
}

static int check(int signature_fd, int data_fd, const char *keyring, const struct cancel *cancel, struct err *e)
{
	cleanup_close int keyring_fd = keyring_open(keyring, e);

	if (keyring_fd < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(checkers); i++) {
		cleanup_buf struct buf said = { 0 };
		cleanup_buf struct buf complaint = { 0 };
		int status = 0;
		if (run(&checkers[i], signature_fd, data_fd, keyring_fd, &said, &complaint, &status, cancel, e) == 0)
			return judge(&checkers[i], &said, &complaint, status, e);
		if (e->kind != ERR_NOT_FOUND)
			return -1;
	}
	return err_set(e, ERR_SYSTEM, "neither gpgv nor sqv is installed; one of them is needed");
}

static int check_inline(int fd, const char *keyring, int *ret_fd, const struct cancel *cancel, struct err *e)
{
	cleanup_buf struct buf bytes = { 0 };
	cleanup_buf struct buf text = { 0 };
	cleanup_buf struct buf signature = { 0 };

	if (read_whole(fd, SIGNED_MAX, &bytes, e) < 0 || armor_split_signed(buf_text(&bytes), bytes.len, &text, &signature, e) < 0)
		return -1;
	cleanup_close int text_fd = file_of(&text, e);
	cleanup_close int signature_fd = text_fd < 0 ? -1 : file_of(&signature, e);
	if (signature_fd < 0 || check(signature_fd, text_fd, keyring, cancel, e) < 0)
		return -1;
	/* The last newline is no part of what was signed, but of a text. */
	if (pwrite(text_fd, "\n", 1, (off_t)text.len) != 1)
		return err_system(e, errno, "writing a file in memory");
	*ret_fd = steal_fd(&text_fd);
	return 0;
}

int signature_check_inline(int fd, const char *name, const char *keyring, int *ret_fd, const struct cancel *cancel, struct err *e)
{
	return check_inline(fd, keyring, ret_fd, cancel, e) < 0 ? err_wrap(e, "signature of '%s'", name) : 0;
}

int signature_check_detached(int fd, int signature_fd, const char *name, const char *keyring, const struct cancel *cancel,
			     struct err *e)
{
	cleanup_buf struct buf bytes = { 0 };
	int rc = read_whole(signature_fd, SIGNATURE_MAX, &bytes, e);

	if (!rc && bytes.len == 0)
		rc = err_set(e, ERR_CORRUPT, "is empty");
	if (!rc)
		rc = check(signature_fd, fd, keyring, cancel, e);
	return rc < 0 ? err_wrap(e, "signature of '%s'", name) : 0;
}
