/* Which of the listed kernels the tests build for. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "probes.h"
#include "site.h"
#include "tree.h"

/* One of each series, with a toolchain each. */
static const struct {
	const char *release, *toolchain;
} rows[SERIES_COUNT] = {
	[SERIES_5_10] = { "5.10.", "gcc-10" },
	[SERIES_6_1] = { "6.1.", "gcc-12" },
	[SERIES_6_12] = { "6.12.", "gcc-14" },
	[SERIES_7] = { "7.", "gcc-16" },
};

static bool fits(const json_t *kernel, enum series series)
{
	const char *id = json_string_value(json_object_get(kernel, "kernel"));
	const char *toolchain = json_string_value(json_object_get(kernel, "toolchain"));

	return id && toolchain && str_starts(id, rows[series].release) && str_ends(id, "-amd64") && !strstr(id, "-cloud-") &&
	       !strstr(id, "-rt-") && strcmp(toolchain, rows[series].toolchain) == 0;
}

/* Its packages were fetched and its toolchain was there when something was built for it; the first test that asks tries it. */
static bool can_be_had(const char *id)
{
	struct site *s = site();
	cleanup_free char *shared = text_of("%s/build/integration-cache", s->root);
	cleanup_free char *mark = text_of("%s/tried/%s", shared, id);
	cleanup_free char *lock = text_of("%s/.lock", shared);
	cleanup_free char *scratch = text_of("%s/trial", s->temp.path);
	cleanup_free char *probe = text_of("%s/probe", scratch);
	struct err e;

	cleanup_close int held = file_lock(lock, true, &e);
	cr_assert(held >= 0, "%s", e.message);
	if (file_is_there(mark))
		return true;
	probe_put_bpf(probe, s->name, "");
	const char *const argv[] = { getenv("ORCHESTRATE_PROGRAM"),
				     "build",
				     "--root",
				     s->root,
				     "--cache",
				     s->cache,
				     "--output",
				     scratch,
				     "--probe",
				     probe,
				     "--kernel",
				     id,
				     "--no-image",
				     NULL };
	struct program p;
	program_start(&p, argv);
	int code = program_finish(&p);
	if (code != 0)
		fprintf(stderr, "'%s' can't be had:\n%s", id, buf_text(&p.err));
	program_release(&p);
	if (code == 0)
		file_put(shared, strstr(mark, "tried/"), "");
	return code == 0;
}

/* The ids that fit, in the order of their numbers. */
static void candidates(enum series series, struct strv *ret)
{
	struct site *s = site();
	cleanup_buf struct buf plan = { 0 };
	const char *const argv[] = {
		getenv("ORCHESTRATE_PROGRAM"), "--root", s->root, "--cache", s->cache, "--dry-run", "--json", NULL
	};
	json_t *kernel;
	struct err e;
	size_t i;

	cr_assert(process_run(argv, NULL, 64 << 20, &plan, NULL, &e) == 0, "%s", e.message);
	json_t *json = json_loads(buf_text(&plan), 0, NULL);
	cr_assert_not_null(json, "the plan is no JSON");
	cr_assert_eq(json_integer_value(json_object_get(json, "v")), 1);
	json_array_foreach(json_object_get(json, "kernels"), i, kernel)
	{
		if (fits(kernel, series))
			cr_assert(strv_add(ret, json_string_value(json_object_get(kernel, "kernel")), &e) == 0);
	}
	json_decref(json);
}

char *site_kernel(enum series series)
{
	cleanup_strv struct strv ids = { 0 };

	candidates(series, &ids);
	for (;;) {
		size_t best = ids.len;
		for (size_t i = 0; i < ids.len; i++)
			if (ids.items[i][0] && (best == ids.len || strverscmp(ids.items[i], ids.items[best]) > 0))
				best = i;
		cr_assert_lt(best, ids.len, "none of the %zu kernels '%s...' for %s can be had", ids.len, rows[series].release,
			     rows[series].toolchain);
		if (can_be_had(ids.items[best]))
			return strdup(ids.items[best]);
		ids.items[best][0] = '\0';
	}
}

char *site_cloud(const char *kernel)
{
	const char *flavour = strrchr(kernel, '-');

	return text_of("%.*s-cloud%s", (int)(flavour - kernel), kernel, flavour);
}
