#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "index/rules.h"
#include "parsing.h"

static void set(char **member, const char *text)
{
	free(*member);
	*member = text ? strdup(text) : NULL;
}

static void clear(struct strv *v)
{
	strv_release(v);
}

static void add_step(struct index_rules *r, const char *path, const char *member, const char *pattern, const char *reference)
{
	r->steps = realloc(r->steps, (r->step_count + 1) * sizeof(*r->steps));
	struct json_step *step = &r->steps[r->step_count++];
	*step = (struct json_step){ .reference = strdup(reference) };
	add_text(&step->path, path);
	if (!member)
		return;
	step->where = calloc(1, sizeof(*step->where));
	step->where_count = 1;
	step->where[0] = (struct json_condition){ strdup(member), strdup(pattern) };
}

/* Good rules of a kind, with all that it may have. */
static void make(enum index_kind kind, struct index_rules *r)
{
	*r = (struct index_rules){ .kind = kind, .name = strdup("main"), .shrink_percent = 10 };
	add_text(&r->urls, "https://mirror.example/debian");
	add_text(&r->packages, "linux-headers-\\d.*\\.deb");
	add_text(&r->exclude, ".*-dbg_.*");
	if (kind == INDEX_APT) {
		add_text(&r->suites, "stable/updates");
		add_text(&r->components, "main");
		add_text(&r->architectures, "amd64");
		add_text(&r->depends, "linux-kbuild-.*");
		r->expiry = EXPIRY_ACCEPT;
	}
	if (kind == INDEX_APT || kind == INDEX_YUM)
		set(&r->keyring, "keys/example.asc");
	if (kind == INDEX_HTML)
		add_text(&r->descend, "7\\..*");
	if (kind == INDEX_BUCKET)
		set(&r->prefix, "1");
	if (kind == INDEX_JSON) {
		add_step(r, "releases", NULL, NULL, "builds/${value}/meta.json");
		add_step(r, "pkglist", "0", "kernel", "https://k.example/${2}.rpm");
	}
}

Test(rules, good_ones_pass_and_travel)
{
	for (int kind = 0; kind < INDEX_KIND_COUNT; kind++) {
		cleanup_index_rules struct index_rules r = { 0 }, back = { 0 };
		struct err e = { 0 };
		make((enum index_kind)kind, &r);
		cr_expect_eq(index_rules_check(&r, &e), 0, "kind %d: %s", kind, e.message);
		cleanup_free char *json = index_rules_encode(&r, &e);
		cr_assert(json, "%s", e.message);
		cr_assert_eq(index_rules_decode(json, &back, &e), 0, "%s: %s", json, e.message);
		cleanup_free char *again = index_rules_encode(&back, &e);
		cr_expect_str_eq(json, again);
		cr_expect_eq(back.kind, r.kind);
		cr_expect_eq(back.expiry, r.expiry);
		cr_expect_eq(back.shrink_percent, 10);
		cr_expect_str_eq(back.packages.items[0], r.packages.items[0]);
		cr_expect_eq(back.step_count, r.step_count);
	}
}

Test(rules, secrets_stay_behind)
{
	cleanup_index_rules struct index_rules r = { 0 };
	struct err e = { 0 };

	make(INDEX_YUM, &r);
	set(&r.access.token, "VENDOR_TOKEN");
	set(&r.access.certificate, "VENDOR_CERTIFICATE");
	cleanup_free char *json = index_rules_encode(&r, &e);
	cr_assert(json);
	cr_expect(!strstr(json, "VENDOR"), "%s", json);
}

