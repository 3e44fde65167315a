#include "descriptor/probe.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "descriptor/shape.h"

/* Stricter than rule_name: the name is followed by `-<kernel>` in file names. */
static int rule_probe_name(const char *text, struct err *e)
{
	if (text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-")])
		return err_set(e, ERR_INPUT, "'%s' is no name of a probe: expected a-z, 0-9 and `-`", text);
	return rule_name(text, e);
}

static int rule_relative_path(const char *text, struct err *e)
{
	const char *rest = text;
	while (str_starts(rest, "../"))
		rest += strlen("../");
	if (!path_is_plain(rest))
		return err_set(e, ERR_INPUT, "'%s': expected a relative path, `../` at its start only", text);
	return 0;
}

static int check_kind(const void *target, struct err *e)
{
	const struct probe_kind *kind = target;
	return kind->sources.len ? 0 : err_set(e, ERR_INPUT, "a kind needs at least one source");
}

static const struct field kind_fields[] = {
	{ .key = "build", .type = FIELD_TEXT, .need = FIELD_REQUIRED, .offset = offsetof(struct probe_kind, build) },
	{ .key = "output",
	  .type = FIELD_TEXT,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct probe_kind, output),
	  .rule = rule_plain_path },
	{ .key = "sources",
	  .type = FIELD_TEXTS,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct probe_kind, sources),
	  .rule = rule_plain_path },
	{ .key = "minimum-kernel", .type = FIELD_TEXT, .offset = offsetof(struct probe_kind, minimum_kernel), .rule = rule_floor },
	{ 0 },
};
static const struct shape kind_shape = { .what = "probe kind", .fields = kind_fields, .check = check_kind };

/* The keys are those of kind_name. */
#define KIND_FIELD(name, id)                                                                                                       \
	{                                                                                                                          \
		.key = name, .type = FIELD_MAP, .offset = (id) * sizeof(struct probe_kind), .shape = &kind_shape                   \
	}

static const struct field kinds_fields[] = { KIND_FIELD("mod", KIND_MOD), KIND_FIELD("bpf", KIND_BPF), { 0 } };
static const struct shape kinds_shape = { .what = "set of kinds", .fields = kinds_fields };

static int check_probe(const void *target, struct err *e)
{
	const struct probe *p = target;
	for (size_t i = 0; i < KIND_COUNT; i++)
		if (p->kinds[i].build)
			return 0;
	return err_set(e, ERR_INPUT, "a probe needs at least one kind: 'mod' or 'bpf'");
}

static const char *const prove_words[] = { [PROBE_PROVE_LOAD] = "load", [PROBE_PROVE_EVENTS] = "events", NULL };

static const struct field probe_fields[] = {
	{ .key = "name",
	  .type = FIELD_TEXT,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct probe, name),
	  .rule = rule_probe_name },
	{ .key = "version-file",
	  .type = FIELD_TEXT,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct probe, version_file),
	  .rule = rule_relative_path },
	{ .key = "prove", .type = FIELD_WORD, .offset = offsetof(struct probe, prove), .words = prove_words },
	{ .key = "kinds",
	  .type = FIELD_MAP,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct probe, kinds),
	  .shape = &kinds_shape },
	{ 0 },
};
static const struct shape probe_shape = { .what = "probe", .fields = probe_fields, .check = check_probe };

/* As probe_check; findings NULL: the first mistake is the error. */
static int parse(const char *bytes, size_t len, const char *name, struct strv *findings, struct probe *ret, struct err *e)
{
	cleanup_of(node) struct node *root = NULL;
	cleanup_probe struct probe p = { 0 };
	if (node_parse(bytes, len, name, findings, &root, e) < 0)
		return -1;
	if (shape_bind(&probe_shape, name, root, &p, e) < 0 && node_gather(root, e) < 0)
		return -1;
	if (findings && findings->len)
		return err_set(e, ERR_INPUT, "%s", findings->items[0]);
	for (size_t i = 0; i < KIND_COUNT; i++)
		p.kinds[i].present = p.kinds[i].build != NULL;
	*ret = p;
	p = (struct probe){ 0 };
	return 0;
}

int probe_parse(const char *bytes, size_t len, const char *name, struct probe *ret, struct err *e)
{
	return parse(bytes, len, name, NULL, ret, e);
}

static int load(const char *dir, struct probe *ret, struct strv *findings, struct err *e)
{
	cleanup_buf struct buf text = { 0 };
	cleanup_free char *path = path_join(dir, "probe.yaml", e);
	if (!path || file_read(path, NODE_MAX_BYTES, &text, e) < 0)
		return -1;
	return parse(buf_text(&text), text.len, path, findings, ret, e);
}

int probe_load(const char *dir, struct probe *ret, struct err *e)
{
	return load(dir, ret, NULL, e);
}

int probe_check(const char *dir, struct probe *ret, struct strv *findings, struct err *e)
{
	return load(dir, ret, findings, e);
}

void probe_release(struct probe *p)
{
	free(p->name);
	free(p->version_file);
	for (size_t i = 0; i < KIND_COUNT; i++) {
		free(p->kinds[i].build);
		free(p->kinds[i].output);
		strv_release(&p->kinds[i].sources);
		free(p->kinds[i].minimum_kernel);
	}
	*p = (struct probe){ 0 };
}
