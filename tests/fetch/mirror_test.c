#include "fetch/mirror.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "fetch/host_mirror.h"

#define PUBLIC	  "http://ftp.debian.org/debian"
#define FILE_PATH "/pool/main/l/linux/x.deb"

static struct mirror make_mirror(const char *name, const char *const *urls)
{
	struct mirror m = { .name = strdup(name) };
	struct err e;

	for (; *urls; urls++)
		cr_assert_eq(strv_add(&m.urls, *urls, &e), 0);
	return m;
}

/* Two mirrors of a distro and one of another, on a host that is set to repositories (NULL-terminated) and runs os_id. */
static struct mirror_table *make_table(const char *os_id, const char *const *repositories)
{
	static const char *const debian[] = { PUBLIC "/", "http://second.example/debian", NULL };
	static const char *const security[] = { "http://security.debian.org/debian-security", NULL };
	static const char *const other[] = { "http://other.example/linux", "http://other.example/linux/deeper/", NULL };
	struct strv repos = { 0 };
	struct err e;
	struct mirror_table *t = mirror_table_new(NULL, NULL, &e);
	struct mirror mirrors[] = { make_mirror("debian", debian), make_mirror("debian-security", security),
				    make_mirror("other", other) };
	const char *const ids[] = { "debian", "debian", NULL };

	for (size_t i = 0; i < ARRAY_LEN(mirrors); i++) {
		cr_assert_eq(mirror_table_add(t, &mirrors[i], ids[i], &e), 0, "%s", e.message);
		mirror_release(&mirrors[i]);
	}
	for (; repositories && *repositories; repositories++)
		cr_assert_eq(strv_add(&repos, *repositories, &e), 0);
	cr_assert_eq(mirror_table_set_host(t, os_id, &repos, &e), 0, "%s", e.message);
	strv_release(&repos);
	return t;
}

static void expect_candidates(struct mirror_table *t, const char *url, const char *const *expected)
{
	cleanup_strv struct strv got = { 0 };
	struct err e;
	size_t n = 0;

	cr_assert_eq(mirror_candidates(t, url, &got, &e), 0, "%s", e.message);
	for (; expected[n]; n++)
		cr_expect(n < got.len && strcmp(got.items[n], expected[n]) == 0, "candidate %zu of %s is %s, not %s", n, url,
			  n < got.len ? got.items[n] : "missing", expected[n]);
	cr_expect_eq(got.len, n, "%s has %zu candidates, not %zu", url, got.len, n);
}

Test(mirror, order_is_user_environment_host_list)
{
	static const char *const repositories[] = { "http://host.example/pub/debian/", "http://host.example/pub/debian-security",
						    NULL };
	struct err e;

	setenv("ORCHESTRATE_MIRROR_DEBIAN", "http://env.example/d/", 1);
	setenv("ORCHESTRATE_MIRROR_DEBIAN_SECURITY", "http://env.example/s", 1);
	cleanup_of(mirror_table) struct mirror_table *t = make_table("debian", repositories);
	cr_assert_eq(mirror_table_override(t, "debian=https://user.example/one/", &e), 0, "%s", e.message);
	cr_assert_eq(mirror_table_override(t, "debian=file:///srv/two", &e), 0, "%s", e.message);

	expect_candidates(t, PUBLIC FILE_PATH,
			  (const char *const[]){ "https://user.example/one" FILE_PATH, "file:///srv/two" FILE_PATH,
						 "http://env.example/d" FILE_PATH, "http://host.example/pub/debian" FILE_PATH,
						 PUBLIC FILE_PATH, "http://second.example/debian" FILE_PATH, NULL });
	/* The list's own URL is the first of the public ones. */
	expect_candidates(t, "http://second.example/debian" FILE_PATH,
			  (const char *const[]){ "https://user.example/one" FILE_PATH, "file:///srv/two" FILE_PATH,
						 "http://env.example/d" FILE_PATH, "http://host.example/pub/debian" FILE_PATH,
						 "http://second.example/debian" FILE_PATH, PUBLIC FILE_PATH, NULL });
	expect_candidates(t, "http://security.debian.org/debian-security/x",
			  (const char *const[]){ "http://env.example/s/x", "http://host.example/pub/debian-security/x",
						 "http://security.debian.org/debian-security/x", NULL });
}

Test(mirror, host_counts_only_for_its_own_distro_and_tree)
{
	static const char *const repositories[] = { "http://host.example/ubuntu", "http://host.example/linux",
						    "http://host.example/notdebian", "http://host.example/debian", NULL };
	cleanup_of(mirror_table) struct mirror_table *at_home = make_table("debian", repositories);
	cleanup_of(mirror_table) struct mirror_table *abroad = make_table("fedora", repositories);

	expect_candidates(
		at_home, PUBLIC "/x",
		(const char *const[]){ "http://host.example/debian/x", PUBLIC "/x", "http://second.example/debian/x", NULL });
	expect_candidates(abroad, PUBLIC "/x", (const char *const[]){ PUBLIC "/x", "http://second.example/debian/x", NULL });
	/* Belongs to no distro. */
	expect_candidates(at_home, "http://other.example/linux/x",
			  (const char *const[]){ "http://other.example/linux/x", "http://other.example/linux/deeper/x", NULL });
}

