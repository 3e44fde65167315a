/* Kernels booted with what was built for them: our own probe, and probes that are broken in one way each. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "probes.h"
#include "site.h"
#include "tree.h"

TestSuite(prove, .init = site_open, .fini = site_close, .timeout = SITE_SECONDS);

/* The entry of proof.json for this kernel and kind; the root is the caller's. */
static const json_t *entry_of(const json_t *root, const char *kernel, const char *kind)
{
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(root, "proofs"), i, entry)
	{
		if (strcmp(json_string_value(json_object_get(entry, "kernel")), kernel) == 0 &&
		    strcmp(json_string_value(json_object_get(entry, "kind")), kind) == 0)
			return entry;
	}
	cr_assert_fail("proof.json has no %s of '%s'", kind, kernel);
	return NULL;
}

static json_t *read_proofs(void)
{
	cleanup_free char *path = text_of("%s/proof.json", site()->output);
	json_t *root = json_load_file(path, 0, NULL);

	cr_assert_not_null(root, "%s is no JSON", path);
	return root;
}

static const char *text(const json_t *entry, const char *key)
{
	const char *value = json_string_value(json_object_get(entry, key));

	return value ? value : "";
}

static void expect_booted(const json_t *root, const char *kernel, const char *kind)
{
	const json_t *entry = entry_of(root, kernel, kind);

	cr_expect_str_eq(text(entry, "verdict"), "booted", "%s %s: %s", kernel, kind, text(entry, "reason"));
	cr_expect_geq(json_integer_value(json_object_get(entry, "events")), 7, "%s %s", kernel, kind);
	cr_expect_gt(json_number_value(json_object_get(entry, "seconds")), 0);
	cr_expect(str_starts(text(entry, "machine"), "QEMU "), "%s", text(entry, "machine"));
	cr_expect_eq(strlen(text(entry, "object_sha256")), 64);
	cr_expect_eq(strlen(text(entry, "image_sha256")), 64);
	cr_expect_eq(strlen(text(entry, "kernel_image_sha256")), 64);
}

Test(prove, our_own_probe_works)
{
	struct site *s = site();
	cleanup_free char *older = site_kernel(SERIES_6_1), *newer = site_kernel(SERIES_7);
	cleanup_free char *first = site_cloud(older), *second = site_cloud(newer);
	cleanup_free char *version = probe_put_ours();

	site_run(0, "build", "--kernel", first, "--kernel", second, "--no-image", NULL);
	struct program *p = site_run_exactly(0, "prove", "--root", s->root, "--cache", s->cache, "--output", s->output, "--probe",
					     s->probe, "--kernel", first, "--kernel", second, "--verbose", NULL);
	json_t *root = read_proofs();
	for (int i = 0; i < 2; i++) {
		expect_booted(root, i ? second : first, "mod");
		expect_booted(root, i ? second : first, "bpf");
	}
	json_decref(root);
	cr_expect(strstr(buf_text(&p->out), "4 booted, 0 gated, 0 failed, 0 absent in "), "%s", buf_text(&p->out));
	cr_expect(strstr(buf_text(&p->err), "booting "), "%s", buf_text(&p->err));

	/* The same bytes are not booted again, unless that is asked for. */
	p = site_run_exactly(0, "prove", "--root", s->root, "--cache", s->cache, "--output", s->output, "--probe", s->probe,
			     "--kernel", first, "--kernel", second, "--verbose", NULL);
	cr_expect(strstr(buf_text(&p->out), "4 booted, "), "%s", buf_text(&p->out));
	cr_expect(!strstr(buf_text(&p->err), "booting "), "%s", buf_text(&p->err));
	p = site_run_exactly(0, "prove", "--root", s->root, "--cache", s->cache, "--output", s->output, "--probe", s->probe,
			     "--kernel", first, "--kind", "bpf", "--again", "--json", "--verbose", NULL);
	cr_expect(strstr(buf_text(&p->err), "booting "), "%s", buf_text(&p->err));
	root = json_loads(buf_text(&p->out), 0, NULL);
	cr_expect_eq(json_array_size(json_object_get(root, "proofs")), 1);
	json_decref(root);
}

/* --- sabotage --- */

/* For every probe: what it is proven by, and where it is built. */
struct sabotage {
	const char *name;
	void (*put)(const char *dir, const char *name);
	const char *kind, *timeout;
	const char *finding; /* NULL: it is fine */
	const char *reason;  /* part of it */
};

static void put_rejected(const char *dir, const char *name)
{
	static const char source[] =
		"__attribute__((section(\"license\"), used)) const char hello_license[] = \"GPL\";\n"
		"__attribute__((section(\"tracepoint/sched/sched_process_exit\"), used)) int on_exit(unsigned long *context)\n"
		"{\n\treturn *(volatile int *)(context[1] + 8);\n}\n";

	probe_put_bpf(dir, name, "");
	file_put(dir, "hello.bpf.c", source);
}

