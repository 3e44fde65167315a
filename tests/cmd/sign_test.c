#include <criterion/criterion.h>
#include <dirent.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../gate/fixture.h"
#include "../sign/key_pair.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "build/facts_store.h"
#include "build/plan.h"
#include "program.h"
#include "stream/sink.h"

/* A site with an output tree and a key pair. */
struct shop {
	struct site site;
	char modules[160], signed_dir[160];
	struct key_pair pair;
};

static void shop_make(struct shop *s)
{
	struct err e;

	*s = (struct shop){ .modules = "" };
	site_make(&s->site);
	snprintf(s->modules, sizeof(s->modules), "%s/kernel-modules", s->site.dir.path);
	snprintf(s->signed_dir, sizeof(s->signed_dir), "%s/signed", s->site.dir.path);
	cr_assert_eq(path_make_dirs(s->modules, &e), 0);
	key_pair_make_plain(s->site.dir.path, &s->pair);
}

static void shop_remove(struct shop *s)
{
	site_remove(&s->site);
}

#define cleanup_shop __attribute__((cleanup(shop_remove)))

static void put_file(struct shop *s, const char *name, const struct buf *bytes)
{
	struct err e;
	cleanup_free char *path = path_join(s->modules, name, &e);
	cleanup_newfile struct newfile f = { .fd = -1 };

	cr_assert_eq(newfile_open(&f, path, 0444, &e), 0, "%s", e.message);
	struct sink *file = sink_to_fd(f.fd, &e), *packed = sink_gzip(file, 9, &e);
	struct sink *to = str_ends(name, ".gz") ? packed : file;
	cr_assert(sink_write(to, bytes->data, bytes->len, &e) == 0 && sink_finish(to, &e) == 0, "%s", e.message);
	sink_free(packed);
	sink_free(file);
	cr_assert_eq(newfile_commit(&f, &e), 0, "%s", e.message);
}

static void put_module(struct shop *s, const char *release)
{
	cleanup_buf struct buf modinfo = { 0 }, object = { 0 };
	char name[160];
	struct err e;

	cr_assert(buf_append(&modinfo, "license=GPL\0name=example", 25, &e) == 0 &&
		  buf_printf(&modinfo, &e, "vermagic=%s SMP preempt ", release) == 0 && buf_append(&modinfo, "", 1, &e) == 0);
	const struct part parts[] = {
		PROGRAM(".text"), { ".modinfo", SHT_PROGBITS, SHF_ALLOC, modinfo.data, modinfo.len }, THIS_MODULE, NO_MORE
	};
	make_object(EM_X86_64, parts, &object);
	snprintf(name, sizeof(name), "example-%s.ko.gz", release);
	put_file(s, name, &object);
}

static void rename_module(struct shop *s, const char *from, const char *to)
{
	struct err e;
	cleanup_free char *old = str_printf(&e, "%s/example-%s.ko.gz", s->modules, from);
	cleanup_free char *new = str_printf(&e, "%s/example-%s.ko.gz", s->modules, to);

	cr_assert_eq(rename(old, new), 0);
}

static const char *out(const struct outcome *o)
{
	return buf_text(&o->out);
}

static const char *err(const struct outcome *o)
{
	return buf_text(&o->err);
}

