#include "fetch/url.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/buf.h"
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

Test(url, an_origin_tells_urls_apart_without_secrets)
{
	cleanup_free char *plain = url_origin("http://user:pass@a/x.deb", NULL),
			  *one = url_origin("http://a/x.deb?token=one", NULL),
			  *other = url_origin("http://a/x.deb?token=two", NULL),
			  *again = url_origin("http://a/x.deb?token=one", NULL);

	cr_expect_str_eq(plain, "http://a/x.deb");
	cr_expect(str_starts(one, "http://a/x.deb#") && strlen(one) == strlen("http://a/x.deb#") + 16, "%s", one);
	cr_expect_str_eq(one, again);
	cr_expect_str_neq(one, other);
}

Test(url, lies_below)
{
	static const struct {
		const char *url, *base;
		bool yes;
	} rows[] = {
		{ "https://a/b/c", "https://a/b", true },
		{ "https://a/b/c", "https://a/b/", true },
		{ "https://a/b", "https://a/b", true },
		{ "https://a/b?c", "https://a/b", true },
		{ "https://a/bc", "https://a/b", false },
		{ "https://a.evil/b", "https://a", false },
		{ "https://a@evil/b", "https://a", false },
		{ "https://a:444/b", "https://a", false },
		{ "http://a/b/c", "https://a/b", false },
		{ "https://a/b/c", "", false },
		{ "https://evil/https://a/b", "https://a/b", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect_eq(url_is_below(rows[i].url, rows[i].base), rows[i].yes, "'%s' '%s'", rows[i].url, rows[i].base);
}

/* The examples of RFC 3986, 5.4, without fragments; then what documents have. NULL: refused. */
Test(url, resolves_references)
{
	static const struct {
		const char *base, *reference, *url;
	} rows[] = {
		{ NULL, "g", "http://a/b/c/g" },
		{ NULL, "./g", "http://a/b/c/g" },
		{ NULL, "g/", "http://a/b/c/g/" },
		{ NULL, "/g", "http://a/g" },
		{ NULL, "//g", "http://g/" },
		{ NULL, "?y", "http://a/b/c/d;p?y" },
		{ NULL, "g?y", "http://a/b/c/g?y" },
		{ NULL, "#s", "http://a/b/c/d;p?q" },
		{ NULL, "g#s", "http://a/b/c/g" },
		{ NULL, "g?y#s", "http://a/b/c/g?y" },
		{ NULL, ";x", "http://a/b/c/;x" },
		{ NULL, "g;x", "http://a/b/c/g;x" },
		{ NULL, "", "http://a/b/c/d;p?q" },
		{ NULL, ".", "http://a/b/c/" },
		{ NULL, "./", "http://a/b/c/" },
		{ NULL, "..", "http://a/b/" },
		{ NULL, "../g", "http://a/b/g" },
		{ NULL, "../..", "http://a/" },
		{ NULL, "../../g", "http://a/g" },
		{ NULL, "../../../g", "http://a/g" },
		{ NULL, "/./g", "http://a/g" },
		{ NULL, "/../g", "http://a/g" },
		{ NULL, "g.", "http://a/b/c/g." },
		{ NULL, "..g", "http://a/b/c/..g" },
		{ NULL, "./../g", "http://a/b/g" },
		{ NULL, "g/./h", "http://a/b/c/g/h" },
		{ NULL, "g/../h", "http://a/b/c/h" },
		{ NULL, "g?y/../x", "http://a/b/c/g?y/../x" },
		{ NULL, "g:h", NULL },
		{ "http://a/pool/", "linux+x%2by~1_1%3a2.deb", "http://a/pool/linux+x%2by~1_1%3a2.deb" },
		{ "http://a/pool/", "./1:2.deb", "http://a/pool/1:2.deb" },
		{ "http://a/pool/", "a b|c^d.deb", "http://a/pool/a%20b%7Cc%5Ed.deb" },
		{ "http://a/pool/", "https://b/c.deb", "https://b/c.deb" },
		{ "https://a/pool/", "file:///etc/passwd", NULL },
		{ "file:///srv/repo/", "Packages/c.rpm", "file:///srv/repo/Packages/c.rpm" },
		{ "http://a/pool/", "ftp://b/c.deb", NULL },
		{ "http://a/pool/", "javascript:void(0)", NULL },
		{ "http://a/pool/", "mailto:x@y", NULL },
		{ "not a url", "x", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };
		const char *base = rows[i].base ? rows[i].base : "http://a/b/c/d;p?q";
		cleanup_free char *url = url_resolve(base, rows[i].reference, &e);
		if (rows[i].url)
			cr_expect_str_eq(url ? url : e.message, rows[i].url, "'%s': %s", rows[i].reference, url ? url : e.message);
		else
			cr_expect(!url && e.kind == ERR_INPUT, "'%s' gives '%s'", rows[i].reference, url ? url : e.message);
	}
}
