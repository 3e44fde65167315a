/* A server that answers so slowly that it would never end: the index fails, the list stays as it is. With limits shorter than the
 * program's own; what else can go wrong on the way is tried on the program itself, in tests/integration. */
#include <criterion/criterion.h>
#include <string.h>

#include "../support/http_server.h"
#include "../support/temp_dir.h"
#include "base/clock.h"
#include "base/file.h"
#include "crawl/crawl.h"

static const char descriptor[] =
	"name: example\nfamily: example\narchitecture: amd64\nlist: example.txt\nformat: deb\n"
	"mirrors: {example: [\"http://127.0.0.1:9/example\"]}\n"
	"kernel: {release: \"${release}\", packages: [{role: headers, file: 'devel-(?<release>.*)', holds: [config, tools]}]}\n"
	"tree: {build-dir: usr/src}\n"
	"indexes:\n"
	"  - {name: main, packages: ['devel-.*'],\n"
	"     json: {urls: [\"%s/index.json\"], steps: [{path: [kernels, '*'], reference: 'pool/${value}'}]}}\n";

static const char list[] = "http://127.0.0.1:9/example/devel-1\n";

static void put(const char *dir, const char *name, const char *text)
{
	struct err e;
	cleanup_free char *path = path_join(dir, name, &e);

	cr_assert(path && file_replace(path, text, strlen(text), 0644, &e) == 0, "%s", e.message);
}

static void make_checkout(const char *dir, const char *url)
{
	struct err e;
	cleanup_free char *distros = path_join(dir, "distros", &e), *text = str_printf(&e, descriptor, url);

	cr_assert(path_make_dirs(distros, &e) == 0, "%s", e.message);
	put(distros, "example.yaml", text);
	put(dir, "example.txt", list);
}

static void crawl(const char *dir, struct crawl_report *ret)
{
	struct err e;
	const struct strv none = { 0 };
	cleanup_free char *path = path_join(dir, "distros", &e), *ledger = path_join(dir, "ledger.sqlite", &e);
	cleanup_free char *scratch = path_join(dir, "index", &e);
	cleanup_of(mirror_table) struct mirror_table *mirrors = mirror_table_new(NULL, NULL, &e);
	cleanup_distro_set struct distro_set distros = { 0 };

	cr_assert(distro_load_dir(path, &distros, &e) == 0, "%s", e.message);
	const struct crawl_options options = {
		.root = dir,
		.distros = &distros,
		.chosen = &none,
		.accept_shrink = &none,
		.mirrors = mirrors,
		.ledger_path = ledger,
		.scratch_dir = scratch,
		.fetch = { .stall_seconds = 1, .tries = 2, .backoff_ms = 1 },
	};
	cr_assert(crawl_run(&options, ret, &e) == 0, "%s", e.message);
}

Test(stall, ends, .timeout = 60)
{
	cleanup_temp_dir struct temp_dir temp = { "" };
	cleanup_crawl_report struct crawl_report report = { 0 };
	cleanup_buf struct buf text = { 0 };
	struct http_server *server = http_server_start();
	const struct http_step step = { .body = "{\"kernels\": [\"devel-2\"]}", .len = 24, .drip_ms = 700 };
	struct err e;
	int64_t started = clock_now_ms();

	temp_dir_make(&temp);
	http_server_add(server, "/index.json", &step);
	make_checkout(temp.path, http_server_url(server));
	crawl(temp.path, &report);
	cr_expect_lt(clock_now_ms() - started, 15 * 1000);
	cr_assert(report.count == 1 && report.distros[0].index_count == 1);
	const struct index_report *index = &report.distros[0].indexes[0];
	cr_expect_eq(index->state, INDEX_FAILED);
	cr_expect(index->reason && strstr(index->reason, "/index.json") && strstr(index->reason, "slow"), "%s", index->reason);
	cr_expect_eq(http_server_requests(server, "/index.json"), 2);
	cleanup_free char *path = path_join(temp.path, "example.txt", &e);
	cr_assert(file_read(path, 1 << 16, &text, &e) == 0, "%s", e.message);
	cr_expect_str_eq(buf_text(&text), list);
	http_server_stop(server);
}