Test(sign, says_what_is_missing_or_contradicts)
{
	static const struct {
		const char *words[12], *text;
	} rows[] = {
		{ { "sign", "CERT", "--in-place", "DIR" }, "--key is missing" },
		{ { "sign", "KEY", "--in-place", "DIR" }, "--cert is missing" },
		{ { "sign", "KEY", "CERT", "DIR" }, "where to? --in-place" },
		{ { "sign", "KEY", "CERT", "--in-place", "--output", "x", "DIR" }, "don't go together" },
		{ { "sign", "KEY", "CERT", "--in-place" }, "which modules?" },
		{ { "sign", "KEY", "CERT", "--in-place", "/nowhere" }, "'/nowhere' can't be read" },
		{ { "sign", "KEY", "CERT", "--in-place", "/etc/passwd" }, "is no module by its name" },
		{ { "sign", "KEY", "CERT", "--in-place", "DIR", "--hash", "sha1" }, "expected sha256, sha384" },
		{ { "sign", "KEY", "CERT", "--output", "DIR", "DIR" }, "would be overwritten; --in-place" },
		{ { "sign", "KEY", "CERT", "--output", "x", "DIR", "DIR" }, "would be one file" },
		{ { "sign", "KEY", "CERT", "--in-place", "DIR", "--passphrase-env", "NONE" }, "no 'NONE'" },
		{ { "sign", "KEY", "CERT", "--in-place", "DIR", "--passphrase-env", "A", "--passphrase-file", "b" },
		  "don't go together" },
		{ { "sign", "KEY", "CERT", "--verify", "DIR" }, "--verify takes --cert and nothing else" },
	};
	cleanup_shop struct shop s;

	shop_make(&s);
	put_module(&s, "6.1.0-1-amd64");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_outcome struct outcome o = { 0 };
		const char *words[16] = { NULL };
		size_t n = 0;
		for (const char *const *w = rows[i].words; *w; w++) {
			if (strcmp(*w, "KEY") == 0 || strcmp(*w, "CERT") == 0) {
				words[n++] = **w == 'K' ? "--key" : "--cert";
				words[n++] = **w == 'K' ? s.pair.key : s.pair.certificate;
			} else {
				words[n++] = strcmp(*w, "DIR") == 0 ? s.modules : *w;
			}
		}
		run_on_site(&s.site, words, &o);
		cr_expect_eq(o.code, 2, "row %zu: %d", i, o.code);
		cr_expect(strstr(err(&o), rows[i].text), "row %zu: %s", i, err(&o));
		cr_expect_eq(o.out.len, 0u, "row %zu: %s", i, out(&o));
	}
}

/* Whatever is wrong with one file, the others are signed, and nothing is left half-written. */
Test(sign, a_directory_file_by_file)
{
	cleanup_outcome struct outcome first = { 0 }, again = { 0 }, check = { 0 };
	const struct buf junk = { (char *)"no object", 9, 0 };
	cleanup_buf struct buf bpf = { 0 };
	cleanup_shop struct shop s;

	shop_make(&s);
	put_module(&s, "6.1.0-1-amd64");
	put_module(&s, "5.10.0-1-amd64");
	rename_module(&s, "6.1.0-1-amd64", "6.1.0-1-cloud-amd64");
	put_module(&s, "6.1.0-1-amd64");
	put_module(&s, "6.6.6-unknown");
	make_bpf(&bpf);
	put_file(&s, "example-ebpf-6.1.0-1-amd64.o.gz", &bpf);
	put_file(&s, "example-4.9.0-1-amd64.ko.gz", &junk);
	put_file(&s, "cut.ko", &(struct buf){ (char *)"\x1f\x8b", 2, 0 });
	put_file(&s, ".example-3.9.0-1-amd64.unavail", &(struct buf){ (char *)"", 0, 0 });
	const char *const words[] = { "sign",	  "--key",	s.pair.key, "--cert", s.pair.certificate,
				      "--output", s.signed_dir, s.modules,  NULL };
	run_on_site(&s.site, words, &first);
	cr_expect_eq(first.code, 5, "%d: %s", first.code, err(&first));
	cr_expect(strstr(out(&first), "6 modules: 3 signed, 3 refused; 1 eBPF object passed over\n"), "%s", out(&first));
	cr_expect(strstr(out(&first), "example-5.10.0-1-amd64.ko.gz: signed, sha256"), "%s", out(&first));
	cr_expect(strstr(out(&first), "6.6.6-unknown.ko.gz: signed, sha256 (its kernel is not in the lists)"), "%s", out(&first));
	cr_expect(strstr(out(&first), "of 'test'\n"), "%s", out(&first));
	cr_expect(strstr(out(&first), "not checked: whether a kernel trusts"), "%s", out(&first));
	cr_expect(strstr(err(&first), "cloud-amd64.ko.gz': it did not pass the gate: vermagic: expected 6.1.0-1-cloud-amd64"), "%s",
		  err(&first));
	cr_expect(strstr(err(&first), "example-4.9.0-1-amd64.ko.gz': it did not pass the gate: format"), "%s", err(&first));
	run_on_site(&s.site, words, &again);
	cr_expect_str_eq(strstr(out(&again), "6 modules"), strstr(out(&first), "6 modules"), "the same once more");

	const char *const verify[] = { "sign", "--verify", "--cert", s.pair.der, s.signed_dir, NULL };
	run_on_site(&s.site, verify, &check);
	cr_expect_eq(check.code, 0, "%s", err(&check));
	cr_expect(strstr(out(&check), "3 modules: 3 good\n"), "%s", out(&check));
}

