#include "fetch/url.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"

Test(url, only_http_https_and_file_are_fetched)
{
	static const struct {
		const char *url;
		bool yes;
	} rows[] = {
		{ "http://a/b", true },
		{ "HTTPS://a.example:8443/b?c", true },
		{ "file:///srv/mirror/x.deb", true },
		{ "ftp://a/b", false },
		{ "cdrom:[Disk]/", false },
		{ "mirror+http://a/list", false },
		{ "http:///nohost", false },
		{ "http://", false },
		{ "http://a/b c", false },
		{ "http://a/b\r\nX: y", false },
		{ "", false },
		{ "/srv/x", false },
		{ "file://host/x", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect_eq(url_is_fetchable(rows[i].url), rows[i].yes, "'%s'", rows[i].url);
}

Test(url, names_a_file_safely)
{
	static const struct {
		const char *url, *name;
	} rows[] = {
		{ "http://a/pool/linux-headers_6.1_amd64.deb", "linux-headers_6.1_amd64.deb" },
		{ "http://a/x/linux%2bfoo%7e1.deb?token=1#frag", "linux+foo~1.deb" },
		{ "http://a/x/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "_._.._etc_passwd" },
		{ "http://a/x/..", "_." },
		{ "http://a/x/.hidden", "_hidden" },
		{ "http://a/x/a%00b", "a_b" },
		{ "http://a/x/a%zz", "a_zz" },
		{ "http://a/x/dir/", "dir" },
		{ "http://a", "unnamed" },
		{ "http://a/x/\xc3\xa4.deb", "__.deb" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_free char *name = url_file_name(rows[i].url, NULL);
		cr_expect_str_eq(name, rows[i].name, "'%s' gives '%s'", rows[i].url, name);
	}
	char longest[1024] = "http://a/";
	memset(longest + 9, 'x', sizeof(longest) - 10);
	cleanup_free char *name = url_file_name(longest, NULL);
	cr_expect_eq(strlen(name), 200);
}

Test(url, shows_no_secrets)
{
	static const struct {
		const char *url, *shown;
	} rows[] = {
		{ "https://user:pass@esm.example/x.deb", "https://esm.example/x.deb" },
		{ "https://bearer@esm.example:444/x.deb?token=secret", "https://esm.example:444/x.deb" },
		{ "http://a/b@c/x.deb#y", "http://a/b@c/x.deb" },
		{ "file:///srv/x", "file:///srv/x" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_free char *shown = url_shown(rows[i].url, NULL);
		cr_expect_str_eq(shown, rows[i].shown);
	}
}
