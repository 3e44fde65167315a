#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "descriptor/probe.h"
#include "kernel/pattern.h"
#include "lint/checkout.h"

/* https://semver.org, 2.0.0, without build metadata: a `+` can't be in an image's tag. */
static const char semantic[] = "(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)"
			       "(-(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(\\.(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*)?";

static int check_version(struct checkout *c, const char *path, struct err *e)
{
	cleanup_buf struct buf text = { 0 };
	cleanup_of(pattern) struct pattern *pattern = NULL;

	c->report->files++;
	if (file_read(path, 4096, &text, e) < 0)
		return checkout_blame(c, path, e) < 0 ? -1 : 0;
	cleanup_free char *version = buf_steal(&text);
	if (!version)
		return err_no_memory(e);
	size_t len = strlen(version);
	if (len && version[len - 1] == '\n')
		version[len - 1] = '\0';
	if (pattern_new(semantic, &pattern, e) < 0)
		return -1;
	int matches = pattern_match(pattern, version, e);
	if (matches > 0)
		return 0;
	if (matches < 0)
		return checkout_blame(c, path, e) < 0 ? -1 : 0;
	return checkout_find(
		c, str_printf(e, "%s:1: expected a semantic version such as 1.2.0 or 1.2.0-rc1, found '%.80s'", path, version), e);
}

static int check_sources(struct checkout *c, const char *dir, const char *path, const struct probe_kind *kind, struct err *e)
{
	for (size_t i = 0; i < kind->sources.len; i++) {
		const char *name = kind->sources.items[i];
		cleanup_free char *source = path_join(dir, name, e);
		int there = source ? path_exists(source, e) : -1;
		if (there < 0)
			return -1;
		if (!there &&
		    checkout_find(c, str_printf(e, "%s:%u: the source '%s' is missing", path, checkout_line(path, name), name), e) <
			    0)
			return -1;
	}
	return 0;
}

int check_probe(struct checkout *c, struct err *e)
{
	cleanup_probe struct probe probe = { 0 };
	cleanup_free char *dir = checkout_path(c, "probe", e), *path = checkout_path(c, "probe/probe.yaml", e);
	cleanup_free char *version = NULL;
	cleanup_strv struct strv findings = { 0 };

	if (!dir || !path)
		return -1;
	c->report->files++;
	if (probe_check(dir, &probe, &findings, e) < 0)
		return checkout_blame_all(c, path, &findings, e) < 0 ? -1 : 0;
	for (int kind = 0; kind < KIND_COUNT; kind++)
		if (check_sources(c, dir, path, &probe.kinds[kind], e) < 0)
			return -1;
	/* As people call it: probe/../MODULE_VERSION is MODULE_VERSION. */
	version = str_starts(probe.version_file, "../") ? checkout_path(c, probe.version_file + 3, e)
							: path_join(dir, probe.version_file, e);
	return version ? check_version(c, version, e) : -1;
}
