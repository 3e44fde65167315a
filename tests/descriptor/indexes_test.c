#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "descriptor/distro.h"
#include "expect.h"

/* The example descriptor with this text behind it; its last line is number 35. */
static int parse_with(const char *text, struct distro *ret, struct err *e)
{
	cleanup_buf struct buf whole = { 0 };

	cr_assert_eq(file_read(DATA "example.yaml", 1 << 20, &whole, e), 0, "%s", e->message);
	cr_assert_eq(buf_puts(&whole, text, e), 0);
	return distro_parse(whole.data, whole.len, "x", ret, e);
}

static void load_all_kinds(struct distro *ret)
{
	cleanup_buf struct buf text = { 0 };
	struct err e = { 0 };

	cr_assert_eq(file_read(DATA "indexes.yaml", 1 << 20, &text, &e), 0, "%s", e.message);
	cr_assert_eq(parse_with(buf_text(&text), ret, &e), 0, "%s", e.message);
	cr_assert_eq(ret->indexes.count, 8);
}

Test(indexes, without_them_the_list_is_made_by_hand)
{
	cleanup_distro struct distro d = { 0 };
	struct err e = { 0 };

	cr_assert_eq(parse_with("", &d, &e), 0, "%s", e.message);
	cr_expect_eq(d.indexes.count, 0);
	cr_expect_not(d.forgets);
}

Test(indexes, apt)
{
	cleanup_distro struct distro d = { 0 };

	load_all_kinds(&d);
	const struct index_rules *r = &d.indexes.items[0];
	cr_expect(d.forgets);
	cr_expect_str_eq(r->name, "main");
	cr_expect_eq(r->kind, INDEX_APT);
	cr_assert_eq(r->urls.len, 2);
	cr_expect_str_eq(r->urls.items[1], "http://security.example.org/pool");
	cr_assert_eq(r->suites.len, 2);
	cr_expect_str_eq(r->suites.items[1], "stable/updates");
	cr_expect_eq(r->components.len, 2);
	cr_expect_str_eq(r->architectures.items[0], "amd64");
	cr_expect_str_eq(r->keyring, "/usr/share/keyrings/example.gpg");
	cr_expect_eq(r->expiry, EXPIRY_ACCEPT);
	cr_expect_str_eq(r->depends.items[0], "tools-.*");
	cr_expect_eq(r->packages.len, 2);
	cr_expect_str_eq(r->exclude.items[0], ".*-dbg_.*");
	cr_expect_eq(r->shrink_percent, 25);
}

Test(indexes, the_other_kinds)
{
	static const enum index_kind kinds[] = { INDEX_APT,    INDEX_YUM,  INDEX_YUM, INDEX_HTML,
						 INDEX_BUCKET, INDEX_JSON, INDEX_YUM, INDEX_YUM };
	cleanup_distro struct distro d = { 0 };

	load_all_kinds(&d);
	const struct index_rules *r = d.indexes.items;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		cr_expect_eq(r[i].kind, kinds[i], "%s", r[i].name);
	cr_expect_eq(r[1].shrink_percent, 10, "the default");
	cr_expect_eq(r[1].expiry, EXPIRY_REFUSE, "the default");
	cr_expect_str_eq(r[1].keyring, "keys/example.asc");
	cr_expect_str_eq(r[2].mirror_list, "https://mirror.example/list?arch=x86_64&repo=8");
	cr_expect_eq(r[2].urls.len, 0);
	cr_assert_eq(r[3].descend.len, 3);
	cr_expect_str_eq(r[3].descend.items[1], "(os|updates)");
	cr_expect_str_eq(r[4].prefix, "1");
	cr_assert_eq(r[5].step_count, 2);
	cr_expect_str_eq(r[5].steps[0].path.items[1], "*");
	cr_expect_str_eq(r[5].steps[0].reference, "builds/${value}/meta.json");
	cr_assert_eq(r[5].steps[1].where_count, 2);
	cr_expect_str_eq(r[5].steps[1].where[0].member, "0");
	cr_expect_str_eq(r[5].steps[1].where[0].pattern, "kernel");
	cr_expect_str_eq(r[5].steps[1].where[1].member, "arch");
}

Test(indexes, access)
{
	cleanup_distro struct distro d = { 0 };

	load_all_kinds(&d);
	const struct index_access *certificate = &d.indexes.items[6].access, *token = &d.indexes.items[7].access;
	cr_expect_str_eq(certificate->certificate, "EXAMPLE_CERTIFICATE");
	cr_expect_str_eq(certificate->key, "EXAMPLE_KEY");
	cr_expect_str_eq(certificate->authority, "EXAMPLE_CA");
	cr_expect_null(certificate->token);
	cr_expect_str_eq(token->token, "EXAMPLE_TOKEN");
	cr_expect_eq(token->token_as, TOKEN_BASIC);
	cr_expect_str_eq(token->token_user, "bearer");
}