/* The module's only statement, pr_info(), becomes something else. */
static void put_mod(const char *dir, const char *name, const char *statement)
{
	cleanup_free char *source = text_of("#include <linux/delay.h>\n#include <linux/jiffies.h>\n#include <linux/module.h>\n"
					    "#undef pr_info\n#define pr_info(...) %s\n",
					    statement);

	probe_put_mod(dir, name, source);
}

static void put_oops(const char *dir, const char *name)
{
	put_mod(dir, name, "(*(volatile int *)16 = 1)");
}

/* WARN_ON() would put a path of the build into the object, which the gate does not take. */
static void put_complaint(const char *dir, const char *name)
{
	put_mod(dir, name, "dump_stack()");
}

static void put_taint(const char *dir, const char *name)
{
	put_mod(dir, name, "add_taint(TAINT_USER, LOCKDEP_STILL_OK)");
}

static void put_hang(const char *dir, const char *name)
{
	put_mod(dir, name, "while (jiffies) msleep(100)");
}

static void put_refusal(const char *dir, const char *name)
{
	put_mod(dir, name, "if (jiffies) return -EXDEV");
}

static void put_harmless(const char *dir, const char *name)
{
	probe_put_mod(dir, name, "");
}

/* Our own module, which never begins to record. */
static void put_silent(const char *dir, const char *name)
{
	static const char word[] = "WRITE_ONCE(recording, true);";
	cleanup_free char *path = text_of("%s/module/ring.c", dir);
	cleanup_free char *version = probe_put_ours();
	cleanup_buf struct buf ring = { 0 };

	(void)name;
	file_bytes(path, &ring);
	char *at = strstr(ring.data, word);
	cr_assert_not_null(at, "ring.c does not say '%s'", word);
	memcpy(strstr(at, "true"), "0   ", strlen("true"));
	file_put(dir, "module/ring.c", ring.data);
}

/* Each is proven in a tree of its own. */
static void expect_caught(const struct sabotage *row, const char *kernel)
{
	struct site *s = site();
	struct err e;

	cr_assert(path_remove(s->probe, &e) == 0 && path_remove(s->output, &e) == 0, "%s", e.message);
	row->put(s->probe, s->name);
	site_run(0, "build", "--kernel", kernel, "--kind", row->kind, "--no-image", NULL);
	struct program *p =
		site_run_exactly(row->finding ? 5 : 0, "prove", "--root", s->root, "--cache", s->cache, "--output", s->output,
				 "--probe", s->probe, "--kernel", kernel, "--kind", row->kind, "--timeout", row->timeout, NULL);
	json_t *root = read_proofs();
	const json_t *entry = entry_of(root, kernel, row->kind);
	cr_expect_str_eq(text(entry, "verdict"), row->finding ? "failed" : "booted", "%s: %s", row->name, text(entry, "reason"));
	if (row->finding) {
		cr_expect_str_eq(text(entry, "finding"), row->finding, "%s: %s", row->name, text(entry, "reason"));
		cr_expect(strstr(text(entry, "reason"), row->reason), "%s: %s", row->name, text(entry, "reason"));
		cr_expect(strstr(buf_text(&p->out), text(entry, "reason")), "%s: %s", row->name, buf_text(&p->out));
	}
	json_decref(root);
}

static void expect_all_caught(const struct sabotage *rows, size_t count)
{
	cleanup_free char *plain = site_kernel(SERIES_6_1);
	cleanup_free char *kernel = site_cloud(plain);

	for (size_t i = 0; i < count; i++)
		expect_caught(&rows[i], kernel);
}

/* In tests of their own, so that each ends in time also where everything is slow. */
Test(prove, what_a_kernel_refuses_is_caught)
{
	static const struct sabotage rows[] = {
		{ "rejected", put_rejected, "bpf", "120", "verifier", "invalid mem access" },
		{ "refusal", put_refusal, "mod", "120", "load", "Invalid cross-device link" },
	};

	expect_all_caught(rows, ARRAY_LEN(rows));
}

Test(prove, what_takes_the_kernel_down_is_caught)
{
	static const struct sabotage rows[] = {
		{ "oops", put_oops, "mod", "120", "oops", "NULL pointer dereference" },
		{ "hang", put_hang, "mod", "60", "hung", "no end within 60 s" },
	};

	expect_all_caught(rows, ARRAY_LEN(rows));
}

Test(prove, what_the_kernel_complains_of_is_caught)
{
	static const struct sabotage rows[] = {
		{ "complaint", put_complaint, "mod", "120", "log", "Call Trace" },
		{ "taint", put_taint, "mod", "120", "taint", "bits 0x40 " },
	};

	expect_all_caught(rows, ARRAY_LEN(rows));
}

Test(prove, silence_is_caught_where_events_are_due)
{
	static const struct sabotage rows[] = {
		{ "silent", put_silent, "mod", "120", "fork", "not reported" },
		{ "harmless", put_harmless, "mod", "120", NULL, NULL },
	};

	expect_all_caught(rows, ARRAY_LEN(rows));
}

/* --- stopping --- */

