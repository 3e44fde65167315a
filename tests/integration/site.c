#include "site.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "docker.h"
#include "tree.h"

enum { WORDS_MAX = 40 };

/* Criterion's .init and .fini take no argument; each test is a process of its own. */
static struct site the_site = { .alone = -1 };

struct site *site(void)
{
	return &the_site;
}

void site_need_engine(void)
{
	const char *other = getenv("ORCHESTRATE_TEST_ENGINE");
	cleanup_buf struct buf version = { 0 };

	if (other && *other)
		cr_assert(setenv("DOCKER_HOST", other, 1) == 0);
	if (docker_try(&version, "version", "--format", "{{.Server.Version}}", NULL)) {
		site()->has_engine = true;
		return;
	}
	site_skip("there is no engine, or no docker program, to try it with (`docker version` fails)");
}

void site_skip(const char *format, ...)
{
	char why[512];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	fprintf(stderr, "skipped: %s\n", why);
	site_close();
	cr_skip_test("%s", why);
	abort();
}

void site_before_close(void (*undo)(void))
{
	site()->undo = undo;
}

void site_open_bare(void)
{
	struct site *s = site();
	struct err e;

	cr_assert_not_null(getenv("ORCHESTRATE_PROGRAM"), "ci/run-tests says which program is tested");
	temp_dir_make(&s->temp);
	s->root = getcwd(NULL, 0);
	s->cache = text_of("%s/cache", s->temp.path);
	s->output = text_of("%s/output", s->temp.path);
	s->modules = text_of("%s/kernel-modules", s->output);
	s->probe = text_of("%s/probe", s->temp.path);
	s->name = text_of("check-%ld", (long)getpid());
	cleanup_free char *shared = text_of("%s/build/integration-cache/packages", s->root);
	cleanup_free char *here = text_of("%s/packages", s->cache);
	cr_assert(path_make_dirs(shared, &e) == 0 && path_make_dirs(s->cache, &e) == 0 && path_make_dirs(s->probe, &e) == 0, "%s",
		  e.message);
	cr_assert(symlink(shared, here) == 0);
}

void site_open(void)
{
	site_need_engine();
	site_open_bare();
}

static void remove_containers(const struct program *p)
{
	cleanup_buf struct buf ids = { 0 };
	char *save = NULL;

	docker_containers_of(p->pid, &ids);
	for (char *id = strtok_r(ids.data, "\n", &save); id; id = strtok_r(NULL, "\n", &save))
		docker_try(NULL, "rm", "--force", id, NULL);
}

/* By tag, and those whose tag went on to a later image by the id that was printed. */
static void remove_images(const struct site *s)
{
	cleanup_buf struct buf refs = { 0 };
	cleanup_free char *ours = text_of("reference=%s-base", s->name), *ground = text_of("reference=%s-ground-base", s->name);
	char *save = NULL;

	if (!docker_try(&refs, "images", "--filter", ours, "--filter", ground, "--format", "{{.Repository}}:{{.Tag}}", NULL))
		return;
	for (char *ref = strtok_r(refs.data, "\n", &save); ref; ref = strtok_r(NULL, "\n", &save))
		docker_try(NULL, "rmi", ref, NULL);
	for (size_t i = s->program_count; i-- > 0;) {
		const char *id = strstr(buf_text(&s->programs[i].out), "sha256:");
		cleanup_free char *one = id ? text_of("%.*s", (int)strcspn(id, " \n"), id) : NULL;
		if (one)
			docker_try(NULL, "rmi", one, NULL);
	}
}

void site_close(void)
{
	struct site *s = site();

	if (!s->temp.path[0])
		return;
	if (s->undo)
		s->undo();
	if (s->has_engine)
		remove_images(s);
	for (size_t i = 0; i < s->program_count; i++) {
		program_release(&s->programs[i]);
		if (s->has_engine)
			remove_containers(&s->programs[i]);
	}
	temp_dir_remove(&s->temp);
	if (s->alone >= 0)
		close(s->alone);
	free(s->root);
	free(s->cache);
	free(s->output);
	free(s->modules);
	free(s->probe);
	free(s->name);
}

/* --- running it --- */

static size_t add_words(const char *argv[], size_t count, const char *word, va_list more)
{
	for (; word; word = va_arg(more, const char *)) {
		cr_assert_lt(count, WORDS_MAX);
		argv[count++] = word;
	}
	argv[count] = NULL;
	return count;
}

/* flock(2) on a file that all tests know. */
static int lock_sweeping(int how)
{
	cleanup_free char *path = text_of("%s/build/integration-cache/.sweeping", site()->root);

	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	cr_assert(fd >= 0 && flock(fd, how) == 0, "%s: %s", path, strerror(errno));
	return fd;
}

void site_be_alone(void)
{
	site()->alone = lock_sweeping(LOCK_EX);
}

static struct program *start(const char *const argv[])
{
	struct site *s = site();

	cr_assert_lt(s->program_count, SITE_PROGRAMS_MAX);
	struct program *p = &s->programs[s->program_count++];
	cleanup_close int lock = s->alone < 0 ? lock_sweeping(LOCK_SH) : -1;
	program_start(p, argv);
	/* By then it has swept (`prove` never does). One that doesn't say so (another command, another display) is waited for to
	 * its end. */
	if (lock >= 0)
		program_wait_for(p, " with something to ");
	return p;
}

static struct program *start_with_places(const char *command, va_list more)
{
	struct site *s = site();
	const char *argv[WORDS_MAX + 1] = {
		getenv("ORCHESTRATE_PROGRAM"),
		command,
		"--root",
		s->root,
		"--cache",
		s->cache,
		"--output",
		s->output,
		"--probe",
		s->probe,
		"--progress",
		"plain",
	};

	add_words(argv, 12, va_arg(more, const char *), more);
	return start(argv);
}

struct program *site_start(const char *command, ...)
{
	va_list more;

	va_start(more, command);
	struct program *p = start_with_places(command, more);
	va_end(more);
	return p;
}

static struct program *finish(struct program *p, int code, const char *what)
{
	program_finish(p);
	cr_expect_eq(p->code, code, "orchestrate %s: exit %d, expected %d:\n%s", what, p->code, code, buf_text(&p->err));
	return p;
}

struct program *site_run(int code, const char *command, ...)
{
	va_list more;

	va_start(more, command);
	struct program *p = start_with_places(command, more);
	va_end(more);
	return finish(p, code, command);
}

struct program *site_run_exactly(int code, const char *word, ...)
{
	const char *argv[WORDS_MAX + 1] = { getenv("ORCHESTRATE_PROGRAM") };
	va_list more;

	va_start(more, word);
	add_words(argv, 1, word, more);
	va_end(more);
	return finish(start(argv), code, word);
}

char *site_image_id(const struct program *p)
{
	const char *id = strstr(buf_text(&p->out), "sha256:");

	cr_assert_not_null(id, "no image id on stdout: '%s'", buf_text(&p->out));
	return text_of("%.*s", (int)strcspn(id, " \n"), id);
}

void site_expect_no_container(const struct program *p)
{
	cleanup_buf struct buf ids = { 0 };

	docker_containers_of(p->pid, &ids);
	cr_expect_str_empty(buf_text(&ids), "containers are left: %s", buf_text(&ids));
}
