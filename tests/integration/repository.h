/* Real repositories below a directory, made and published by the distributions' own tools. Whatever fails fails the test. */
#ifndef TESTS_INTEGRATION_REPOSITORY_H
#define TESTS_INTEGRATION_REPOSITORY_H

#include "base/buf.h"
#include "signing.h"

/* Gives all files below dir a time of their own: web servers make their ETag of second and size, and a test republishes within
 * one second. Publishing does it; whoever changes a file by hand does. */
void repository_stamp(const char *dir);

/* --- packages --- */

/* `<dir>/<name>_<version>_<architecture>.deb`, by dpkg-deb; depends may be NULL. Version without epoch. */
void package_make_deb(const char *dir, const char *name, const char *version, const char *architecture, const char *depends);
/* `<dir>/<name>-<version>-<release>.x86_64.rpm`, by rpmbuild. */
void package_make_rpm(const char *dir, const char *name, const char *version, const char *release);
/* The same with what is below tree, which is usr/. */
void package_make_rpm_of(const char *dir, const char *name, const char *version, const char *release, const char *tree);
/* Kernel n of our made-up archive: linux-headers-6.1.0-N-amd64, its -common, and a linux-kbuild-6.1 of that version. */
void package_make_kernel(const char *pool, unsigned n);
/* Kernel n as an rpm: kernel-devel-5.14.0-N.el9.x86_64.rpm */
void package_make_kernel_rpm(const char *dir, unsigned n);
/* The line of a digests file for a package in path that is published as url. Caller frees. */
char *package_digest_line(const char *path, const char *url);

/* --- an apt archive: DIR/pool and DIR/dists/stable/main/binary-amd64 --- */

struct apt_archive {
	char *dir, *pool, *suite; /* DIR/dists/stable */
	const struct signing *key;
	const char *compression; /* what of "xz gz zst" there is beside the plain file, or in its place */
	bool plain;		 /* Packages is there uncompressed too */
	bool by_hash;
	const char *valid_until; /* RFC 2822; NULL: tomorrow */
};

/* Empty, with compression "xz gz". */
void apt_archive_make(struct apt_archive *a, const char *dir, const struct signing *key);
void apt_archive_release(struct apt_archive *a);
/* All three steps: afterwards the archive shows what the pool has. */
void apt_archive_publish(const struct apt_archive *a);
void apt_archive_index(const struct apt_archive *a);	/* Packages, by apt-ftparchive */
void apt_archive_compress(const struct apt_archive *a); /* Packages.* */
void apt_archive_state(const struct apt_archive *a);	/* Release, by apt-ftparchive, and by-hash/ */
void apt_archive_sign(const struct apt_archive *a);	/* InRelease */

/* --- a yum repository: rpms in DIR, DIR/repodata --- */

/* By createrepo_c; compression gz, zst or xz. key NULL: no repomd.xml.asc. */
void yum_repository_publish(const char *dir, const char *compression, const struct signing *key);
/* The path of its primary document. Caller frees. */
char *yum_repository_primary(const char *dir);

#endif