/* A process whose parent is this one; 0: there is none. Format: proc_pid_stat(5). */
static pid_t child_of(pid_t parent)
{
	DIR *processes = opendir("/proc");
	struct dirent *process;
	pid_t found = 0;

	while (processes && !found && (process = readdir(processes))) {
		cleanup_free char *path = text_of("/proc/%s/stat", process->d_name);
		FILE *f = atoi(process->d_name) > 0 ? fopen(path, "re") : NULL;
		int above = 0;
		if (f && fscanf(f, "%*d (%*[^)]) %*c %d", &above) == 1 && above == parent)
			found = atoi(process->d_name);
		if (f)
			fclose(f);
	}
	if (processes)
		closedir(processes);
	return found;
}

/* Waits for the first child; gives a descriptor that polls readable when it has ended. */
static int find_child(const struct program *p)
{
	pid_t child = 0;

	/* The emulator is started right behind the line that tells of it. */
	for (int i = 0; i < 100 && !(child = child_of(p->pid)); i++)
		poll(NULL, 0, 100);
	cr_assert_gt(child, 0, "no guest runs: %s", buf_text(&p->err));
	int fd = pidfd_open(child, 0);
	cr_assert_geq(fd, 0);
	return fd;
}

Test(prove, stopping_leaves_no_guest)
{
	static const struct {
		int signal, code;
	} rows[] = { { SIGINT, 4 }, { SIGKILL, 128 + SIGKILL } };
	struct site *s = site();
	cleanup_free char *plain = site_kernel(SERIES_6_1);
	cleanup_free char *kernel = site_cloud(plain);
	cleanup_free char *proofs = text_of("%s/proof.json", s->output);

	put_hang(s->probe, s->name);
	site_run(0, "build", "--kernel", kernel, "--kind", "mod", "--no-image", NULL);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct program *p = site_start("prove", "--kernel", kernel, "--kind", "mod", "--verbose", NULL);
		cr_assert(program_wait_for(p, "booting "), "%s", buf_text(&p->err));
		cleanup_close int child = find_child(p);
		struct pollfd ended = { .fd = child, .events = POLLIN };
		cr_assert_eq(kill(p->pid, rows[i].signal), 0);
		cr_expect_eq(program_finish(p), rows[i].code, "%s", buf_text(&p->err));
		cr_expect_eq(poll(&ended, 1, 10000), 1, "signal %d: a guest still runs", rows[i].signal);
		/* What was not shown is not said. */
		cr_expect(!file_is_there(proofs));
	}
}

/* --- what can't be tried --- */

Test(prove, without_a_kernel_it_stays_gated)
{
	struct site *s = site();
	cleanup_free char *kernel = site_kernel(SERIES_6_1);
	cleanup_free char *nowhere = text_of("%s/nowhere", s->temp.path), *bare = text_of("%s/bare", s->temp.path);
	cleanup_free char *from = text_of("%s/distros", s->root), *to = text_of("%s/distros", bare);
	cleanup_free char *yaml = text_of("%s/debian.yaml", to);
	cleanup_buf struct buf text_buf = { 0 };
	struct err e;

	probe_put_bpf(s->probe, s->name, "");
	site_run(0, "build", "--kernel", kernel, "--no-image", NULL);
	/* A checkout whose descriptor does not say where kernels are. */
	cr_assert(path_make_dirs(bare, &e) == 0, "%s", e.message);
	tree_copy(from, to);
	file_bytes(yaml, &text_buf);
	char *at = strstr(text_buf.data, "\nboot-images:\n"), *end = at ? strstr(at, "\nfloors:") : NULL;
	cr_assert(at && end, "debian.yaml has no boot-images:");
	memmove(at, end, strlen(end) + 1);
	file_put(bare, "distros/debian.yaml", text_buf.data);
	for (int i = 0; i < 2; i++) {
		cleanup_free char *real = text_of("%s/%s", s->root, i ? "images" : "supported-kernels");
		cleanup_free char *link = text_of("%s/%s", bare, i ? "images" : "supported-kernels");
		cr_assert_eq(symlink(real, link), 0);
	}
	struct program *p = site_run_exactly(0, "prove", "--root", bare, "--cache", s->cache, "--output", s->output, "--probe",
					     s->probe, "--kernel", kernel, NULL);
	json_t *root = read_proofs();
	const json_t *entry = entry_of(root, kernel, "bpf");
	cr_expect_str_eq(text(entry, "verdict"), "gated");
	cr_expect(strstr(text(entry, "reason"), "does not say where kernel"), "%s", text(entry, "reason"));
	cr_expect_str_eq(text(entry_of(root, kernel, "mod"), "verdict"), "absent");
	json_decref(root);
	cr_expect(strstr(buf_text(&p->out), "0 booted, 1 gated, 0 failed, 1 absent"), "%s", buf_text(&p->out));

	/* And a tree without objects is a mistake of whoever asks. */
	p = site_run_exactly(2, "prove", "--root", s->root, "--cache", s->cache, "--output", nowhere, "--probe", s->probe,
			     "--kernel", kernel, NULL);
	cr_expect(strstr(buf_text(&p->err), "has no object of these kernels"), "%s", buf_text(&p->err));
}
