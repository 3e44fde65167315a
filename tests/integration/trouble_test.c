/* What goes wrong while a run is at work: killed builders, hanging builds, signals, a second run. Each build command says by a
 * `sleep` of its own length how far it has come. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "docker.h"
#include "probes.h"
#include "site.h"
#include "tree.h"

TestSuite(trouble, .init = site_open, .fini = site_close, .timeout = SITE_SECONDS);

enum { START_SECONDS = 120 };

static void expect_build_reaches(const struct program *p, const char *text, struct buf *ret_container)
{
	cr_assert(docker_wait_for_build(p->pid, text, START_SECONDS, ret_container), "no builder came to '%s'", text);
}

static void expect_object(const char *kernel)
{
	cleanup_free char *path = text_of("%s/%s-ebpf-%s.o.gz", site()->modules, site()->name, kernel);
	cleanup_buf struct buf object = { 0 };

	file_gunzip(path, &object);
	cr_expect(object.len > 4 && memcmp(object.data, "\177ELF", 4) == 0);
}

/* No object in the tree, and nothing half-made anywhere. */
static void expect_no_object(void)
{
	struct site *s = site();
	cleanup_free char *artifacts = text_of("%s/artifacts", s->cache);
	const char *nothing[] = { NULL }, *version[] = { "MODULE_VERSION.txt", NULL };

	tree_expect(s->modules, version);
	tree_expect_nothing_partial(s->output);
	tree_expect(artifacts, nothing);
}

Test(trouble, a_killed_builder_is_replaced)
{
	struct site *s = site();
	cleanup_free char *kernel = site_kernel(SERIES_6_1);
	cleanup_buf struct buf container = { 0 };

	probe_put_bpf(s->probe, s->name, "sleep 4.125\n");
	struct program *p = site_start("build", "--kernel", kernel, NULL);
	expect_build_reaches(p, "sleep 4.125", &container);
	docker(NULL, "kill", buf_text(&container), NULL);
	cr_expect_eq(program_finish(p), 0, "%s", buf_text(&p->err));
	cr_expect(strstr(buf_text(&p->err), "warning: "), "%s", buf_text(&p->err));
	cr_expect(strstr(buf_text(&p->err), "the builder died while it built this kernel"), "%s", buf_text(&p->err));
	expect_object(kernel);
	site_expect_no_container(p);
}

Test(trouble, a_build_that_hangs_is_ended_with_all_it_started)
{
	struct site *s = site();
	cleanup_free char *hanging = site_kernel(SERIES_6_1), *good = site_cloud(hanging);
	cleanup_free char *before =
		text_of("case \"$KERNEL_RELEASE\" in\n"
			"%s) setsid sh -c 'sleep 311.5 & exit' & sleep 0.1; env -i setsid sleep 312.5 & sleep 313.5 ;;\n"
			"*) sleep 2.625 ;;\n"
			"esac\n",
			hanging);
	cleanup_free char *failed = text_of("failed      bpf %s (not done after 20 s (--timeout)", hanging);
	cleanup_buf struct buf first = { 0 };
	cleanup_buf struct buf second = { 0 };
	static const char *const sleeps[] = { "sleep 311.5", "sleep 312.5", "sleep 313.5" };
	int64_t started = clock_now_ms();

	probe_put_bpf(s->probe, s->name, before);
	struct program *p = site_start("build", "--kernel", hanging, "--kernel", good, "--jobs", "1", "--timeout", "20", NULL);
	expect_build_reaches(p, sleeps[2], &first);
	for (size_t i = 0; i < ARRAY_LEN(sleeps); i++)
		cr_expect(docker_runs(buf_text(&first), sleeps[i]), "'%s' does not run, there is nothing to end", sleeps[i]);
	cr_expect(program_wait_for(p, failed), "%s", buf_text(&p->err));
	/* The next kernel is built in the same container, where nothing of the first is left. */
	expect_build_reaches(p, "sleep 2.625", &second);
	cr_expect_str_eq(buf_text(&second), buf_text(&first), "the builder was replaced");
	for (size_t i = 0; i < ARRAY_LEN(sleeps); i++)
		cr_expect(!docker_runs(buf_text(&second), sleeps[i]), "'%s' goes on", sleeps[i]);
	cr_expect_eq(program_finish(p), 1, "%s", buf_text(&p->err));
	cr_expect(strstr(buf_text(&p->err), "2 kernels: 1 built, 1 failed;"), "%s", buf_text(&p->err));
	cr_expect_lt(clock_now_ms() - started, 200 * 1000);
	expect_object(good);
	cleanup_free char *absent = text_of("%s/%s-ebpf-%s.o.gz", s->modules, s->name, hanging);
	cr_expect(!file_is_there(absent));
	site_expect_no_container(p);
}