static void no_name(struct index_rules *r)
{
	set(&r->name, NULL);
}
static void no_urls(struct index_rules *r)
{
	clear(&r->urls);
}
static void no_packages(struct index_rules *r)
{
	clear(&r->packages);
}
static void no_keyring(struct index_rules *r)
{
	set(&r->keyring, NULL);
}
static void a_keyring(struct index_rules *r)
{
	set(&r->keyring, "k");
}
static void no_suites(struct index_rules *r)
{
	clear(&r->suites);
}
static void a_suite(struct index_rules *r)
{
	add_text(&r->suites, "stable");
}
static void suite_up(struct index_rules *r)
{
	add_text(&r->suites, "../x");
}
static void suite_blank(struct index_rules *r)
{
	add_text(&r->suites, "a b");
}
static void component_empty(struct index_rules *r)
{
	add_text(&r->components, "");
}
static void slash(struct index_rules *r)
{
	add_text(&r->urls, "http://a.example/x/");
}
static void ftp(struct index_rules *r)
{
	add_text(&r->urls, "ftp://a.example/x");
}
static void password(struct index_rules *r)
{
	add_text(&r->urls, "https://me:s3cr3t@a.example/x");
}
static void at_in_path(struct index_rules *r)
{
	add_text(&r->urls, "https://a.example/x@y");
}
static void mirrors(struct index_rules *r)
{
	set(&r->mirror_list, "https://a.example/list");
}
static void only_mirrors(struct index_rules *r)
{
	clear(&r->urls);
	mirrors(r);
}
static void bad_mirrors(struct index_rules *r)
{
	clear(&r->urls);
	set(&r->mirror_list, "list");
}
static void pattern(struct index_rules *r)
{
	add_text(&r->packages, "(");
}
static void descend(struct index_rules *r)
{
	add_text(&r->descend, "*");
}
static void a_descend(struct index_rules *r)
{
	add_text(&r->descend, "x");
}
static void shrink(struct index_rules *r)
{
	r->shrink_percent = 101;
}
static void a_prefix(struct index_rules *r)
{
	set(&r->prefix, "x");
}
static void a_step(struct index_rules *r)
{
	add_step(r, "x", NULL, NULL, "x");
}
static void hole(struct index_rules *r)
{
	add_step(r, "x", NULL, NULL, "${x");
}
static void where(struct index_rules *r)
{
	add_step(r, "x", "0", "[", "x");
}
static void no_reference(struct index_rules *r)
{
	add_step(r, "x", NULL, NULL, "");
}
static void secret(struct index_rules *r)
{
	set(&r->access.token, "s3cr3t-itself");
}
static void certificate(struct index_rules *r)
{
	set(&r->access.certificate, "CERT");
}
static void user(struct index_rules *r)
{
	set(&r->access.token, "T");
	set(&r->access.token_user, "me");
}
static void basic(struct index_rules *r)
{
	user(r);
	r->access.token_as = TOKEN_BASIC;
}

