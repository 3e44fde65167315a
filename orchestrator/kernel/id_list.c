#define HASH_NONFATAL_OOM 1

#include "kernel/id_list.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "kernel/findings.h"
#include "kernel/group.h"
#include "kernel/lines.h"
#include "kernel/list.h"

struct seen_id {
	UT_hash_handle hh;
	unsigned line;
	char id[];
};

struct seen_ids {
	struct seen_id *by_id;
};

static void seen_ids_release(struct seen_ids *seen)
{
	struct seen_id *one, *next;

	HASH_ITER(hh, seen->by_id, one, next)
	{
		HASH_DEL(seen->by_id, one);
		free(one);
	}
}

static int note_id(struct seen_ids *seen, const char *id, unsigned line, struct err *e)
{
	struct seen_id *one = calloc(1, sizeof(*one) + strlen(id) + 1);

	if (!one)
		return err_no_memory(e);
	one->line = line;
	memcpy(one->id, id, strlen(id) + 1);
	HASH_ADD_STR(seen->by_id, id, one);
	if (one->hh.tbl)
		return 0;
	free(one);
	return err_no_memory(e);
}

static int take_line(struct seen_ids *seen, const struct line *line, struct strv *ret, struct findings *findings, struct err *e)
{
	cleanup_free char *id = strndup(line->text ? line->text : "", line->len);
	struct seen_id *before = NULL;

	if (!id)
		return err_no_memory(e);
	if (line->problem)
		return findings_add(findings, line->number, e, "%s", line->problem);
	if (!line->len)
		return 0;
	if (!kernel_name_is_safe(id))
		return findings_add(findings, line->number, e, "'%.200s' is no name of a kernel", id);
	HASH_FIND_STR(seen->by_id, id, before);
	if (before)
		return findings_add(findings, line->number, e, "the same kernel as in line %u", before->line);
	if (note_id(seen, id, line->number, e) < 0)
		return -1;
	return strv_take(ret, steal_ptr(&id), e);
}

int id_list_parse(const char *text, size_t len, const char *name, struct strv *ret, struct strv *findings, struct err *e)
{
	__attribute__((cleanup(seen_ids_release))) struct seen_ids seen = { 0 };
	struct findings found = { .name = name, .texts = findings };
	struct line_reader lines = { .at = text, .end = text + len, .loose = true };
	struct line line;

	while (line_next(&lines, &line))
		if (take_line(&seen, &line, ret, &found, e) < 0)
			return -1;
	return findings_end(&found, e);
}

int id_list_load(const char *path, struct strv *ret, struct strv *findings, struct err *e)
{
	cleanup_buf struct buf text = { 0 };

	if (file_read(path, KERNEL_LIST_MAX_BYTES, &text, e) < 0)
		return -1;
	return id_list_parse(buf_text(&text), text.len, path, ret, findings, e);
}