/* Kernels in one container have users of their own: what one kills or writes, the other does not feel. */
Test(trouble, a_hostile_build_does_not_reach_its_neighbour)
{
	struct site *s = site();
	cleanup_free char *hostile = site_kernel(SERIES_6_1), *good = site_cloud(hostile);
	cleanup_free char *before =
		text_of("case \"$KERNEL_RELEASE\" in\n"
			"%s) sleep 2; for d in /work/*; do echo bad >\"$d/out/bpf\" || :; done; kill -KILL -1; exit 1 ;;\n"
			"*) sleep 5.125 ;;\n"
			"esac\n",
			hostile);

	probe_put_bpf(s->probe, s->name, before);
	struct program *p = site_run(1, "build", "--kernel", hostile, "--kernel", good, "--jobs", "2", NULL);
	cr_expect(strstr(buf_text(&p->err), "2 kernels: 1 built, 1 failed;"), "%s", buf_text(&p->err));
	cr_expect(!strstr(buf_text(&p->err), "the builder died"), "%s", buf_text(&p->err));
	expect_object(good);
	site_expect_no_container(p);
}

Test(trouble, ctrl_c_leaves_nothing_behind)
{
	struct site *s = site();
	cleanup_free char *kernel = site_kernel(SERIES_6_1);
	cleanup_buf struct buf container = { 0 };

	probe_put_bpf(s->probe, s->name, "sleep 321.5\n");
	struct program *p = site_start("build", "--kernel", kernel, NULL);
	expect_build_reaches(p, "sleep 321.5", &container);
	int64_t started = clock_now_ms();
	cr_assert_eq(kill(p->pid, SIGINT), 0);
	cr_expect_eq(program_finish(p), 4, "exit %d:\n%s", p->code, buf_text(&p->err));
	cr_expect_lt(clock_now_ms() - started, 60 * 1000);
	site_expect_no_container(p);
	cr_expect(!docker_try(NULL, "inspect", buf_text(&container), NULL), "the builder is still there");
	expect_no_object();
	cleanup_free char *image = text_of("%s-base:latest", s->name);
	cr_expect(!docker_try(NULL, "image", "inspect", image, NULL), "there is an image of a cancelled run");
}

Test(trouble, a_killed_run_is_swept_up_by_the_next)
{
	struct site *s = site();
	cleanup_free char *kernel = site_kernel(SERIES_6_1);
	cleanup_buf struct buf container = { 0 };
	cleanup_buf struct buf code = { 0 };

	probe_put_bpf(s->probe, s->name, "sleep 331.5\n");
	struct program *p = site_start("build", "--kernel", kernel, NULL);
	expect_build_reaches(p, "sleep 331.5", &container);
	site_be_alone();
	int64_t started = clock_now_ms();
	cr_assert_eq(kill(p->pid, SIGKILL), 0);
	cr_expect_eq(program_finish(p), 128 + SIGKILL);
	/* Its lease is gone, so the builder ends by itself. A run of somebody else on this engine may sweep it up before ours. */
	docker_try(&code, "wait", buf_text(&container), NULL);
	cr_expect_lt(clock_now_ms() - started, 60 * 1000);
	bool there = docker_try(NULL, "inspect", buf_text(&container), NULL);

	probe_put_bpf(s->probe, s->name, "");
	struct program *next = site_run(0, "build", "--kernel", kernel, NULL);
	cr_expect(!docker_try(NULL, "inspect", buf_text(&container), NULL), "the builder is still there");
	cr_expect(!there || strstr(buf_text(&next->err), "removed 1 container that a killed run had left"), "%s",
		  buf_text(&next->err));
	expect_object(kernel);
	tree_expect_nothing_partial(s->output);
	site_expect_no_container(next);
}

Test(trouble, the_second_run_on_one_output_gives_way)
{
	struct site *s = site();
	cleanup_free char *kernel = site_kernel(SERIES_6_1);
	cleanup_buf struct buf container = { 0 };

	probe_put_bpf(s->probe, s->name, "sleep 5.375\n");
	struct program *first = site_start("build", "--kernel", kernel, NULL);
	expect_build_reaches(first, "sleep 5.375", &container);
	struct program *second = site_run(2, "build", "--kernel", kernel, NULL);
	cleanup_free char *expected =
		text_of("orchestrate: error: another run is writing to '%s'; wait for it or give another --output\n", s->output);
	cr_expect_str_eq(buf_text(&second->err), expected);
	cr_expect_eq(first->code, -1);
	struct program *image = site_run_exactly(2, "image", "--root", s->root, "--cache", s->cache, "--output", s->output,
						 "--probe", s->probe, NULL);
	cr_expect_str_eq(buf_text(&image->err), expected);
	cr_expect(docker_runs(buf_text(&container), "sleep 5.375"), "the second run did not give way at once");
	cr_expect_eq(program_finish(first), 0, "%s", buf_text(&first->err));
	cr_expect(strstr(buf_text(&first->err), ": 1 built;"), "%s", buf_text(&first->err));
	expect_object(kernel);
}