#define APT  "urls: http://a.example, suites: s, components: c, architectures: amd64"
#define HTML "html: {urls: http://a.example}"
#define ONE  "indexes:\n  - {name: one, packages: '.*', "

Test(indexes, says_what_is_wrong_and_where)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{ "indexes: []\n",
		  "x:36:10: expected a list of indexes; leave the key out when the list is made by hand" },
		{ "indexes: {}\n",
		  "x:36:10: expected a list of indexes; leave the key out when the list is made by hand" },
		{ "forgets: yes\n", "x:36:10: expected true or false, found yes" },
		{ "indexes:\n  - {name: one, " HTML "}\n", "x:37:5: this index lacks the key 'packages'" },
		{ ONE "}\n", "x:37:5: this index lacks its kind: one of 'apt', 'yum', 'html', 'bucket', 'json'" },
		{ ONE HTML ", bucket: {urls: http://b.example}}\n",
		  "x:37:73: this index has a kind already; put the other one into an index of its own" },
		{ ONE "rpm: {urls: http://a.example}}\n",
		  "x:37:33: unknown key 'rpm' in an index: did you mean 'apt'?" },
		{ ONE "yum: {keyring: /a}}\n", "x:37:38: this yum index lacks the key 'urls'" },
		{ ONE "apt: {urls: http://a.example, suites: s, components: c}}\n",
		  "x:37:38: this apt index lacks the key 'architectures'" },
		{ ONE "apt: {" APT ", expired: maybe}}\n", "x:37:120: unknown word 'maybe': expected one of 'refuse', 'accept'" },
		{ ONE "apt: {" APT ", suites: ../s}}\n", "x:37:111: key 'suites' was there before, in line 37" },
		{ ONE "apt: {urls: http://a.example, suites: ../s, components: c, architectures: amd64}}\n",
		  "x:37:71: '../s': expected letters, digits and `._+~-/`" },
		{ ONE "yum: {urls: http://a.example, keyring: ../a}}\n",
		  "x:37:72: '../a': expected an absolute path or one below the project's directory, without '..'" },
		{ ONE "yum: {mirror-list: a.example}}\n",
		  "x:37:52: 'a.example': expected an http, https or file URL of a document" },
		{ ONE "html: {urls: http://a.example/}}\n",
		  "x:37:46: 'http://a.example/': expected a URL without a slash at its end" },
		{ ONE "html: {urls: http://a.example, descend: '('}}\n",
		  "x:37:73: pattern '(': at offset 1: missing closing parenthesis" },
		{ ONE HTML ", shrink-limit: 101}\n", "x:37:79: expected percent, 1 to 100, found 101" },
		{ ONE HTML ", access: {token: abc}}\n",
		  "x:37:81: expected the name of an environment variable (A-Z, 0-9 and `_`), not a value" },
		{ ONE HTML ", access: {key: A_KEY}}\n", "x:37:73: expected a 'token' or a 'certificate'" },
		{ ONE HTML ", access: {token: A, key: B}}\n", "x:37:73: a 'key' needs its 'certificate'" },
		{ ONE HTML ", access: {token: A, user: u}}\n", "x:37:73: 'user' goes with `as: basic` only" },
		{ ONE HTML "}\n  - {name: one, packages: '.*', " HTML "}\n",
		  "x:38:5: there is an index 'one' before this one" },
		{ ONE "json: {urls: http://a.example/a, steps: [{path: [a]}]}}\n",
		  "x:37:74: this step lacks the key 'reference'" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_distro struct distro d = { 0 };
		struct err e = { 0 };
		cr_expect_lt(parse_with(rows[i].text, &d, &e), 0, "row %zu", i);
		cr_expect_str_eq(e.message, rows[i].message, "row %zu: %s", i, e.message);
		cr_expect_eq(e.kind, ERR_INPUT, "row %zu", i);
	}
}

/* What the shapes can't see is index_rules_check's, and gets the index's place. */
Test(indexes, rules_are_checked)
{
	cleanup_distro struct distro d = { 0 };
	struct err e = { 0 };

	cr_expect_lt(parse_with(ONE "apt: {" APT "}}\n", &d, &e), 0, "apt without a keyring");
	cr_expect(strncmp(e.message, "x:37:5: ", 8) == 0, "%s", e.message);
	cr_expect_not_null(strstr(e.message, "keyring"), "%s", e.message);
}
