/* Toolchain images out of Dockerfiles, on what a real registry has: pinned, built by the engine, used for a kernel. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "docker.h"
#include "mirror.h"
#include "objects.h"
#include "probes.h"
#include "site.h"
#include "tree.h"

TestSuite(registry, .init = site_open, .fini = site_close, .timeout = SITE_SECONDS);

/* One for the test's program: its own fork. */
static struct {
	struct program program;
	char *base;   /* "localhost:PORT/orchestrate-test-PID/base:1" */
	char *recipe; /* the name of the image that is built on it */
} registry = { .program = PROGRAM_NONE };

static void remove_images(const char *filter)
{
	cleanup_buf struct buf ids = { 0 };

	if (!docker_try(&ids, "images", "--quiet", "--no-trunc", "--filter", filter, NULL))
		return;
	for (char *id = ids.data, *end; id && *id; id = end) {
		end = id + strcspn(id, "\n");
		if (*end)
			*end++ = '\0';
		docker_try(NULL, "rmi", "--force", id, NULL);
	}
}

static void undo(void)
{
	cleanup_free char *label = text_of("label=org.orchestrate.toolchain=%s", registry.recipe);
	cleanup_free char *image = text_of("%.*s", (int)(strrchr(registry.base, ':') - registry.base), registry.base);
	cleanup_buf struct buf digests = { 0 };

	remove_images(label);
	/* The base is an image that others use under another name; only the names that it got here go. */
	docker_try(NULL, "rmi", registry.base, NULL);
	if (docker_try(&digests, "images", "--digests", "--format", "{{.Digest}}", image, NULL) && digests.len) {
		cleanup_free char *pulled = text_of("%s@%s", image, digests.data);
		docker_try(NULL, "rmi", pulled, NULL);
	}
	program_release(&registry.program);
	free(registry.base);
	free(registry.recipe);
}

/* A port that is free now. */
static unsigned free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);

	cleanup_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0 &&
		  getsockname(fd, (struct sockaddr *)&address, &len) == 0);
	return ntohs(address.sin_port);
}

/* Starts a registry, and pushes the image of that toolchain there as the base. */
static void open_registry(const char *toolchain)
{
	struct site *s = site();
	unsigned port = free_port();
	cleanup_free char *config = text_of("%s/registry.yml", s->temp.path);
	cleanup_free char *text = text_of("version: 0.1\nlog: {level: info}\nstorage: {filesystem: {rootdirectory: %s/registry}}\n"
					  "http: {addr: '127.0.0.1:%u'}\n",
					  s->temp.path, port);
	const char *const argv[] = { "setpriv", "--pdeathsig", "TERM", "docker-registry", "serve", config, NULL };
	cleanup_buf struct buf list = { 0 };

	if (!file_is_there("/usr/bin/docker-registry"))
		site_skip("docker-registry is not installed");
	registry.base = text_of("localhost:%u/orchestrate-test-%d/base:1", port, (int)getpid());
	registry.recipe = text_of("vendor-%d", (int)getpid());
	site_before_close(undo);
	file_put(s->temp.path, "registry.yml", text);
	program_start(&registry.program, argv);
	cr_assert(program_wait_for(&registry.program, "listening on"), "%s", buf_text(&registry.program.err));
	cleanup_free char *label = text_of("label=org.orchestrate.toolchain=%s", toolchain);
	docker(&list, "images", "--quiet", "--filter", label, NULL);
	cr_assert(list.len, "no image of '%s'", toolchain);
	cleanup_free char *id = text_of("%.*s", (int)strcspn(list.data, "\n"), list.data);
	docker(NULL, "tag", id, registry.base, NULL);
	docker(NULL, "push", "--quiet", registry.base, NULL);
	docker(NULL, "rmi", registry.base, NULL);
}

static const char dockerfile[] = "ARG BASE\nFROM ${BASE}\nCOPY compile /usr/bin/vendor-cc\n"
				 "RUN chmod 755 /usr/bin/vendor-cc && vendor-cc --version\n";

/* The recipe, of a made-up distro that prefers it. Its compiler has a name that no other image has. digest, text: NULL: none. */
static void put_recipe(const struct mirror_site *m, const char *digest, const char *text)
{
	struct site *s = site();
	static const char *const same[] = { "build.sh", "seccomp.json", "gcc-12/image.yaml" };
	cleanup_free char *images = text_of("%s/images", m->root), *folder = text_of("%s/%s", images, registry.recipe);
	cleanup_free char *recipe = text_of("name: %s\narchitecture: amd64\ngcc: [12]\nclang: 14\nglibc: \"2.36\"\nbuild:\n"
					    "  dockerfile: Dockerfile\n  base: %s # of the test\n%s%s\nenv: {CC: vendor-cc}\n",
					    registry.recipe, registry.base, digest ? "  digest: " : "", digest ? digest : "");
	struct err e;

	cr_assert(path_remove(images, &e) == 0 && path_make_dirs(folder, &e) == 0, "%s", e.message);
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		cleanup_free char *path = text_of("%s/images/%s", s->root, same[i]);
		cleanup_buf struct buf bytes = { 0 };
		file_bytes(path, &bytes);
		file_put(images, same[i], buf_text(&bytes));
	}
	file_put(folder, "image.yaml", recipe);
	file_put(folder, "compile", "#!/bin/sh\nexec gcc-12 \"$@\"\n");
	if (text)
		file_put(folder, "Dockerfile", text);
}