Test(sign, verify_tells_what_is_wrong)
{
	cleanup_outcome struct outcome signing = { 0 }, o = { 0 }, theirs = { 0 };
	cleanup_buf struct buf bytes = { 0 };
	cleanup_shop struct shop s;
	struct key_pair other;
	char path[200];
	struct err e;

	shop_make(&s);
	key_pair_make(s.site.dir.path, &(struct key_spec){ .name = "other", .from_days = -20, .to_days = -10 }, &other);
	put_module(&s, "6.1.0-1-amd64");
	put_module(&s, "5.10.0-1-amd64");
	snprintf(path, sizeof(path), "%s/example-5.10.0-1-amd64.ko.gz", s.modules);
	const char *const words[] = { "sign", "--key", s.pair.key, "--cert", s.pair.certificate, "--in-place", path, NULL };
	run_on_site(&s.site, words, &signing);
	cr_assert_eq(signing.code, 0, "%s", err(&signing));
	cr_assert_eq(file_read(path, 1 << 20, &bytes, &e), 0);
	bytes.len /= 2;
	put_file(&s, "cut.ko", &bytes);
	snprintf(path, sizeof(path), "%s/cut.ko.gz", s.modules);
	cr_assert_eq(file_replace(path, bytes.data, bytes.len, 0644, &e), 0);

	const char *const verify[] = { "sign", "--verify", "--cert", s.pair.certificate, s.modules, NULL };
	run_on_site(&s.site, verify, &o);
	cr_expect_eq(o.code, 5, "%d", o.code);
	cr_expect(strstr(out(&o), "4 modules: 1 good, 3 bad\n"), "%s", out(&o));
	cr_expect(strstr(err(&o), "example-6.1.0-1-amd64.ko.gz': it is not signed"), "%s", err(&o));
	cr_expect(strstr(err(&o), "cut.ko.gz': "), "%s", err(&o));

	const char *const by_other[] = { "sign", "--verify", "--cert", other.certificate, s.modules, NULL };
	run_on_site(&s.site, by_other, &theirs);
	cr_expect_eq(theirs.code, 5, "%d", theirs.code);
	cr_expect(strstr(err(&theirs), "it is signed by another key"), "%s", err(&theirs));
	cr_expect(strstr(err(&theirs), "warning: certificate"), "%s", err(&theirs));
	cr_expect(strstr(err(&theirs), "it expired on 20"), "%s", err(&theirs));
}

/* What the packages of a kernel said before, as a build keeps it. */
static void put_facts(struct shop *s, const char *id, const char *hash)
{
	const struct strv all = { 0 };
	const struct inputs_options options = { .root = s->site.root, .distros = &all };
	const struct plan_options plan = { .cache_dir = s->site.cache };
	struct facts facts = { .gcc = 12 };
	cleanup_inputs struct inputs in = { 0 };
	struct err e;

	snprintf(facts.release, sizeof(facts.release), "%s", id);
	snprintf(facts.signature_hash, sizeof(facts.signature_hash), "%s", hash);
	cr_assert_eq(inputs_load(&options, NULL, &in, &e), 0, "%s", e.message);
	for (size_t i = 0; i < in.chosen[0].kernels.count; i++) {
		struct job job = { .distro = &in.chosen[0], .kernel = &in.chosen[0].kernels.kernels[i] };
		if (strcmp(job.kernel->id, id) == 0) {
			cr_assert_eq(plan_find_digests(&plan, &job, &e), 1, "%s", e.message);
			cr_assert_eq(facts_store_put(s->site.cache, &job, &facts, &e), 0, "%s", e.message);
		}
		job_release(&job);
	}
}

