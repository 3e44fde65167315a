/* The crawl of yum repositories in the checkout: digests, and what is empty. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "crawling.h"
#include "stream/digest.h"

static void hex_of(const char *text, char hex[DIGEST_HEX + 1])
{
	struct digest digest;
	struct err e;

	cr_assert_eq(digest_of(text, strlen(text), &digest, &e), 0);
	digest_hex(&digest, hex);
}

/* A yum repository in a folder of the checkout, with this primary.xml. */
static void publish_repository(struct site *s, const char *folder, const struct buf *primary)
{
	cleanup_buf struct buf repomd = { 0 };
	char primary_hex[DIGEST_HEX + 1];
	struct err e;
	cleanup_free char *dir = str_printf(&e, "%s/%s/repodata", s->root, folder);
	cleanup_free char *primary_path = str_printf(&e, "%s/primary.xml", dir),
			  *repomd_path = str_printf(&e, "%s/repomd.xml", dir);

	cr_assert_eq(path_make_dirs(dir, &e), 0);
	hex_of(buf_text(primary), primary_hex);
	cr_assert_eq(buf_printf(&repomd, &e,
				"<repomd xmlns=\"http://linux.duke.edu/metadata/repo\"><data type=\"primary\">"
				"<checksum type=\"sha256\">%s</checksum><location href=\"repodata/primary.xml\"/><size>%zu</size>"
				"</data></repomd>\n",
				primary_hex, primary->len),
		     0);
	site_write(s, primary_path, buf_text(primary));
	site_write(s, repomd_path, buf_text(&repomd));
}

/* One package that has these bytes; NULL: none at all. */
static void publish_rpm(struct site *s, const char *folder, const char *bytes)
{
	cleanup_buf struct buf primary = { 0 };
	char hex[DIGEST_HEX + 1];
	struct err e;

	cr_assert_eq(buf_puts(&primary, "<metadata xmlns=\"http://linux.duke.edu/metadata/common\" packages=\"1\">", &e), 0);
	if (bytes) {
		hex_of(bytes, hex);
		cr_assert_eq(buf_printf(&primary, &e,
					"<package type=\"rpm\"><name>devel</name><arch>x86_64</arch>"
					"<version epoch=\"0\" ver=\"1\" rel=\"1\"/>"
					"<checksum type=\"sha256\" pkgid=\"YES\">%s</checksum><size package=\"%zu\"/>"
					"<location href=\"devel-5.14.0-1.x86_64_1.deb\"/></package>",
					hex, strlen(bytes)),
			     0);
	}
	cr_assert_eq(buf_puts(&primary, "</metadata>\n", &e), 0);
	publish_repository(s, folder, &primary);
}

/* The second distro gets an index of the repositories in these folders. */
static void give_repositories(struct site *s, const char *options, const char *const folders[])
{
	cleanup_buf struct buf text = { 0 };
	const char *comma = "";
	struct err e;
	cleanup_free char *path = path_join(s->root, "distros/second.yaml", &e);

	cr_assert_eq(file_read(path, 1 << 20, &text, &e), 0);
	cr_assert_eq(buf_puts(&text, "indexes: [{name: main, packages: 'devel-.*', yum: {urls: [", &e), 0);
	for (; *folders; folders++) {
		cr_assert_eq(buf_printf(&text, &e, "%s'file://%s/%s'", comma, s->root, *folders), 0);
		comma = ", ";
	}
	cr_assert_eq(buf_printf(&text, &e, "]%s}}]\n", options), 0);
	site_write(s, "distros/second.yaml", buf_text(&text));
	site_write(s, LIST_PATH, "");
}

static void expect_digest(struct site *s, const char *bytes)
{
	cleanup_free char *digests = text_of(s, DIGESTS_PATH);
	char hex[DIGEST_HEX + 1];

	hex_of(bytes, hex);
	cr_expect(str_starts(digests, hex), "%s", digests);
}

Test(crawl_repository, a_package_that_changed_under_its_name_is_not_taken)
{
	cleanup_site struct site s;
	struct outcome o[3] = { 0 };

	site_make(&s);
	give_repositories(&s, "", (const char *const[]){ "pool", NULL });
	publish_rpm(&s, "pool", "good");
	cr_expect_eq(CRAWL(&s, &o[0]), 0, "%s", buf_text(&o[0].err));
	expect_digest(&s, "good");
	publish_rpm(&s, "pool", "changed");
	cr_expect_eq(CRAWL(&s, &o[1], "--json"), 0, "%s", buf_text(&o[1].err));
	expect_digest(&s, "good");
	cr_expect_eq(count_of(buf_text(&o[1].err), "the old one stays (--accept-changed takes the new one)"), 1, "%s",
		     buf_text(&o[1].err));
	cr_expect_not_null(strstr(buf_text(&o[1].out), "\"changed\": [\n        \"file://"), "%s", buf_text(&o[1].out));
	cr_expect_eq(CRAWL(&s, &o[2], "--accept-changed"), 0, "%s", buf_text(&o[2].err));
	expect_digest(&s, "changed");
	for (size_t i = 0; i < ARRAY_LEN(o); i++)
		outcome_release(&o[i]);
}

/* Beside a full one: the sum of both would not show it. */
Test(crawl_repository, an_empty_repository_is_a_broken_one)
{
	cleanup_site struct site s;
	cleanup_outcome struct outcome full = { 0 }, empty = { 0 };

	site_make(&s);
	give_repositories(&s, "", (const char *const[]){ "eight", "nine", NULL });
	publish_rpm(&s, "eight", "one");
	publish_rpm(&s, "nine", NULL);
	cr_expect_eq(CRAWL(&s, &empty), 1, "%s", buf_text(&empty.err));
	cr_expect_not_null(strstr(buf_text(&empty.err), "/nine: it names nothing at all; the list stays as it is"), "%s",
			   buf_text(&empty.err));
	expect_listed(&s, LIST_PATH, "");
	publish_rpm(&s, "nine", "two");
	cr_expect_eq(CRAWL(&s, &full), 0, "%s", buf_text(&full.err));
	expect_listed(&s, LIST_PATH, "1 1");
}
