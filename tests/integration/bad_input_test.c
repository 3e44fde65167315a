/* Mistakes in what the program is given, seen from outside: the exit code, a clear message with the place, nothing built. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "mirror.h"
#include "probes.h"
#include "site.h"
#include "tree.h"

TestSuite(bad_input, .init = site_open_bare, .fini = site_close, .timeout = SITE_SECONDS);

static void expect_nothing_built(void)
{
	const char *nothing[] = { NULL };

	tree_expect(site()->output, nothing);
}

static const struct {
	const char *what, *file, *text, *message;
} rows[] = {
	{ "broken YAML", "distros/example.yaml", "name: [example\n", "distros/example.yaml:" },
	{ "unknown key", "distros/example.yaml", "name: example\nfamilly: example\n", "distros/example.yaml:2:1: " },
	{ "unknown key's hint", "distros/example.yaml", "name: example\nfamilly: example\n", "'family'" },
	{ "list with a blank line", "supported-kernels/example.txt", "http://a.example/x.deb\n\nhttp://a.example/y.deb\n",
	  "supported-kernels/example.txt:2: " },
	{ "list with a blank line alone", "supported-kernels/example.txt", "\n", "supported-kernels/example.txt:1: " },
	{ "list with a duplicate", "supported-kernels/example.txt", "http://a.example/x.deb\nhttp://a.example/x.deb\n",
	  "supported-kernels/example.txt:2: " },
	{ "list with junk", "supported-kernels/example.txt", "<html><body>404 Not Found</body></html>\n",
	  "supported-kernels/example.txt:1: " },
	{ "list with CRLF", "supported-kernels/example.txt", "http://a.example/x.deb\r\n", "supported-kernels/example.txt:1: " },
	{ "junk for digests", "supported-kernels/example.digests", "not a digest\n", "supported-kernels/example.digests:1: " },
	{ "broken probe.yaml", "probe/probe.yaml", "name: hello\nversion-file: VERSION\nkinds: {mood: {}}\n", "probe.yaml:3:" },
};

Test(bad_input, is_said_with_its_place_before_anything_is_done)
{
	struct site *s = site();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_mirror struct mirror_site m = { 0 };
		struct err e;
		mirror_make(&m);
		mirror_write_list(&m, NULL);
		cleanup_free char *probe = text_of("%s/probe", m.root);
		probe_put_bpf(probe, s->name, "");
		file_put(m.root, rows[i].file, rows[i].text);
		struct program p;
		const char *const argv[] = {
			getenv("ORCHESTRATE_PROGRAM"), "--root", m.root, "--cache", s->cache, "--output", s->output, NULL
		};
		program_start(&p, argv);
		cr_expect_eq(program_finish(&p), 2, "%s: exit %d: %s", rows[i].what, p.code, buf_text(&p.err));
		cr_expect(strstr(buf_text(&p.err), rows[i].message), "%s: %s", rows[i].what, buf_text(&p.err));
		program_release(&p);
		cr_assert(path_remove(m.root, &e) == 0, "%s", e.message);
	}
	expect_nothing_built();
}

Test(bad_input, an_empty_list_is_no_mistake)
{
	struct site *s = site();
	cleanup_mirror struct mirror_site m = { 0 };

	site_need_engine();
	probe_put_bpf(s->probe, s->name, "");
	mirror_make(&m);
	mirror_write_list(&m, NULL);
	struct program *p = site_run(0, "build", "--root", m.root, "--no-image", NULL);
	cr_expect(strstr(buf_text(&p->err), "0 kernels"), "%s", buf_text(&p->err));
}

Test(bad_input, a_kernel_that_is_not_listed_is_no_success)
{
	site_need_engine();
	probe_put_bpf(site()->probe, site()->name, "");
	struct program *p = site_run(2, "build", "--kernel", "6.1.0-no-such-amd64", NULL);
	cr_expect(strstr(buf_text(&p->err), "6.1.0-no-such-amd64"), "%s", buf_text(&p->err));
	expect_nothing_built();
}

/* A socket where nothing is answered. Caller closes. */
static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 1) == 0);
	return fd;
}

Test(bad_input, an_engine_that_does_not_answer_is_code_3)
{
	struct site *s = site();
	cleanup_free char *nobody = text_of("unix://%s/nobody.sock", s->temp.path);
	cleanup_free char *dead_path = text_of("%s/dead.sock", s->temp.path), *dead = text_of("unix://%s", dead_path);

	/* A socket file that an engine has left behind. */
	close(listen_at(dead_path));
	probe_put_bpf(s->probe, s->name, "");
	struct program *p = site_run(3, "build", "--engine", nobody, NULL);
	cr_expect(strstr(buf_text(&p->err), "nobody.sock"), "%s", buf_text(&p->err));
	p = site_run(3, "build", "--engine", dead, NULL);
	cr_expect(strstr(buf_text(&p->err), "dead.sock"), "%s", buf_text(&p->err));
	p = site_run(0, "build", "--engine", nobody, "--dry-run", NULL);
	cr_expect(strstr(buf_text(&p->out), "planned"), "%s", buf_text(&p->out));
	expect_nothing_built();
}

Test(bad_input, a_socket_that_is_not_permitted_is_code_3_and_says_so)
{
	struct site *s = site();
	cleanup_free char *path = text_of("%s/locked.sock", s->temp.path), *engine = text_of("unix://%s", path);
	const char *program = getenv("ORCHESTRATE_PROGRAM");
	/* Root gets past any mode, but for these two powers. It stays root: the checkout may lie where nobody else gets to. */
	const char *const as_weaker[] = { "setpriv", "--bounding-set=-dac_override,-dac_read_search" };
	const size_t skip = geteuid() == 0 ? 0 : ARRAY_LEN(as_weaker);
	const char *argv[ARRAY_LEN(as_weaker) + 10];
	size_t count = 0;
	struct err e;

	cleanup_close int fd = listen_at(path);
	cr_assert(chmod(path, 0) == 0 && chmod(s->temp.path, 0755) == 0);
	probe_put_bpf(s->probe, s->name, "");
	for (size_t i = skip; i < ARRAY_LEN(as_weaker); i++)
		argv[count++] = as_weaker[i];
	argv[count++] = program;
	argv[count] = "--version";
	argv[count + 1] = NULL;
	if (process_run(argv, NULL, 4096, NULL, NULL, &e) < 0)
		site_skip("'%s' does not run without root's powers", program);
	const char *const rest[] = { "--root", s->root, "--cache", s->cache, "--probe", s->probe, "--engine", engine, NULL };
	memcpy(argv + count, rest, sizeof(rest));
	struct program p;
	program_start(&p, argv);
	cr_expect_eq(program_finish(&p), 3, "exit %d: %s", p.code, buf_text(&p.err));
	cr_expect(strstr(buf_text(&p.err), "locked.sock") && strcasestr(buf_text(&p.err), "permi"), "%s", buf_text(&p.err));
	program_release(&p);
	expect_nothing_built();
}