Test(rules, check)
{
	static const struct {
		enum index_kind kind;
		void (*spoil)(struct index_rules *r);
		const char *message; /* NULL: good all the same */
	} rows[] = {
		{ INDEX_APT, no_name, "'name' is missing" },
		{ INDEX_HTML, no_urls, "'urls' is missing" },
		{ INDEX_JSON, no_packages, "'packages' is missing" },
		{ INDEX_APT, no_keyring, "'keyring' is missing" },
		{ INDEX_YUM, no_keyring, NULL },
		{ INDEX_HTML, a_keyring, "'keyring' does not go with this kind of index" },
		{ INDEX_APT, no_suites, "'suites' is missing" },
		{ INDEX_YUM, a_suite, "'suites' does not go" },
		{ INDEX_APT, suite_up, "suite '../x' is not a plain name" },
		{ INDEX_APT, suite_blank, "suite 'a b' is not a plain name" },
		{ INDEX_APT, component_empty, "component '' is not a plain name" },
		{ INDEX_APT, slash, "no slash at its end" },
		{ INDEX_BUCKET, ftp, "'ftp://a.example/x' is no http, https or file URL" },
		{ INDEX_HTML, password, "the URL of 'a.example' has a user or password in it" },
		{ INDEX_HTML, at_in_path, NULL },
		{ INDEX_YUM, only_mirrors, NULL },
		{ INDEX_YUM, mirrors, "either 'urls' or 'mirror-list'" },
		{ INDEX_YUM, no_urls, "either 'urls' or 'mirror-list'" },
		{ INDEX_YUM, bad_mirrors, "'list' is no http" },
		{ INDEX_APT, mirrors, "'mirror-list' does not go" },
		{ INDEX_APT, pattern, "pattern '('" },
		{ INDEX_HTML, descend, "pattern '*'" },
		{ INDEX_APT, a_descend, "'descend' does not go" },
		{ INDEX_APT, shrink, "101 percent" },
		{ INDEX_JSON, a_prefix, "'prefix' does not go" },
		{ INDEX_YUM, a_step, "'steps' does not go" },
		{ INDEX_JSON, hole, "step 3: '${' without '}'" },
		{ INDEX_JSON, where, "step 3: pattern '['" },
		{ INDEX_JSON, no_reference, "step 3: 'path' and 'reference' are expected" },
		{ INDEX_YUM, secret, "access: names of environment variables" },
		{ INDEX_YUM, certificate, "'certificate' and 'key' go together" },
		{ INDEX_APT, user, "'user' goes with a token as 'basic' only" },
		{ INDEX_APT, basic, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_index_rules struct index_rules r = { 0 };
		struct err e = { 0 };
		make(rows[i].kind, &r);
		rows[i].spoil(&r);
		cr_expect_eq(index_rules_check(&r, &e), rows[i].message ? -1 : 0, "row %zu: %s", i, e.message);
		if (!rows[i].message)
			continue;
		cr_expect_eq(e.kind, ERR_INPUT, "row %zu", i);
		cr_expect(strstr(e.message, rows[i].message), "row %zu: %s", i, e.message);
		cr_expect(!strstr(e.message, "s3cr3t"), "%s", e.message);
	}
}

static void another_url(struct index_rules *r)
{
	add_text(&r->urls, "https://b.example");
}
static void another_suite(struct index_rules *r)
{
	add_text(&r->suites, "unstable");
}
static void another_name(struct index_rules *r)
{
	set(&r->name, "other");
}
static void another_package(struct index_rules *r)
{
	add_text(&r->packages, "x");
}
static void another_exclude(struct index_rules *r)
{
	add_text(&r->exclude, "x");
}
static void another_depends(struct index_rules *r)
{
	add_text(&r->depends, "x");
}
static void another_component(struct index_rules *r)
{
	add_text(&r->components, "x");
}
static void another_architecture(struct index_rules *r)
{
	add_text(&r->architectures, "x");
}
static void moved(struct index_rules *r)
{
	add_text(&r->exclude, r->packages.items[0]);
	clear(&r->packages);
}
static void less(struct index_rules *r)
{
	r->shrink_percent = 20;
}
static void refuse(struct index_rules *r)
{
	r->expiry = EXPIRY_REFUSE;
}

Test(rules, digest_is_of_what_decides)
{
	static const struct {
		void (*change)(struct index_rules *r);
		bool decides;
	} rows[] = {
		{ another_url, false },
		{ another_suite, false },
		{ another_name, false },
		{ less, false },
		{ refuse, false },
		{ secret, false },
		{ another_package, true },
		{ another_exclude, true },
		{ another_depends, true },
		{ another_component, true },
		{ another_architecture, true },
		{ moved, true },
		{ a_keyring, true },
		{ a_descend, true },
		{ a_prefix, true },
		{ a_step, true },
	};
	cleanup_index_rules struct index_rules plain = { 0 };
	struct digest before, after;
	struct err e;

	make(INDEX_APT, &plain);
	cr_assert_eq(index_rules_digest(&plain, &before, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_index_rules struct index_rules r = { 0 };
		make(INDEX_APT, &r);
		rows[i].change(&r);
		cr_assert_eq(index_rules_digest(&r, &after, &e), 0);
		cr_expect_eq(!digest_equal(&before, &after), rows[i].decides, "row %zu", i);
	}
}

Test(rules, foreign_json_is_refused)
{
	static const char *const rows[] = {
		"",
		"[]",
		"{}",
		"{\"kind\":\"tar\"}",
		"{\"kind\":1}",
		"{\"kind\":\"apt\",\"kind\":\"apt\"}",
		"{\"kind\":\"apt\",\"other\":1}",
		"{\"kind\":\"apt\",\"urls\":\"x\"}",
		"{\"kind\":\"apt\",\"urls\":[1]}",
		"{\"kind\":\"apt\",\"name\":[]}",
		"{\"kind\":\"apt\",\"expiry\":\"never\"}",
		"{\"kind\":\"apt\",\"shrink_percent\":\"1\"}",
		"{\"kind\":\"json\",\"steps\":[]}",
		"{\"kind\":\"json\",\"steps\":[{\"path\":[],\"where\":[],\"reference\":1}]}",
		"{\"kind\":\"json\",\"steps\":[{\"path\":[],\"where\":[[\"a\",2]],\"reference\":\"\"}]}",
		"{\"kind\":\"json\",\"steps\":[{\"path\":[],\"where\":{},\"reference\":\"\"}]}",
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_index_rules struct index_rules r = { 0 };
		struct err e = { 0 };
		cr_expect_eq(index_rules_decode(rows[i], &r, &e), -1, "%s", rows[i]);
		cr_expect_eq(e.kind, ERR_PROTOCOL, "%s: %s", rows[i], e.message);
	}
}