static void prefer_recipe(const struct mirror_site *m)
{
	cleanup_free char *yaml = text_of("%s/distros/example.yaml", m->root);
	cleanup_free char *wish = text_of("toolchain:\n  prefer: [%s]\n", registry.recipe);
	cleanup_buf struct buf before = { 0 }, after = { 0 };

	file_bytes(yaml, &before);
	text_replace(buf_text(&before), "toolchain:\n", wish, &after);
	file_put(m->root, "distros/example.yaml", buf_text(&after));
}

static struct program *toolchain(int code, const struct mirror_site *m, const char *verb, const char *name)
{
	return site_run_exactly(code, "toolchain", verb, "--root", m->root, "--cache", site()->cache, name, NULL);
}

static void expect_plan(const struct mirror_site *m, const char *option, const char *says)
{
	struct program *p =
		site_run_exactly(0, "plan", "--root", m->root, "--cache", site()->cache, "--probe", site()->probe, option, NULL);
	cr_expect(strstr(buf_text(&p->out), says), "no '%s': %s", says, buf_text(&p->out));
}

/* Refused before it is pinned. The digest; caller frees. */
static char *pin(const struct mirror_site *m)
{
	struct program *p = toolchain(2, m, "build", registry.recipe);
	cr_expect(strstr(buf_text(&p->err), "is not pinned to a digest; `orchestrate toolchain pin"), "%s", buf_text(&p->err));
	p = toolchain(0, m, "pin", registry.recipe);
	const char *digest = strstr(buf_text(&p->out), "sha256:");
	cr_assert(digest && strstr(buf_text(&p->out), "/base:1@sha256:"), "%s", buf_text(&p->out));
	return text_of("%.*s", (int)strcspn(digest, " \n"), digest);
}

static const struct {
	const char *what, *dockerfile, *digest; /* digest NULL: the right one */
	int code;
	const char *says;
} bad[] = {
	{ "a step fails", "ARG BASE\nFROM ${BASE}\nRUN echo looking >&2; echo no such thing >&2; exit 7\n", NULL, 1,
	  "returned a non-zero code: 7: its last lines: looking | no such thing" },
	{ "a digest that the registry has not", dockerfile,
	  "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", 1, "manifest unknown" },
	{ "a digest that is none", dockerfile, "sha256:0123", 2, "expected sha256:<64 hex digits>" },
	{ "no Dockerfile", NULL, NULL, 2, "the Dockerfile of 'vendor-" },
	{ "a Dockerfile on something else", "FROM scratch\n", NULL, 2, "FROM 'scratch': expected ${BASE}" },
	{ "a Dockerfile that is none", "ARG BASE\nFROM ${BASE}\nMAKE it so\n", NULL, 1, "unknown instruction: MAKE" },
};

/* A push of a whole image takes a while, so all is done with one. */
Test(registry, an_image_is_pinned_built_and_builds_a_kernel)
{
	cleanup_free char *kernel = site_kernel(SERIES_6_1), *version = probe_put_ours();
	cleanup_mirror struct mirror_site m = { 0 };

	open_registry("gcc-12");
	cleanup_free char *by_it = text_of("%s ", registry.recipe);
	mirror_make(&m);
	mirror_add_kernel(&m, kernel);
	mirror_write_list(&m, NULL);
	prefer_recipe(&m);
	put_recipe(&m, NULL, dockerfile);
	cleanup_free char *digest = pin(&m);
	struct program *p = toolchain(0, &m, "list", NULL);
	cr_expect(strstr(buf_text(&p->out), "missing  needs a registry, for localhost:"), "%s", buf_text(&p->out));

	/* Nobody has allowed it: the one that is made of packages. */
	expect_plan(&m, NULL, "gcc-12   gcc 12 as the kernel");
	expect_plan(&m, "--pull", by_it);
	p = site_run(0, "build", "--root", m.root, "--pull", "--no-image", NULL);
	cr_expect(strstr(buf_text(&p->err), "1 kernel: 2 built;"), "%s", buf_text(&p->err));
	expect_good_objects(kernel, kernel, "collector");
	site_expect_no_container(p);
	/* It is there now, so it needs no leave, and the same recipe gives the same image. */
	expect_plan(&m, NULL, by_it);
	p = site_run(0, "build", "--root", m.root, "--no-image", NULL);
	cr_expect(strstr(buf_text(&p->err), "1 kernel: 2 reused;"), "%s", buf_text(&p->err));

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		put_recipe(&m, bad[i].digest ? bad[i].digest : digest, bad[i].dockerfile);
		p = toolchain(bad[i].code, &m, "build", registry.recipe);
		cr_expect(strstr(buf_text(&p->err), bad[i].says), "%s: %s", bad[i].what, buf_text(&p->err));
		cr_expect_str_empty(buf_text(&p->out), "%s", bad[i].what);
	}
	put_recipe(&m, NULL, dockerfile);
	program_release(&registry.program);
	p = toolchain(1, &m, "pin", registry.recipe);
	cr_expect(strstr(buf_text(&p->err), "connection refused"), "%s", buf_text(&p->err));
}
