#include "toolbox_image.h"

#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <stdio.h>
#include <string.h>

#include "../support/temp_dir.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/process.h"
#include "engine/image.h"
#include "engine/sweep.h"
#include "stream/digest.h"
#include "stream/source.h"

static void must(int done, const struct err *e)
{
	cr_assert(done == 0, "%s", e->message);
}

/* One ustar member. */
static void add_member(struct buf *b, const char *name, unsigned mode, const void *bytes, size_t len)
{
	static const char zeros[512] = "";
	char h[513] = { 0 };
	unsigned sum = 0;
	struct err e;

	snprintf(h, 100, "%s", name);
	snprintf(h + 100, 9, "%07o", mode);
	snprintf(h + 108, 9, "%07o", 0);
	snprintf(h + 116, 9, "%07o", 0);
	snprintf(h + 124, 13, "%011zo", len);
	snprintf(h + 136, 13, "%011o", 1);
	memset(h + 148, ' ', 8);
	h[156] = str_ends(name, "/") ? '5' : '0';
	memcpy(h + 257, "ustar\00000", 8);
	for (int i = 0; i < 512; i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
	must(buf_append(b, h, 512, &e), &e);
	must(buf_append(b, bytes, len, &e), &e);
	must(buf_append(b, zeros, (512 - len % 512) % 512, &e), &e);
}

static void end_tar(struct buf *b)
{
	static const char zeros[1024] = "";
	struct err e;

	must(buf_append(b, zeros, sizeof(zeros), &e), &e);
}

static void compile(struct buf *ret)
{
	cleanup_temp_dir struct temp_dir d = { "" };
	struct err e = { 0 };

	temp_dir_make(&d);
	cleanup_free char *program = path_join(d.path, "toolbox", &e);
	const char *const argv[] = { "cc", "-static", "-Os", "-s", "-o", program, "tests/data/engine/toolbox.c", NULL };
	must(process_run(argv, NULL, 4096, NULL, NULL, &e), &e);
	must(file_read(program, 64 << 20, ret, &e), &e);
}

void toolbox_archive(struct toolbox *t, const char *arch, struct buf *ret)
{
	cleanup_buf struct buf program = { 0 }, layer = { 0 }, config = { 0 }, manifest = { 0 };
	char hex[DIGEST_HEX + 1];
	struct digest digest;
	struct err e = { 0 };

	compile(&program);
	add_member(&layer, "tmp/", 01777, "", 0);
	add_member(&layer, "toolbox", 0755, program.data, program.len);
	end_tar(&layer);
	must(digest_of(layer.data, layer.len, &digest, &e), &e);
	digest_hex(&digest, hex);
	snprintf(t->diff_id, sizeof(t->diff_id), "sha256:%s", hex);
	/* The label makes every test's image one of its own. */
	must(buf_printf(
		     &config, &e,
		     "{\"architecture\":\"%s\",\"os\":\"linux\",\"config\":{\"Env\":[\"PATH=/\"],\"Cmd\":[\"/toolbox\",\"hello\"],"
		     "\"Labels\":{\"test\":\"%ld\"}},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"]},\"history\":[{\"created_by\":\"test\"}]}",
		     arch, (long)getpid(), t->diff_id),
	     &e);
	snprintf(t->name, sizeof(t->name), "orchestrate-test-engine-%ld:1", (long)getpid());
	must(buf_printf(&manifest, &e, "[{\"Config\":\"config.json\",\"RepoTags\":[\"%s\"],\"Layers\":[\"layer.tar\"]}]", t->name),
	     &e);
	add_member(ret, "config.json", 0644, config.data, config.len);
	add_member(ret, "layer.tar", 0644, layer.data, layer.len);
	add_member(ret, "manifest.json", 0644, manifest.data, manifest.len);
	end_tar(ret);
	must(digest_of(config.data, config.len, &digest, &e), &e);
	digest_hex(&digest, hex);
	snprintf(t->id, sizeof(t->id), "sha256:%s", hex);
}

void toolbox_open(struct toolbox *t, const struct cancel *cancel)
{
	cleanup_buf struct buf archive = { 0 };
	struct err e = { 0 };

	*t = (struct toolbox){ 0 };
	if (engine_open(getenv("ORCHESTRATE_TEST_ENGINE"), cancel, NULL, &t->engine, &e) < 0) {
		fprintf(stderr, "skipped, no engine to try it on: %s\n", e.message);
		cr_skip_test("no engine: %s", e.message);
	}
	toolbox_archive(t, engine_info(t->engine)->arch, &archive);
	struct source *s = source_from_memory(archive.data, archive.len, &e);
	must(engine_image_load(t->engine, s, NULL, &e), &e);
	source_free(s);
}

void toolbox_close(struct toolbox *t)
{
	struct err e = { 0 };

	if (!t->engine)
		return;
	cr_expect_eq(engine_sweep_own(t->engine, NULL, &e), 0, "%s", e.message);
	cr_expect_eq(engine_image_remove(t->engine, t->id, true, &e), 0, "%s", e.message);
	engine_close(t->engine);
}

char *toolbox_container(struct toolbox *t, int *ret_lease)
{
	return toolbox_container_under(t, NULL, ret_lease);
}

char *toolbox_container_under(struct toolbox *t, const char *seccomp, int *ret_lease)
{
	static const char *const cmd[] = { "/toolbox", "cat", NULL };
	static const struct container_tmpfs tmpfs[] = { { "/work", "rw,exec,nosuid,nodev,size=64m,mode=1777" } };
	static const struct container_ulimit ulimits[] = { { "nofile", 1024, 1024 }, { "nproc", 512, 512 } };
	const struct container_spec spec = { .image = t->id,
					     .role = "test",
					     .cmd = cmd,
					     .user = "65534:65534",
					     .no_network = true,
					     .drop_capabilities = true,
					     .no_new_privileges = true,
					     .read_only = true,
					     .init = true,
					     .open_stdin = true,
					     .pids_limit = 100,
					     .tmpfs = tmpfs,
					     .tmpfs_count = 1,
					     .ulimits = ulimits,
					     .ulimit_count = 2,
					     .seccomp = seccomp };
	struct err e = { 0 };
	char *id = NULL;

	must(container_create(t->engine, &spec, &id, &e), &e);
	must(container_attach_lease(t->engine, id, ret_lease, &e), &e);
	must(container_start(t->engine, id, &e), &e);
	return id;
}
