#include "sign/sign.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "sign/trailer.h"
#include "stream/sink.h"

enum { GZIP_LEVEL = 9 };

static int open_regular(const char *path, struct stat *ret, struct err *e)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "it does not exist");
	if (fd < 0 || fstat(fd, ret) < 0)
		return err_system(e, errno, "opening it");
	if (!S_ISREG(ret->st_mode))
		return err_set(e, ERR_USAGE, "it is no regular file");
	return steal_fd(&fd);
}

/* A link would be replaced by the file that it leads to. */
static int check_in_place(const char *path, struct err *e)
{
	struct stat st = { 0 };

	if (lstat(path, &st) < 0)
		return err_system(e, errno, "looking at it");
	return S_ISREG(st.st_mode) ? 0 : err_set(e, ERR_USAGE, "it is a link; name the file itself, or give --output");
}

static int say_findings(const struct object_report *r, struct err *e)
{
	err_set(e, ERR_CHECK, "it did not pass the gate");
	for (size_t i = 0; i < r->finding_count; i++)
		err_append(e, "%s: expected %s, found %s", r->findings[i].what, r->findings[i].expected, r->findings[i].found);
	return -1;
}

static bool same_name(char a, char b)
{
	return (a == '-' ? '_' : a) == (b == '-' ? '_' : b);
}

/* "probe-6.1.0-x.ko.gz" of module "probe" must be for 6.1.0-x. Files that are not called so say nothing about a kernel. */
static int check_name(const char *path, bool gzip, const struct object_report *r, struct err *e)
{
	const char *name = path_base(path);
	size_t module_len = strlen(r->module_name), release_len = strcspn(r->vermagic, " ");

	for (size_t i = 0; i < module_len; i++)
		if (!same_name(name[i], r->module_name[i]))
			return 0;
	if (!module_len || name[module_len] != '-')
		return 0;
	const char *release = name + module_len + 1;
	size_t len = strlen(release) - strlen(gzip ? ".ko.gz" : ".ko");
	if (len == release_len && strncmp(release, r->vermagic, len) == 0)
		return 0;
	return err_set(e, ERR_CHECK, "it did not pass the gate: vermagic: expected %.*s by the file's name, found %s", (int)len,
		       release, r->vermagic);
}

static int read_checked(const struct sign_request *request, int fd, struct module *ret, struct err *e)
{
	bool gzip;

	if (!module_name(request->path, &gzip))
		return err_set(e, ERR_USAGE, "a module is expected, *.ko or *.ko.gz");
	if (module_read(request->program, fd, gzip, &request->expect, ret, request->cancel, e) < 0)
		return -1;
	if (ret->report.finding_count)
		return say_findings(&ret->report, e);
	return request->expect.release ? 0 : check_name(request->path, gzip, &ret->report, e);
}

static int write_bytes(const struct buf *bytes, bool gzip, int fd, struct err *e)
{
	if (!gzip)
		return fd_write_all(fd, bytes->data, bytes->len, e);
	struct sink *file = sink_to_fd(fd, e);
	struct sink *packed = file ? sink_gzip(file, GZIP_LEVEL, e) : NULL;
	int rc = packed && sink_write(packed, bytes->data, bytes->len, e) == 0 ? sink_finish(packed, e) : -1;
	sink_free(packed);
	sink_free(file);
	return rc;
}

static int write_file(const char *target, const struct buf *bytes, mode_t mode, struct err *e)
{
	cleanup_newfile struct newfile f = { .fd = -1 };
	bool gzip;

	module_name(target, &gzip);
	if (newfile_open(&f, target, 0600, e) < 0 || write_bytes(bytes, gzip, f.fd, e) < 0)
		return -1;
	if (fchmod(f.fd, mode & 07777) < 0)
		return err_system(e, errno, "writing '%s'", target);
	return newfile_commit(&f, e);
}

/* 1 leave it as it is, 0 sign it, without what was there. */
static int look_at_old(const struct signer *signer, const struct sign_request *request, struct module *m, struct signature *ret,
		       struct err *e)
{
	if (signature_check(signer_certificate(signer), m->bytes.data, m->bytes.len, ret, e) < 0)
		return -1;
	if (ret->state == SIGNATURE_NONE)
		return 0;
	if (request->replace) {
		size_t len = 0;
		if (trailer_strip(m->bytes.data, m->bytes.len, &len, e) < 0)
			return err_append(e, "where the module ends can't be told");
		m->bytes.len = len;
		return 0;
	}
	if (ret->state == SIGNATURE_GOOD)
		return 1;
	if (ret->state == SIGNATURE_OTHER_KEY)
		return err_set(e, ERR_CONFLICT, "it is signed already by another key, %s%s%s%s; --replace takes that away",
			       ret->signer[0] ? "of '" : "", ret->signer, ret->signer[0] ? "', " : "", ret->key);
	return err_set(e, ERR_CONFLICT, "it has a signature that is not good: %s; --replace takes it away", ret->reason);
}

int sign_file(const struct signer *signer, const struct sign_request *request, enum sign_outcome *ret,
	      struct signature *ret_signature, struct err *e)
{
	bool in_place = strcmp(request->path, request->target) == 0;
	cleanup_module struct module m = { 0 };
	struct signature old;
	struct stat st = { 0 };

	if (in_place && check_in_place(request->path, e) < 0)
		return -1;
	cleanup_close int fd = open_regular(request->path, &st, e);
	if (fd < 0 || read_checked(request, fd, &m, e) < 0)
		return -1;
	int leave = look_at_old(signer, request, &m, &old, e);
	if (leave < 0 || (!leave && signer_append(signer, request->hash, &m.bytes, e) < 0) || cancel_check(request->cancel, e) < 0)
		return -1;
	if (!(leave && in_place) && write_file(request->target, &m.bytes, st.st_mode, e) < 0)
		return -1;
	*ret = leave ? SIGN_LEFT : old.state == SIGNATURE_NONE ? SIGN_SIGNED : SIGN_REPLACED;
	if (leave) {
		*ret_signature = old;
		return 0;
	}
	return signature_check(signer_certificate(signer), m.bytes.data, m.bytes.len, ret_signature, e);
}

int sign_verify_file(const struct certificate *c, const char *path, const char *program, struct signature *ret,
		     const struct cancel *cancel, struct err *e)
{
	const struct module_expect any = { .unchecked = true };
	cleanup_module struct module m = { 0 };
	struct stat st = { 0 };
	bool gzip;

	if (!module_name(path, &gzip))
		return err_set(e, ERR_USAGE, "a module is expected, *.ko or *.ko.gz");
	cleanup_close int fd = open_regular(path, &st, e);
	if (fd < 0 || module_read(program, fd, gzip, &any, &m, cancel, e) < 0)
		return -1;
	return signature_check(c, m.bytes.data, m.bytes.len, ret, e);
}
