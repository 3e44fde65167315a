/* Images and containers of a real engine, and what is left when their owner dies. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "engine/image.h"
#include "engine/sweep.h"
#include "stream/sink.h"
#include "toolbox_image.h"

Test(real_engine, a_loaded_image_is_what_was_sent, .timeout = 120)
{
	struct toolbox box;
	cleanup_engine_image struct engine_image image = { 0 };
	cleanup_engine_images struct engine_images images = { 0 };
	struct err e = { 0 };
	char label[40];

	toolbox_open(&box, NULL);
	cr_assert(engine_image_inspect(box.engine, box.id, &image, &e) == 0, "%s", e.message);
	cr_assert_eq(image.layers.len, 1);
	cr_expect_str_eq(image.layers.items[0], box.diff_id);
	cr_expect_str_eq(image.env.items[0], "PATH=/");
	cr_expect_eq(image.cmd.len, 2);
	snprintf(label, sizeof(label), "test=%ld", (long)getpid());
	cr_assert(engine_image_list(box.engine, label, &images, &e) == 0, "%s", e.message);
	cr_assert_eq(images.len, 1);
	cr_expect(strstr(images.items[0].id, strchr(box.id, ':') + 1));
	cr_expect_eq(engine_image_tag(box.engine, box.id, "orchestrate-test-other:2", &e), 0, "%s", e.message);
	engine_image_release(&image);
	cr_expect_eq(engine_image_inspect(box.engine, "orchestrate-test-other:2", &image, &e), 0, "%s", e.message);
	cr_expect_eq(engine_image_remove(box.engine, "orchestrate-test-other:2", false, &e), 0, "%s", e.message);
	engine_image_release(&image);
	cr_expect_eq(engine_image_inspect(box.engine, "orchestrate-test-other:2", &image, &e), -1);
	cr_expect_eq(e.kind, ERR_NOT_FOUND, "%s", e.message);
	toolbox_close(&box);
}

Test(real_engine, an_archive_cut_short_does_not_load_in_silence, .timeout = 120)
{
	struct toolbox box;
	cleanup_buf struct buf archive = { 0 };
	cleanup_engine_image struct engine_image image = { 0 };
	struct err e = { 0 };

	toolbox_open(&box, NULL);
	toolbox_archive(&box, engine_info(box.engine)->arch, &archive);
	cr_assert(engine_image_remove(box.engine, box.id, true, &e) == 0, "%s", e.message);
	struct source *s = source_from_memory(archive.data, archive.len / 2, &e);
	cr_expect_eq(engine_image_load(box.engine, s, NULL, &e), -1);
	cr_expect_eq(engine_image_inspect(box.engine, box.id, &image, &e), -1);
	source_free(s);
	toolbox_close(&box);
}

Test(real_engine, an_export_comes_whole, .timeout = 120)
{
	struct toolbox box;
	struct err e = { 0 };
	uint64_t count = 0;

	toolbox_open(&box, NULL);
	struct sink *to = sink_digest(NULL, &count, NULL, &e);
	cr_expect_eq(engine_image_export(box.engine, box.name, to, &e), 0, "%s", e.message);
	cr_expect_eq(sink_finish(to, &e), 0);
	cr_expect_gt(count, 100000);
	sink_free(to);
	toolbox_close(&box);
}

Test(real_engine, the_container_ends_with_its_lease, .timeout = 120)
{
	struct toolbox box;
	struct err e = { 0 };
	int lease = -1, code = -1;

	toolbox_open(&box, NULL);
	cleanup_free char *id = toolbox_container(&box, &lease);
	cr_expect_eq(container_wait(box.engine, id, clock_now_ms() + 300, &code, &e), -1, "it ended by itself");
	cr_expect_eq(e.kind, ERR_TIMEOUT, "%s", e.message);
	close(lease);
	cr_expect_eq(container_wait(box.engine, id, clock_now_ms() + 20000, &code, &e), 0, "%s", e.message);
	cr_expect_eq(code, 0);
	toolbox_close(&box);
}

/* kill -9 of the process that holds lease and container: the container ends, and the sweep of another run removes it, and only it.
 */
