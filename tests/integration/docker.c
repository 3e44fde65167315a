#include "docker.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/process.h"

enum { WORDS_MAX = 24, OUTPUT_MAX = 1 << 20, LOOK_AGAIN_MS = 50 };

static bool run(struct buf *ret_stdout, const char *word, va_list more, struct err *e)
{
	const char *argv[WORDS_MAX + 2] = { "docker" };
	size_t count = 1;

	for (; word; word = va_arg(more, const char *)) {
		cr_assert_leq(count, WORDS_MAX);
		argv[count++] = word;
	}
	if (ret_stdout)
		buf_clear(ret_stdout);
	if (process_run(argv, NULL, OUTPUT_MAX, ret_stdout, NULL, e) < 0)
		return false;
	/* So that its data can be taken apart even when it is empty. */
	if (ret_stdout && buf_puts(ret_stdout, "", e) < 0)
		return false;
	while (ret_stdout && ret_stdout->len && ret_stdout->data[ret_stdout->len - 1] == '\n')
		ret_stdout->data[--ret_stdout->len] = '\0';
	return true;
}

bool docker_try(struct buf *ret_stdout, const char *word, ...)
{
	va_list more;
	struct err e;

	va_start(more, word);
	bool good = run(ret_stdout, word, more, &e);
	va_end(more);
	return good;
}

void docker(struct buf *ret_stdout, const char *word, ...)
{
	va_list more;
	struct err e;

	va_start(more, word);
	bool good = run(ret_stdout, word, more, &e);
	va_end(more);
	cr_assert(good, "docker %s: %s", word, e.message);
}

void docker_image_id(const char *ref, struct buf *ret)
{
	docker(ret, "image", "inspect", "--format", "{{.Id}}", ref, NULL);
}

void docker_copy_modules(const char *image, const char *to)
{
	cleanup_buf struct buf id = { 0 };
	cleanup_buf struct buf from = { 0 };
	struct err e;

	docker(&id, "create", image, NULL);
	cr_assert(buf_printf(&from, &e, "%s:/kernel-modules", buf_text(&id)) == 0);
	bool copied = docker_try(NULL, "cp", buf_text(&from), to, NULL);
	docker(NULL, "rm", buf_text(&id), NULL);
	cr_assert(copied, "docker cp %s failed", buf_text(&from));
}

static void list_containers(pid_t pid, bool all, const char *role, struct buf *ret)
{
	char by_pid[64], by_role[64];

	snprintf(by_pid, sizeof(by_pid), "label=org.orchestrate.pid=%ld", (long)pid);
	snprintf(by_role, sizeof(by_role), "label=org.orchestrate.role%s%s", role ? "=" : "", role ? role : "");
	docker(ret, "ps", "--quiet", "--no-trunc", all ? "--all" : "--all=false", "--filter", by_pid, "--filter", by_role, NULL);
}

void docker_containers_of(pid_t pid, struct buf *ret)
{
	list_containers(pid, true, NULL, ret);
}

bool docker_runs(const char *container, const char *command)
{
	cleanup_buf struct buf table = { 0 };
	char *save = NULL;

	if (!docker_try(&table, "top", container, "-eo", "pid,args", NULL))
		return false;
	for (char *line = strtok_r(table.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		line += strspn(line, " ");
		line += strspn(line, "0123456789");
		line += strspn(line, " ");
		if (strcmp(line, command) == 0)
			return true;
	}
	return false;
}

bool docker_wait_for_build(pid_t pid, const char *command, unsigned seconds, struct buf *ret)
{
	int64_t deadline = clock_now_ms() + (int64_t)seconds * 1000;

	/* The engine tells nobody what a command inside does, so there is nothing to wait on. */
	while (clock_now_ms() < deadline) {
		cleanup_buf struct buf ids = { 0 };
		list_containers(pid, false, "builder", &ids);
		char *save = NULL;
		for (char *id = strtok_r(ids.data, "\n", &save); id; id = strtok_r(NULL, "\n", &save)) {
			struct err e;
			if (!docker_runs(id, command))
				continue;
			buf_clear(ret);
			cr_assert(buf_puts(ret, id, &e) == 0);
			return true;
		}
		poll(NULL, 0, LOOK_AGAIN_MS);
	}
	return false;
}
