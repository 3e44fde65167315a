#include "prove/report.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../support/temp_dir.h"
#include "base/cleanup.h"
#include "base/file.h"

static char *below(const struct temp_dir *d, const char *name)
{
	struct err e;
	char *path = path_join(d->path, name, &e);

	cr_assert_not_null(path);
	return path;
}

static void put(const struct temp_dir *d, const char *name, const char *text)
{
	cleanup_free char *path = below(d, name);
	struct err e;

	cr_assert_eq(file_replace(path, text, strlen(text), 0644, &e), 0, "%s", e.message);
}

/* An object of that text has been tried with this verdict. */
static struct proof proof(const char *kernel, enum probe_kind_id kind, enum proof_verdict verdict, const char *file,
			  const char *text)
{
	struct proof p = { .kind = kind, .object_known = true };
	struct err e;

	p.kernel = str_dup(kernel, &e);
	p.file = str_dup(file, &e);
	cr_assert_eq(digest_of(text, strlen(text), &p.object, &e), 0);
	proof_judge(&p, verdict, verdict == PROOF_FAILED ? "oops" : "", "because");
	return p;
}

/* Writes the proofs into the directory's proof.json and gives them up. */
static void update(const struct temp_dir *d, struct proof *proofs, size_t count)
{
	cleanup_free char *path = below(d, "proof.json");
	const struct proof_set set = { proofs, count };
	struct err e = { 0 };

	cr_assert_eq(report_update(path, d->path, &set, &e), 0, "%s", e.message);
	for (size_t i = 0; i < count; i++)
		proof_release(&proofs[i]);
}

/* `KERNEL KIND VERDICT` of each entry, in order. */
static void expect(const struct temp_dir *d, const char *wanted)
{
	cleanup_free char *path = below(d, "proof.json");
	cleanup_buf struct buf found = { 0 };
	struct err e;
	json_t *entry, *root = json_load_file(path, 0, NULL);
	size_t i;

	cr_assert_not_null(root);
	cr_expect_eq(json_integer_value(json_object_get(root, "v")), 1);
	json_array_foreach(json_object_get(root, "proofs"), i, entry)
	{
		cr_assert_eq(buf_printf(&found, &e, "%s %s %s\n", json_string_value(json_object_get(entry, "kernel")),
					json_string_value(json_object_get(entry, "kind")),
					json_string_value(json_object_get(entry, "verdict"))),
			     0);
	}
	json_decref(root);
	cr_expect_str_eq(buf_text(&found), wanted, "found:\n%s", buf_text(&found));
}

Test(report, sorted_and_kept_while_it_holds)
{
	struct temp_dir d;

	temp_dir_make(&d);
	put(&d, "a.ko", "a");
	put(&d, "b.ko", "b");
	put(&d, "c.o", "c");
	update(&d,
	       (struct proof[]){ proof("6.1.0-10", KIND_MOD, PROOF_BOOTED, "b.ko", "b"),
				 proof("6.1.0-9", KIND_BPF, PROOF_FAILED, "c.o", "c"),
				 proof("6.1.0-9", KIND_MOD, PROOF_GATED, "a.ko", "a") },
	       3);
	expect(&d, "6.1.0-9 bpf failed\n6.1.0-9 mod gated\n6.1.0-10 mod booted\n");
	/* Another run over one of them leaves the others... */
	update(&d, (struct proof[]){ proof("6.1.0-9", KIND_MOD, PROOF_BOOTED, "a.ko", "a") }, 1);
	expect(&d, "6.1.0-9 bpf failed\n6.1.0-9 mod booted\n6.1.0-10 mod booted\n");
	/* ... but what was said of other bytes, or of a file that has gone, is said no more. */
	put(&d, "b.ko", "built anew");
	cleanup_free char *gone = below(&d, "c.o");
	struct err e;
	cr_assert_eq(path_remove(gone, &e), 0);
	update(&d, (struct proof[]){ proof("7.0", KIND_MOD, PROOF_BOOTED, "x.ko", "x") }, 1);
	expect(&d, "6.1.0-9 mod booted\n7.0 mod booted\n");
	temp_dir_remove(&d);
}

Test(report, refuses_what_is_not_its_own)
{
	static const char *const texts[] = { "", "{", "[]", "{\"v\": 2, \"proofs\": []}", "{\"proofs\": []}" };
	struct temp_dir d;
	struct err e;

	temp_dir_make(&d);
	cleanup_free char *path = below(&d, "proof.json");
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const struct proof_set none = { 0 };
		put(&d, "proof.json", texts[i]);
		cr_expect_eq(report_update(path, d.path, &none, &e), -1, "%s", texts[i]);
		cr_expect_eq(e.kind, ERR_INPUT);
		cr_expect(strstr(e.message, path) && strstr(e.message, "remove it"), "%s", e.message);
	}
	temp_dir_remove(&d);
}

/* Names in a file that somebody may have written by hand lead nowhere else. */
Test(report, names_stay_in_the_tree)
{
	struct temp_dir d;

	temp_dir_make(&d);
	put(&d, "proof.json",
	    "{\"v\": 1, \"proofs\": [{\"kernel\": \"1\", \"kind\": \"mod\", \"object\": \"../../etc/passwd\"},"
	    " {\"kernel\": \"2\", \"kind\": \"mod\", \"object\": \"/etc/passwd\"}, {\"kernel\": \"3\"}, 7]}");
	update(&d, NULL, 0);
	expect(&d, "");
	temp_dir_remove(&d);
}

Test(report, an_entry_says_what_was_seen)
{
	struct proof p = proof("6.1.0-9", KIND_MOD, PROOF_BOOTED, "a.ko", "a");
	struct err e;

	p.image = str_dup("linux-image.deb", &e);
	p.machine = str_dup("QEMU 7.2 (tcg)", &e);
	p.image_known = p.kernel_image_known = true;
	p.events = 11;
	p.milliseconds = 5432;
	json_t *entry = proof_to_json(&p, &e);
	cleanup_free char *text = json_dumps(entry, JSON_COMPACT | JSON_SORT_KEYS);
	cr_expect_str_eq(
		text,
		"{\"events\":11,\"image\":\"linux-image.deb\","
		"\"image_sha256\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"kernel\":\"6.1.0-9\","
		"\"kernel_image_sha256\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"kind\":\"mod\","
		"\"machine\":\"QEMU 7.2 (tcg)\",\"object\":\"a.ko\","
		"\"object_sha256\":\"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb\",\"reason\":\"because\","
		"\"seconds\":5.4000000000000004,\"verdict\":\"booted\"}",
		"%s", text);
	json_decref(entry);
	proof_release(&p);
}