Test(sign, the_hash_is_what_each_kernels_config_asks_for)
{
	cleanup_outcome struct outcome o = { 0 }, by_hand = { 0 };
	cleanup_shop struct shop s;

	shop_make(&s);
	put_module(&s, "6.1.0-1-amd64");
	put_module(&s, "6.1.0-1-cloud-amd64");
	put_module(&s, "5.10.0-1-amd64");
	put_module(&s, "4.9.0-1-amd64");
	put_facts(&s, "6.1.0-1-amd64", "sha512");
	put_facts(&s, "6.1.0-1-cloud-amd64", "sha1");
	put_facts(&s, "5.10.0-1-amd64", "");
	const char *words[] = { "sign",	   "--key", s.pair.key, "--cert", s.pair.certificate, "--output", s.signed_dir,
				s.modules, NULL,    NULL,	NULL };
	run_on_site(&s.site, words, &o);
	cr_expect_eq(o.code, 0, "%s", err(&o));
	static const char *const lines[] = {
		"6.1.0-1-amd64.ko.gz: signed, sha512 (as its kernel's config asks)\n",
		"6.1.0-1-cloud-amd64.ko.gz: signed, sha256 (its kernel's config asks for a weak one)\n",
		"5.10.0-1-amd64.ko.gz: signed, sha256 (its kernel's config asks for none)\n",
		"4.9.0-1-amd64.ko.gz: signed, sha256 (its kernel's packages are not in the cache)\n",
	};
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		cr_expect(strstr(out(&o), lines[i]), "%s\n%s", lines[i], out(&o));
	cr_expect(strstr(err(&o), "asks for 'sha1'"), "%s", err(&o));
	words[8] = "--hash";
	words[9] = "sha384";
	run_on_site(&s.site, words, &by_hand);
	cr_expect_eq(by_hand.code, 0, "%s", err(&by_hand));
	cr_expect(strstr(out(&by_hand), "5.10.0-1-amd64.ko.gz: signed, sha384\n"), "%s", out(&by_hand));
}

/* Of a kernel that is made of its sources and of a configuration that is a mere file. */
Test(sign, the_hash_stands_in_a_configuration_that_is_no_archive)
{
	static const char descriptor[] = "name: second\nfamily: second\narchitecture: amd64\nlist: supported-kernels/second.txt\n"
					 "format: tar\nmirrors:\n  second: [http://second.example.org/pool]\nkernel:\n"
					 "  release: '${release}'\n  packages:\n    - role: config\n"
					 "      file: 'config-(?<release>(?<base>(?<version>[0-9.]+)))'\n      holds: [config]\n"
					 "      file-as: kernel-config\ntree: {build-dir: 'linux-${release}'}\n"
					 "prepare: {config: [kernel-config]}\nfloors: {mod: '3.10', bpf: '4.14'}\n";
	cleanup_outcome struct outcome added = { 0 }, o = { 0 }, checked = { 0 };
	cleanup_shop struct shop s;
	char config[200];

	shop_make(&s);
	site_write(&s.site, "distros/second.yaml", descriptor);
	site_write(&s.site, "supported-kernels/second.txt", "http://second.example.org/pool/config-6.1.99\n");
	site_write(&s.site, "config-6.1.99", "CONFIG_MODULE_SIG_HASH=\"sha512\"\n");
	put_module(&s, "6.1.99");
	snprintf(config, sizeof(config), "%s/config-6.1.99", s.site.root);
	const char *const add[] = { "cache", "add", config, NULL };
	run_on_site(&s.site, add, &added);
	cr_assert_eq(added.code, 0, "%s", err(&added));
	const char *const words[] = { "sign",	  "--key",	s.pair.key, "--cert", s.pair.certificate,
				      "--output", s.signed_dir, s.modules,  NULL };
	run_on_site(&s.site, words, &o);
	cr_expect_eq(o.code, 0, "%s", err(&o));
	cr_expect(strstr(out(&o), "6.1.99.ko.gz: signed, sha512 (as its kernel's config asks)\n"), "%s%s", out(&o), err(&o));

	/* It is read for the gate in the same way. */
	const char *const gate[] = { "gate", s.modules, NULL };
	run_on_site(&s.site, gate, &checked);
	cr_expect_neq(checked.code, 1, "%s", out(&checked));
	cr_expect(!strstr(out(&checked), "unchecked"), "%s%s", out(&checked), err(&checked));
}

