#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/fake_engine.h"
#include "engine/sweep.h"

/* This process' labels, with one of them changed (value NULL: left out). */
static void labels_with(struct strv *ret, const char *key, const char *value)
{
	struct fake_engine *f = fake_engine_start(NULL, 0);
	cleanup_of(engine) struct engine *engine = NULL;
	cleanup_strv struct strv all = { 0 };
	struct err e = { 0 };
	char start[64];

	cr_assert(engine_open(fake_engine_endpoint(f), NULL, NULL, &engine, &e) == 0, "%s", e.message);
	cr_assert(sweep_labels(engine, "builder", &all, &e) == 0, "%s", e.message);
	fake_engine_stop(f);
	snprintf(start, sizeof(start), SWEEP_LABEL "%s=", key);
	for (size_t i = 0; i < all.len; i++)
		if (!str_starts(all.items[i], start))
			cr_assert(strv_add(ret, all.items[i], &e) == 0);
		else if (value)
			cr_assert(strv_take(ret, str_printf(&e, "%s%s", start, value), &e) == 0);
}

Test(sweep, judges_by_process_and_place)
{
	static const struct {
		const char *key, *value, *why;
		bool stale;
	} rows[] = {
		{ "none", NULL, "a run that lives", false },
		{ "started", "1", "the pid is somebody else's by now", true },
		{ "pid", "1073741000", "no such process", true },
		{ "boot", "00000000-0000-0000-0000-000000000000", "this machine before its last start", true },
		{ "host", "0123456789abcdef/elsewhere", "another host", false },
		{ "pidns", "7", "another container's process numbers", false },
		{ "pid", NULL, "label missing", false },
		{ "started", NULL, "label missing", false },
		{ "host", NULL, "label missing", false },
		{ "boot", NULL, "label missing", false },
		{ "pidns", NULL, "label missing", false },
		{ "pid", "", "label empty", false },
		{ "pid", "-1", "no number", false },
		{ "pid", "0", "no process", false },
		{ "started", "", "label empty", false },
		{ "boot", "", "label empty", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cleanup_strv struct strv labels = { 0 };
		labels_with(&labels, rows[i].key, rows[i].value);
		cr_expect_eq(sweep_is_stale(&labels), rows[i].stale, "%s=%s: %s", rows[i].key,
			     rows[i].value ? rows[i].value : "(none)", rows[i].why);
	}
}

Test(sweep, a_zombie_is_gone)
{
	int ready[2];
	char byte, number[16];

	cr_assert(pipe(ready) == 0);
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	close(ready[1]);
	cr_assert(read(ready[0], &byte, 1) == 0);
	siginfo_t info;
	cr_assert(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) == 0);
	cleanup_strv struct strv labels = { 0 };
	snprintf(number, sizeof(number), "%d", (int)child);
	labels_with(&labels, "pid", number);
	cr_expect(sweep_is_stale(&labels));
	waitpid(child, NULL, 0);
}

#define LIST "[{\"Id\":\"aaaa\",\"Labels\":{\"org.orchestrate.run\":\"r\"}}]"

/* It asks only for what carries our label, and removes nothing that it can't judge. */
Test(sweep, leaves_what_it_can_not_judge)
{
	static const struct fake_step steps[] = {
		{ "GET /v1.41/containers/json?all=1&filters=%7B%22label%22%3A%5B%22org.orchestrate.run%22%5D%7D ", FAKE_OK(LIST), 0,
		  0 }
	};
	struct fake_engine *f = fake_engine_start(steps, 1);
	cleanup_of(engine) struct engine *engine = NULL;
	struct err e = { 0 };
	size_t count = 9;

	cr_assert(engine_open(fake_engine_endpoint(f), NULL, NULL, &engine, &e) == 0, "%s", e.message);
	cr_expect_eq(engine_sweep(engine, &count, &e), 0, "%s", e.message);
	cr_expect_eq(count, 0);
	cr_expect_null(strstr(fake_engine_requests(f), "DELETE"));
	fake_engine_stop(f);
}

/* After Ctrl-C the engine's cancel is set, and still everything of this run goes; one that resists does not keep the others. */
Test(sweep, own_containers_go_even_when_cancelled)
{
	static const struct fake_step steps[] = {
		{ "GET /v1.41/containers/json", FAKE_OK("[{\"Id\":\"bad1\",\"Labels\":{}},{\"Id\":\"good2\",\"Labels\":{}}]"), 0,
		  0 },
		{ "DELETE /v1.41/containers/bad1?force=1&v=1 ",
		  FAKE_ANSWER("500 Internal Server Error", "{\"message\":\"device busy\"}"), 0, 0 },
		{ "DELETE /v1.41/containers/good2?force=1&v=1 ", "HTTP/1.1 204 No Content\r\n\r\n", 0, 0 },
	};
	struct fake_engine *f = fake_engine_start(steps, 3);
	cleanup_of(engine) struct engine *engine = NULL;
	struct cancel cancel;
	struct err e = { 0 };
	size_t count = 0;

	cr_assert(cancel_init(&cancel, &e) == 0);
	cr_assert(engine_open(fake_engine_endpoint(f), &cancel, NULL, &engine, &e) == 0, "%s", e.message);
	cancel_set(&cancel);
	cr_expect_eq(engine_sweep_own(engine, &count, &e), 0, "%s", e.message);
	cr_expect_eq(count, 1);
	cr_expect(strstr(fake_engine_requests(f), engine_run_id(engine)));
	fake_engine_stop(f);
	cancel_release(&cancel);
}
