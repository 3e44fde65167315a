/* What images/compiler_memory.c remembers for a job, on the real engine: it is used, and it changes no byte. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "probes.h"
#include "site.h"
#include "tree.h"

TestSuite(memory, .init = site_open, .fini = site_close, .timeout = SITE_SECONDS);

/* Our own probe, whose build commands begin with these lines of shell. */
static void put_probe(const char *mod, const char *bpf)
{
	struct site *s = site();
	cleanup_free char *version = probe_put_ours(), *path = text_of("%s/probe.yaml", s->probe);
	cleanup_free char *mod_build = text_of("build: %s && make -C \"$KERNEL_BUILD\"", mod);
	cleanup_free char *bpf_build = text_of("build: %s && make -C bpf", bpf);
	cleanup_buf struct buf yaml = { 0 }, with_mod = { 0 }, with_both = { 0 };

	file_bytes(path, &yaml);
	text_replace(buf_text(&yaml), "build: make -C \"$KERNEL_BUILD\"", mod_build, &with_mod);
	text_replace(buf_text(&with_mod), "build: make -C bpf", bpf_build, &with_both);
	cr_assert(strstr(buf_text(&with_both), mod_build) && strstr(buf_text(&with_both), bpf_build));
	file_put(s->probe, "probe.yaml", buf_text(&with_both));
}

Test(memory, objects_are_the_same_with_and_without)
{
	struct site *s = site();
	cleanup_free char *old = site_kernel(SERIES_5_10), *new = site_kernel(SERIES_6_12);
	cleanup_free char *plain = text_of("%s/plain", s->temp.path), *plain_modules = text_of("%s/kernel-modules", plain);

	/* The second kind finds what the first has asked; nothing of another kernel. */
	put_probe("test -z \"$(ls \"$COMPILER_MEMORY\")\"", "test \"$(ls \"$COMPILER_MEMORY\" | wc -l)\" -ge 10");
	struct program *p = site_run(0, "build", "--kernel", old, "--kernel", new, "--jobs", "1", "--no-image", NULL);
	cr_expect(strstr(buf_text(&p->err), "2 kernels: 4 built;"), "%s", buf_text(&p->err));
	put_probe("PATH=${PATH#*:}", "PATH=${PATH#*:}");
	p = site_run(0, "build", "--kernel", old, "--kernel", new, "--jobs", "1", "--no-image", "--output", plain, NULL);
	cr_expect(strstr(buf_text(&p->err), "2 kernels: 4 built;"), "%s", buf_text(&p->err));
	tree_expect_equal(s->modules, plain_modules);
}