Test(sign, passphrases_come_from_a_file_or_the_environment)
{
	cleanup_outcome struct outcome file = { 0 }, variable = { 0 }, wrong = { 0 }, none = { 0 };
	cleanup_shop struct shop s;
	struct key_pair pair;
	char secret[160];
	struct err e;

	shop_make(&s);
	key_pair_make(s.site.dir.path, &(struct key_spec){ .name = "locked", .passphrase = "open sesame" }, &pair);
	put_module(&s, "6.1.0-1-amd64");
	snprintf(secret, sizeof(secret), "%s/secret", s.site.dir.path);
	cr_assert_eq(file_replace(secret, "open sesame\nand more\n", 21, 0600, &e), 0);
	const char *words[] = { "sign",	   "--key", pair.key, "--cert", pair.certificate, "--output", s.signed_dir,
				s.modules, NULL,    NULL,     NULL };
	run_on_site(&s.site, words, &none);
	cr_expect_eq(none.code, 2, "%d", none.code);
	cr_expect(strstr(err(&none), "is encrypted"), "%s", err(&none));
	words[8] = "--passphrase-file";
	words[9] = secret;
	run_on_site(&s.site, words, &file);
	cr_expect_eq(file.code, 0, "%s", err(&file));
	site_env(&s.site, "GOOD=open sesame");
	site_env(&s.site, "BAD=open barley");
	words[8] = "--passphrase-env";
	words[9] = "GOOD";
	run_on_site(&s.site, words, &variable);
	cr_expect_eq(variable.code, 0, "%s", err(&variable));
	words[9] = "BAD";
	run_on_site(&s.site, words, &wrong);
	cr_expect_eq(wrong.code, 2, "%d", wrong.code);
	cr_expect(strstr(err(&wrong), "is it the right passphrase?"), "%s", err(&wrong));
	cr_expect_not(strstr(err(&wrong), "barley"));
}

Test(sign, results_as_json)
{
	cleanup_outcome struct outcome o = { 0 }, check = { 0 };
	const struct buf junk = { (char *)"no object", 9, 0 };
	const char *file, *result, *hash, *signer, *reason, *key;
	json_int_t good, bad;
	cleanup_shop struct shop s;
	json_error_t je;

	shop_make(&s);
	put_module(&s, "6.1.0-1-amd64");
	put_file(&s, "example-4.9.0-1-amd64.ko.gz", &junk);
	const char *const words[] = { "sign",	  "--json",	"--key",   s.pair.key, "--cert", s.pair.certificate,
				      "--output", s.signed_dir, s.modules, NULL };
	run_on_site(&s.site, words, &o);
	cr_expect_eq(o.code, 5, "%d", o.code);
	json_t *root = json_loads(out(&o), 0, &je);
	cr_assert(root, "%s", out(&o));
	cr_assert_eq(json_unpack_ex(root, &je, 0, "{s:[{s:s, s:s, s:s}, {s:s, s:s, s:s, s:s, s:s}], s:{s:I, s:I}}", "modules",
				    "file", &file, "result", &result, "reason", &reason, "file", &file, "result", &result, "hash",
				    &hash, "signer", &signer, "key", &key, "counts", "signed", &good, "refused", &bad),
		     0, "%s: %s", je.text, out(&o));
	cr_expect(str_ends(file, "/signed/example-6.1.0-1-amd64.ko.gz"), "%s", file);
	cr_expect_str_eq(result, "signed");
	cr_expect_str_eq(hash, "sha256");
	cr_expect_str_eq(signer, "test");
	cr_expect(strstr(reason, "format"), "%s", reason);
	cr_expect(good == 1 && bad == 1);
	json_decref(root);
	const char *const verify[] = { "sign", "--verify", "--json", "--cert", s.pair.certificate, s.signed_dir, NULL };
	run_on_site(&s.site, verify, &check);
	cr_expect_eq(check.code, 0, "%s", err(&check));
	cr_expect(strstr(out(&check), "\"result\": \"good\"") && strstr(out(&check), "\"not_checked\""), "%s", out(&check));
}

