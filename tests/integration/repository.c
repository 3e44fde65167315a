#include "repository.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "stream/digest.h"
#include "tree.h"
#include "work.h"

static void make_dirs(const char *path)
{
	struct err e;

	cr_assert(path_make_dirs(path, &e) == 0, "%s", e.message);
}

static void remove_all(const char *path)
{
	struct err e;

	cr_assert(path_remove(path, &e) == 0, "%s", e.message);
}

static void stamp_below(const char *dir, time_t when)
{
	const struct timespec times[] = { { .tv_sec = when }, { .tv_sec = when } };
	cleanup_strv struct strv files = { 0 };

	tree_list(dir, &files);
	for (size_t i = 0; i < files.len; i++) {
		cleanup_free char *path = text_of("%s/%s", dir, files.items[i]);
		cr_assert(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) == 0, "%s: %s", path, strerror(errno));
	}
}

void repository_stamp(const char *dir)
{
	static time_t generation;

	stamp_below(dir, time(NULL) - 100000 + ++generation);
}

/* --- packages --- */

void package_make_deb(const char *dir, const char *name, const char *version, const char *architecture, const char *depends)
{
	cleanup_free char *tree = text_of("%s/.making", dir);
	cleanup_free char *file = text_of("%s/%s_%s_%s.deb", dir, name, version, architecture);
	cleanup_free char *control =
		text_of("Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: Test <test@example.org>\n"
			"%s%s%sDescription: made up\n",
			name, version, architecture, depends ? "Depends: " : "", depends ? depends : "", depends ? "\n" : "");

	file_put(tree, "DEBIAN/control", control);
	file_put(tree, "usr/share/doc/made-up", name);
	work("dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, file, NULL);
	remove_all(tree);
}

void package_make_kernel(const char *pool, unsigned n)
{
	cleanup_free char *version = text_of("6.1.%u-1", n), *headers = text_of("linux-headers-6.1.0-%u-amd64", n);
	cleanup_free char *common = text_of("linux-headers-6.1.0-%u-common", n);
	cleanup_free char *depends = text_of("%s (= %s), linux-kbuild-6.1 (>= %s), gcc-12", common, version, version);

	package_make_deb(pool, headers, version, "amd64", depends);
	package_make_deb(pool, common, version, "all", NULL);
	package_make_deb(pool, "linux-kbuild-6.1", version, "amd64", NULL);
}

/* what: of the spec file, behind the description. */
static void build_rpm(const char *dir, const char *name, const char *version, const char *release, const char *what)
{
	cleanup_free char *making = text_of("%s/.making", dir), *top = text_of("_topdir %s", making);
	cleanup_free char *out = text_of("_rpmdir %s", dir), *spec = text_of("%s/made-up.spec", making);
	cleanup_free char *text = text_of("Name: %s\nVersion: %s\nRelease: %s\nSummary: made up\nLicense: none\nAutoReqProv: no\n"
					  "%%global __os_install_post %%{nil}\n%%global debug_package %%{nil}\n"
					  "%%global _build_id_links none\n%%description\nMade up.\n%s",
					  name, version, release, what);

	file_put(making, "made-up.spec", text);
	work("rpmbuild", "-bb", "--quiet", "--target", "x86_64", "--define", top, "--define", out, "--define",
	     "_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm", spec, NULL);
	remove_all(making);
}

void package_make_rpm(const char *dir, const char *name, const char *version, const char *release)
{
	build_rpm(dir, name, version, release, "%files\n");
}

void package_make_rpm_of(const char *dir, const char *name, const char *version, const char *release, const char *tree)
{
	cleanup_free char *what = text_of("%%install\ncp -a '%s/.' %%{buildroot}/\n%%files\n/usr\n", tree);

	build_rpm(dir, name, version, release, what);
}

void package_make_kernel_rpm(const char *dir, unsigned n)
{
	cleanup_free char *release = text_of("%u.el9", n);

	package_make_rpm(dir, "kernel-devel", "5.14.0", release);
}

static void digest_of_file(const char *path, char *ret_hex, size_t *ret_size)
{
	cleanup_buf struct buf bytes = { 0 };
	struct digest digest;
	struct err e;

	file_bytes(path, &bytes);
	cr_assert(digest_of(buf_text(&bytes), bytes.len, &digest, &e) == 0, "%s", e.message);
	digest_hex(&digest, ret_hex);
	*ret_size = bytes.len;
}

char *package_digest_line(const char *path, const char *url)
{
	char hex[DIGEST_HEX + 1];
	size_t size;

	digest_of_file(path, hex, &size);
	return text_of("%s  %zu  %s\n", hex, size, url);
}

/* --- apt --- */

void apt_archive_make(struct apt_archive *a, const char *dir, const struct signing *key)
{
	*a = (struct apt_archive){ .dir = text_of("%s", dir),
				   .pool = text_of("%s/pool/main/l/linux", dir),
				   .suite = text_of("%s/dists/stable", dir),
				   .key = key,
				   .compression = "xz gz" };
	cleanup_free char *binary = text_of("%s/main/binary-amd64", a->suite);
	make_dirs(a->pool);
	make_dirs(binary);
}

void apt_archive_release(struct apt_archive *a)
{
	free(a->dir);
	free(a->pool);
	free(a->suite);
}

void apt_archive_index(const struct apt_archive *a)
{
	work_in(a->dir, "dists/stable/main/binary-amd64/Packages", "apt-ftparchive", "packages", "pool", NULL);
}

static void make_by_hash(const struct apt_archive *a, const char *name)
{
	cleanup_free char *path = text_of("%s/main/binary-amd64/%s", a->suite, name);
	char hex[DIGEST_HEX + 1];
	size_t size;

	if (!file_is_there(path))
		return;
	digest_of_file(path, hex, &size);
	cleanup_free char *dir = text_of("%s/main/binary-amd64/by-hash/SHA256", a->suite), *copy = text_of("%s/%s", dir, hex);
	make_dirs(dir);
	work("cp", path, copy, NULL);
}

void apt_archive_compress(const struct apt_archive *a)
{
	cleanup_free char *binary = text_of("%s/main/binary-amd64", a->suite);

	if (strstr(a->compression, "xz"))
		work_in(binary, NULL, "xz", "-kf", "Packages", NULL);
	if (strstr(a->compression, "gz"))
		work_in(binary, NULL, "gzip", "-nkf", "Packages", NULL);
	if (strstr(a->compression, "zst"))
		work_in(binary, NULL, "zstd", "-qkf", "Packages", NULL);
	if (!a->plain) {
		cleanup_free char *plain = text_of("%s/Packages", binary);
		remove_all(plain);
	}
}

void apt_archive_state(const struct apt_archive *a)
{
	/* Without ValidTime it says nothing of validity. */
	cleanup_free char *expiry = a->valid_until ? text_of("APT::FTPArchive::Release::Valid-Until=%s", a->valid_until)
						   : text_of("APT::FTPArchive::Release::Origin=test");
	cleanup_free char *release = text_of("%s/Release", a->suite);
	cleanup_free char *signed_one = text_of("%s/InRelease", a->suite);
	static const char *const names[] = { "Packages", "Packages.xz", "Packages.gz", "Packages.zst" };

	/* It would list itself. */
	remove_all(release);
	remove_all(signed_one);
	work_in(a->dir, "dists/stable/Release", "apt-ftparchive", "-o", "APT::FTPArchive::Release::Suite=stable", "-o",
		"APT::FTPArchive::Release::Codename=stable", "-o", "APT::FTPArchive::Release::Components=main", "-o",
		"APT::FTPArchive::Release::Architectures=amd64", "-o", "APT::FTPArchive::Release::ValidTime=86400", "-o",
		a->by_hash ? "APT::FTPArchive::Release::Acquire-By-Hash=yes" : "APT::FTPArchive::Release::Label=test", "-o", expiry,
		"release", "dists/stable", NULL);
	for (size_t i = 0; a->by_hash && i < ARRAY_LEN(names); i++)
		make_by_hash(a, names[i]);
}

void apt_archive_sign(const struct apt_archive *a)
{
	cleanup_free char *release = text_of("%s/Release", a->suite), *signed_one = text_of("%s/InRelease", a->suite);

	signing_inline(a->key, release, signed_one);
}

void apt_archive_publish(const struct apt_archive *a)
{
	apt_archive_index(a);
	apt_archive_compress(a);
	apt_archive_state(a);
	apt_archive_sign(a);
	repository_stamp(a->suite);
}

/* --- yum --- */

char *yum_repository_primary(const char *dir)
{
	cleanup_free char *repodata = text_of("%s/repodata", dir);
	cleanup_strv struct strv files = { 0 };

	tree_list(repodata, &files);
	for (size_t i = 0; i < files.len; i++)
		if (strstr(files.items[i], "primary.xml"))
			return text_of("%s/%s", repodata, files.items[i]);
	cr_assert_fail("there is no primary document below '%s'", repodata);
	return NULL;
}

/* The block of repomd.xml that names the primary document, made anew: in XML as createrepo_c writes it. */
static void rename_primary(const char *repomd, const char *name, const char *hex, size_t size)
{
	cleanup_buf struct buf text = { 0 };
	cleanup_buf struct buf changed = { 0 };
	struct err e;

	file_bytes(repomd, &text);
	const char *begin = strstr(buf_text(&text), "<data type=\"primary\">");
	const char *end = begin ? strstr(begin, "</data>") : NULL;
	cr_assert_not_null(end, "'%s' names no primary document", repomd);
	cr_assert(buf_append(&changed, text.data, (size_t)(begin - text.data), &e) == 0 &&
		  buf_printf(&changed, &e,
			     "<data type=\"primary\">\n    <checksum type=\"sha256\">%s</checksum>\n"
			     "    <location href=\"repodata/%s\"/>\n    <size>%zu</size>\n  %s",
			     hex, name, size, end) == 0);
	cr_assert(file_replace(repomd, buf_text(&changed), changed.len, 0644, &e) == 0, "%s", e.message);
}

/* Older ones of createrepo_c know no zst: what it wrote is unpacked, packed by zstd(1) and named in its place. */
static void repack_primary(const char *dir)
{
	cleanup_free char *repodata = text_of("%s/repodata", dir), *repomd = text_of("%s/repomd.xml", repodata);
	cleanup_free char *packed = yum_repository_primary(dir), *again = text_of("%s/primary.xml.zst", repodata);
	cleanup_free char *plain = text_of("%s/primary.xml", repodata);
	cleanup_buf struct buf text = { 0 };
	struct err e;
	char hex[DIGEST_HEX + 1];
	size_t size;

	file_gunzip(packed, &text);
	remove_all(packed);
	cr_assert(file_replace(plain, text.data, text.len, 0644, &e) == 0, "%s", e.message);
	work_in(repodata, NULL, "zstd", "-q", "--rm", "primary.xml", NULL);
	digest_of_file(again, hex, &size);
	cleanup_free char *name = text_of("%s-primary.xml.zst", hex), *place = text_of("%s/%s", repodata, name);
	cr_assert(rename(again, place) == 0);
	rename_primary(repomd, name, hex, size);
}

void yum_repository_publish(const char *dir, const char *compression, const struct signing *key)
{
	const char *first = strcmp(compression, "zst") == 0 ? "gz" : compression;
	cleanup_free char *repodata = text_of("%s/repodata", dir), *repomd = text_of("%s/repomd.xml", repodata);
	cleanup_free char *signature = text_of("%s.asc", repomd);

	remove_all(repodata);
	work("createrepo_c", "--quiet", "--no-database", "--general-compress-type", first, dir, NULL);
	if (strcmp(compression, "zst") == 0)
		repack_primary(dir);
	if (key)
		signing_detached(key, repomd, signature);
	repository_stamp(repodata);
}