Test(real_engine, what_a_killed_run_left_behind_goes, .timeout = 120)
{
	struct toolbox box;
	struct err e = { 0 };
	int lease = -1, fds[2], code = -1;
	char id[80] = "";

	toolbox_open(&box, NULL);
	cleanup_free char *alive = toolbox_container(&box, &lease);
	cr_assert(pipe(fds) == 0);
	pid_t child = fork();
	if (child == 0) {
		struct toolbox other = box;
		int its_lease = -1;
		close(lease);
		if (engine_open(engine_info(box.engine)->endpoint, NULL, NULL, &other.engine, &e) < 0)
			_exit(1);
		char *its = toolbox_container(&other, &its_lease);
		if (write(fds[1], its, strlen(its)) < 0)
			_exit(1);
		pause();
		_exit(0);
	}
	close(fds[1]);
	cr_assert_eq(read(fds[0], id, sizeof(id) - 1), 64);
	struct container_state state;
	size_t count = 0;
	cr_expect_eq(engine_sweep(box.engine, &count, &e), 0, "%s", e.message);
	cr_expect_eq(container_inspect(box.engine, id, &state, &e), 0, "swept while its run lives: %s", e.message);

	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	cr_expect_eq(container_wait(box.engine, id, clock_now_ms() + 20000, &code, &e), 0, "%s", e.message);
	cr_expect_eq(engine_sweep(box.engine, &count, &e), 0, "%s", e.message);
	cr_expect_eq(container_inspect(box.engine, id, &state, &e), -1);
	cr_expect_eq(e.kind, ERR_NOT_FOUND, "%s", e.message);
	cr_expect_eq(container_inspect(box.engine, alive, &state, &e), 0, "%s", e.message);
	cr_expect_eq(state.status, CONTAINER_RUNNING);
	close(lease);
	close(fds[0]);
	toolbox_close(&box);
}

Test(real_engine, names_and_states_are_told_apart, .timeout = 120)
{
	static const char *const cmd[] = { "/toolbox", "exit", "4", NULL };
	struct toolbox box;
	struct container_state state;
	struct err e = { 0 };
	char name[60];
	int code = -1;

	toolbox_open(&box, NULL);
	snprintf(name, sizeof(name), "orchestrate-test-%ld", (long)getpid());
	struct container_spec spec = { .image = box.id, .name = name, .cmd = cmd, .no_network = true };
	static const struct container_ulimit ulimits[] = { { "nofile", 1024, 1024 }, { "nproc", 512, 512 } };
	spec.ulimits = ulimits;
	spec.ulimit_count = 2;
	cleanup_free char *id = NULL, *second = NULL;
	cr_assert(container_create(box.engine, &spec, &id, &e) == 0, "%s", e.message);
	cr_expect_eq(container_create(box.engine, &spec, &second, &e), -1);
	cr_expect(e.kind == ERR_CONFLICT || engine_info(box.engine)->is_podman, "%s", e.message);
	cr_assert(container_inspect(box.engine, id, &state, &e) == 0, "%s", e.message);
	cr_expect_eq(state.status, CONTAINER_CREATED);
	cr_expect_eq(container_start(box.engine, id, &e), 0, "%s", e.message);
	cr_expect_eq(container_wait(box.engine, id, clock_now_ms() + 20000, &code, &e), 0, "%s", e.message);
	cr_expect_eq(code, 4);
	cr_assert(container_inspect(box.engine, id, &state, &e) == 0, "%s", e.message);
	cr_expect_eq(state.status, CONTAINER_EXITED);
	cr_expect_eq(state.exit_code, 4);
	cr_expect_eq(container_stop(box.engine, id, 1, &e), 0, "%s", e.message);
	cr_expect_eq(container_kill(box.engine, id, &e), 0, "%s", e.message);
	cr_expect_eq(container_remove(box.engine, id, &e), 0, "%s", e.message);
	cr_expect_eq(container_remove(box.engine, id, &e), 0, "%s", e.message);
	spec.image = "orchestrate-no-such-image:1";
	cr_expect_eq(container_create(box.engine, &spec, &second, &e), -1);
	cr_expect_eq(e.kind, ERR_NOT_FOUND, "%s", e.message);
	toolbox_close(&box);
}