Test(sign, where_nothing_can_be_written)
{
	cleanup_outcome struct outcome o = { 0 };
	cleanup_shop struct shop s;

	shop_make(&s);
	put_module(&s, "6.1.0-1-amd64");
	const char *const words[] = { "sign",	  "--key", s.pair.key, "--cert", s.pair.certificate,
				      "--output", "/proc", s.modules,  NULL };
	run_on_site(&s.site, words, &o);
	cr_expect_eq(o.code, 1, "%d", o.code);
	cr_expect(strstr(err(&o), "creating '/proc/example-6.1.0-1-amd64.ko.gz'"), "%s", err(&o));
	cr_expect(strstr(out(&o), "1 module: 1 refused\n"), "%s", out(&o));
}

Test(sign, a_tree_that_another_run_writes_to_is_left_alone)
{
	cleanup_outcome struct outcome held = { 0 }, o = { 0 };
	cleanup_shop struct shop s;
	char lock_path[160];
	struct err e;

	shop_make(&s);
	put_module(&s, "6.1.0-1-amd64");
	snprintf(lock_path, sizeof(lock_path), "%s/.lock", s.site.dir.path);
	int lock = file_lock(lock_path, false, &e);
	cr_assert_geq(lock, 0, "%s", e.message);
	const char *const words[] = { "sign", "--key", s.pair.key, "--cert", s.pair.certificate, "--in-place", s.modules, NULL };
	run_on_site(&s.site, words, &held);
	cr_expect_eq(held.code, 2, "%d", held.code);
	cr_expect(strstr(err(&held), "another run is writing to"), "%s", err(&held));
	close(lock);
	/* Which is not this run itself, to which the tree is named twice. */
	const char *const twice[] = { "sign",	    "--key",   s.pair.key, "--cert", s.pair.certificate,
				      "--in-place", s.modules, s.modules,  NULL };
	run_on_site(&s.site, twice, &o);
	cr_expect_eq(o.code, 0, "%s", err(&o));
}

Test(sign, ctrl_c_leaves_whole_files)
{
	enum { MANY = 200 };
	cleanup_process struct process p = { .pid_fd = -1 };
	cleanup_outcome struct outcome o = { 0 }, check = { 0 };
	cleanup_shop struct shop s;
	int out_fd, err_fd;
	unsigned left = 0;
	char byte;

	shop_make(&s);
	for (unsigned i = 0; i < MANY; i++) {
		char release[32];
		snprintf(release, sizeof(release), "6.6.%u-x", i);
		put_module(&s, release);
	}
	const char *const words[] = { "sign", "--key", s.pair.key, "--cert", s.pair.certificate, "--in-place", s.modules, NULL };
	start_on_site(&s.site, words, &p, &out_fd, &err_fd);
	/* It says so when the first one is signed. */
	cr_assert_eq(read(out_fd, &byte, 1), 1);
	cr_assert_eq(kill(p.pid, SIGINT), 0);
	finish_program(&p, out_fd, err_fd, &o);
	cr_expect_eq(o.code, 4, "%d: %s", o.code, err(&o));
	const char *const verify[] = { "sign", "--verify", "--cert", s.pair.certificate, s.modules, NULL };
	run_on_site(&s.site, verify, &check);
	cr_expect_eq(check.code, 5, "some were not signed");
	cr_expect(strstr(out(&check), ": good"), "some were");
	DIR *d = opendir(s.modules);
	for (const struct dirent *entry; (entry = readdir(d));)
		left += entry->d_name[0] != '.' || str_ends(entry->d_name, ".partial");
	closedir(d);
	cr_expect_eq(left, MANY);
	for (const char *at = err(&check); (at = strstr(at, "orchestrate: error: ")); at++)
		cr_expect(strstr(at, "it is not signed"), "%s", at);
}