Test(mirror, no_duplicates_and_longest_prefix)
{
	static const char *const repositories[] = { PUBLIC, "http://host.example/debian", NULL };
	cleanup_of(mirror_table) struct mirror_table *t = make_table("debian", repositories);

	expect_candidates(
		t, PUBLIC "/x",
		(const char *const[]){ PUBLIC "/x", "http://host.example/debian/x", "http://second.example/debian/x", NULL });
	expect_candidates(t, "http://other.example/linux/deeper/x",
			  (const char *const[]){ "http://other.example/linux/deeper/x", "http://other.example/linux/x", NULL });
}

Test(mirror, url_of_no_mirror_is_its_own_candidate)
{
	cleanup_of(mirror_table) struct mirror_table *t = make_table("debian", NULL);
	cleanup_strv struct strv got = { 0 };
	struct err e;

	expect_candidates(t, "http://elsewhere.example/x", (const char *const[]){ "http://elsewhere.example/x", NULL });
	/* A prefix counts in whole parts only. */
	expect_candidates(t, PUBLIC "-ports/x", (const char *const[]){ PUBLIC "-ports/x", NULL });
	cr_expect_eq(mirror_candidates(t, "ftp://elsewhere.example/x", &got, &e), -1);
	cr_expect_eq(e.kind, ERR_INPUT);
	cr_expect_eq(got.len, 0);
}

Test(mirror, wrong_overrides_are_usage_errors)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{ "debain=http://x/", "no mirror is called 'debain', did you mean 'debian'?" },
		{ "http://x/", "expected NAME=URL for a mirror, found 'http://x/'" },
		{ "=http://x/", "expected NAME=URL for a mirror, found '=http://x/'" },
		{ "debian=ftp://x/", "mirror 'debian': 'ftp://x/' is no http, https or file URL" },
		{ "debian=", "mirror 'debian': '' is no http, https or file URL" },
	};
	cleanup_of(mirror_table) struct mirror_table *t = make_table("debian", NULL);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };
		cr_expect_eq(mirror_table_override(t, rows[i].text, &e), -1);
		cr_expect_eq(e.kind, ERR_USAGE, "'%s': %s", rows[i].text, err_kind_name(e.kind));
		cr_expect_str_eq(e.message, rows[i].message);
	}
}

Test(mirror, reads_what_apt_prints)
{
	static const char text[] = "http://a.example/debian/\n"
				   "http://a.example/debian/\n"
				   "cdrom:[Some Disk]/\n"
				   "mirror+file:/etc/apt/list.txt\n"
				   "\n"
				   "file:///srv/local-repo/\r\n"
				   "https://b.example/debian-security";
	cleanup_strv struct strv got = { 0 };
	struct err e;

	cr_assert_eq(host_mirror_parse(text, &got, &e), 0);
	cr_assert_eq(got.len, 3);
	cr_expect_str_eq(got.items[0], "http://a.example/debian");
	cr_expect_str_eq(got.items[1], "file:///srv/local-repo");
	cr_expect_str_eq(got.items[2], "https://b.example/debian-security");
}

Test(mirror, reads_os_release)
{
	static const struct {
		const char *text, *id;
	} rows[] = {
		{ "NAME=\"X\"\nVERSION_ID=\"12\"\nID=debian\n", "debian" },
		{ "ID=\"rhel\"\r\nID_LIKE=\"fedora\"\n", "rhel" },
		{ "ID='opensuse-leap'", "opensuse-leap" },
		{ "ID_LIKE=debian\n", "linux" },
		{ "", "linux" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_free char *id = os_release_id(rows[i].text, NULL);
		cr_expect_str_eq(id, rows[i].id);
	}
}

/* Puts a program called apt-get, with this body, alone on the PATH. */
static void fake_apt(char *dir, const char *body)
{
	char path[128];
	struct err e;

	strcpy(dir, "/tmp/fetch-test.XXXXXX");
	cr_assert(mkdtemp(dir));
	if (body) {
		snprintf(path, sizeof(path), "%s/apt-get", dir);
		cr_assert_eq(file_replace(path, body, strlen(body), 0755, &e), 0);
	}
	setenv("PATH", dir, 1);
}

Test(mirror, apt_that_fails_or_is_missing_is_no_error)
{
	static const struct {
		const char *body;
		size_t found;
	} rows[] = {
		{ NULL, 0 },
		{ "#!/bin/sh\necho http://a.example/debian\nexit 100\n", 0 },
		{ "#!/bin/sh\n[ \"$1 $2 $3\" = 'indextargets --format $(REPO_URI)' ] && echo http://a.example/debian/\n", 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char dir[64];
		cleanup_strv struct strv got = { 0 };
		struct err e = { 0 };
		fake_apt(dir, rows[i].body);
		cr_expect_eq(host_mirror_ask(&got, NULL, NULL, &e), 0, "%s", e.message);
		cr_expect_eq(got.len, rows[i].found, "row %zu: %zu", i, got.len);
		cr_assert_eq(path_remove(dir, &e), 0);
	}
}
