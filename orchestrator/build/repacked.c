#include "build/repacked.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "package/repack.h"

/* Raise it when what comes out for the same package and rules changes. */
static const char scheme[] = "orchestrate repacked 1";

DEFINE_CLEANUP(filter, struct filter, filter_free)

static bool takes_images(const struct job *job)
{
	return job->distro->distro->image.take.len > 0;
}

bool repacked_wanted(const struct job *job, size_t package)
{
	return job->kernel->packages[package].file_as || takes_images(job);
}

/* What is to become of one package. */
static int hash_rules(struct hasher *h, const struct job *job, size_t package, struct err *e)
{
	const char *file_as = job->kernel->packages[package].file_as;

	if (file_as)
		return hasher_text(h, "file", e) < 0 ? -1 : hasher_text(h, file_as, e);
	cleanup_free char *rules = image_rules_encode(&job->distro->distro->image, e);
	return rules && hasher_text(h, "image", e) == 0 ? hasher_text(h, rules, e) : -1;
}

int repacked_hash(struct hasher *h, const struct job *job, struct err *e)
{
	for (size_t i = 0; i < job->kernel->package_count; i++)
		if (repacked_wanted(job, i) && (hasher_text(h, scheme, e) < 0 || hash_rules(h, job, i, e) < 0))
			return -1;
	return 0;
}

/* <cache>/repacked/ab/<64 hex>.tar.gz */
static char *archive_path(const char *cache_dir, const struct job *job, size_t package, struct err *e)
{
	struct hasher *h = hasher_new(e);
	struct digest digest;
	char hex[DIGEST_HEX + 1];

	if (!h)
		return NULL;
	int rc = hasher_text(h, scheme, e);
	if (rc == 0)
		rc = hash_rules(h, job, package, e);
	if (rc == 0)
		rc = hasher_field(h, job->package_digests[package].bytes, DIGEST_BYTES, e);
	if (rc == 0)
		rc = hasher_finish(h, &digest, e);
	hasher_free(h);
	if (rc < 0)
		return NULL;
	digest_hex(&digest, hex);
	return str_printf(e, "%s/repacked/%.2s/%s.tar.gz", cache_dir, hex, hex);
}

/* Beside an archive stands its digest, so that one that has been damaged since is made anew. 1 *ret_fd, 0 there is no good one. */
static int open_kept(const char *path, const char *digest_path, int *ret_fd, struct err *e)
{
	cleanup_buf struct buf text = { 0 };
	struct digest wanted, found;
	struct err ignored;

	if (file_read(digest_path, DIGEST_HEX, &text, &ignored) < 0 || digest_parse(buf_text(&text), &wanted, &ignored) < 0)
		return 0;
	cleanup_close int fd = file_open(path, e);
	if (fd < 0)
		return e->kind == ERR_NOT_FOUND ? 0 : -1;
	if (digest_of_fd(fd, &found, NULL, e) < 0)
		return -1;
	if (!digest_equal(&wanted, &found))
		return 0;
	*ret_fd = steal_fd(&fd);
	return 1;
}

/* A file that is gone with its descriptor. */
static int open_scratch(const char *archive, struct err *e)
{
	cleanup_free char *path = str_printf(e, "%s.XXXXXX.partial", archive);

	if (!path)
		return -1;
	int fd = mkostemps(path, (int)strlen(".partial"), O_CLOEXEC);
	if (fd < 0)
		return err_system(e, errno, "creating a scratch file beside '%s'", archive);
	unlink(path);
	return fd;
}

static int start(const struct job *job, size_t package, int package_fd, int scratch, int out, struct filter **ret, struct err *e)
{
	const struct kernel_package *p = &job->kernel->packages[package];

	if (p->file_as)
		return repack_file_start(NULL, package_fd, p->file_name, p->file_as, out, ret, e);
	return repack_image_start(NULL, package_fd, p->file_name, &job->distro->distro->image, scratch, out, ret, e);
}

static int make(const struct job *job, size_t package, int package_fd, const char *path, const char *digest_path,
		const struct cancel *cancel, struct err *e)
{
	cleanup_newfile struct newfile file = { .fd = -1 };
	cleanup_of(filter) struct filter *filter = NULL;
	struct digest digest;
	char hex[DIGEST_HEX + 1];

	cleanup_close int scratch = open_scratch(path, e);
	if (scratch < 0 || newfile_open(&file, path, 0644, e) < 0 ||
	    start(job, package, package_fd, scratch, file.fd, &filter, e) < 0 || filter_wait(filter, cancel, e) < 0)
		return -1;
	cleanup_close int made = file_open(file.temporary, e);
	if (made < 0 || digest_of_fd(made, &digest, NULL, e) < 0 || newfile_commit(&file, e) < 0)
		return -1;
	digest_hex(&digest, hex);
	return file_replace(digest_path, hex, DIGEST_HEX, 0644, e);
}

int repacked_open(const char *cache_dir, const struct job *job, size_t package, int package_fd, const struct cancel *cancel,
		  int *ret_fd, struct err *e)
{
	cleanup_free char *path = archive_path(cache_dir, job, package, e);
	cleanup_free char *digest_path = path ? str_printf(e, "%s.sha256", path) : NULL;

	if (!digest_path)
		return -1;
	int kept = open_kept(path, digest_path, ret_fd, e);
	if (kept)
		return kept < 0 ? -1 : 0;
	cleanup_free char *dir = str_printf(e, "%.*s", (int)(strrchr(path, '/') - path), path);
	if (!dir || path_make_dirs(dir, e) < 0 || make(job, package, package_fd, path, digest_path, cancel, e) < 0)
		return -1;
	kept = open_kept(path, digest_path, ret_fd, e);
	return kept < 0 ? -1 : kept ? 0 : err_set(e, ERR_TEMPORARY, "'%s' went away as soon as it was made", path);
}
