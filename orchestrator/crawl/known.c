#include "crawl/known.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "kernel/version.h"

void known_release(struct known *k)
{
	kernel_set_release(&k->kernels);
	kernel_list_release(&k->list);
}

static int read_part(const char *path, struct buf *ret, struct err *e)
{
	struct err why;

	if (file_read(path, KERNEL_LIST_MAX_BYTES, ret, &why) == 0 || why.kind == ERR_NOT_FOUND)
		return 0;
	*e = why;
	return -1;
}

int known_read(const char *path, struct list_texts *ret, struct err *e)
{
	cleanup_free char *uncrawled = kernel_list_uncrawled_path(path, e);

	return !uncrawled || read_part(path, &ret->list, e) < 0 || read_part(uncrawled, &ret->uncrawled, e) < 0 ? -1 : 0;
}

static int compare_urls(const void *a, const void *b)
{
	return strcmp(((const struct kernel_url *)a)->url, ((const struct kernel_url *)b)->url);
}

static int compare_places(const void *a, const void *b)
{
	const struct kernel_url *x = a, *y = b;
	int order = compare_urls(a, b);

	return order ? order : x->uncrawled - y->uncrawled;
}

static int parse_part(const struct buf *text, const char *path, struct log *log, struct kernel_list *ret, struct err *e)
{
	cleanup_strv struct strv findings = { 0 };

	if (kernel_list_parse(buf_text(text), text->len, path, ret, &findings, e) == 0)
		return 0;
	for (size_t i = 1; i < findings.len; i++)
		log_printf(log, LOG_ERROR, "%s", findings.items[i]);
	return -1;
}

/* Moves what the uncrawled part has behind what the list has. */
static int append_list(struct kernel_list *a, struct kernel_list *b, struct err *e)
{
	if (!b->count)
		return 0;
	struct kernel_url *grown = reallocarray(a->urls, a->count + b->count, sizeof(*grown));
	if (!grown)
		return err_no_memory(e);
	memcpy(grown + a->count, b->urls, b->count * sizeof(*grown));
	for (size_t i = 0; i < b->count; i++)
		grown[a->count + i].uncrawled = true;
	a->urls = grown;
	a->count += b->count;
	b->count = 0;
	return 0;
}

/* After a crash in between a line may stand in both parts: then it is the list's. */
static void sort_and_unite(struct kernel_list *list)
{
	size_t kept = 0;

	if (list->count)
		qsort(list->urls, list->count, sizeof(*list->urls), compare_places);
	for (size_t i = 0; i < list->count; i++) {
		if (kept && strcmp(list->urls[kept - 1].url, list->urls[i].url) == 0)
			free(list->urls[i].url);
		else
			list->urls[kept++] = list->urls[i];
	}
	list->count = kept;
}

int known_parse(const struct list_texts *texts, const char *path, const struct distro *distro, struct log *log, struct known *ret,
		struct err *e)
{
	cleanup_known struct known k = { 0 };
	cleanup_kernel_list struct kernel_list uncrawled = { 0 };
	cleanup_free char *uncrawled_path = kernel_list_uncrawled_path(path, e);

	if (!uncrawled_path || parse_part(&texts->list, path, log, &k.list, e) < 0 ||
	    parse_part(&texts->uncrawled, uncrawled_path, log, &uncrawled, e) < 0 || append_list(&k.list, &uncrawled, e) < 0)
		return -1;
	sort_and_unite(&k.list);
	if (kernel_group(&distro->kernel, &k.list, &k.kernels, e) < 0)
		return err_wrap(e, "grouping '%s'", path);
	*ret = k;
	k = (struct known){ 0 };
	return 0;
}

const struct kernel_url *known_find(const struct known *k, const char *url)
{
	const struct kernel_url key = { .url = (char *)url };

	return k->list.count ? bsearch(&key, k->list.urls, k->list.count, sizeof(key), compare_urls) : NULL;
}

static int compare_kernels(const void *a, const void *b)
{
	return version_compare_natural(((const struct kernel *)a)->id, ((const struct kernel *)b)->id);
}

bool known_has_kernel(const struct known *k, const char *id)
{
	const struct kernel key = { .id = (char *)id };

	return k->kernels.count && bsearch(&key, k->kernels.kernels, k->kernels.count, sizeof(key), compare_kernels);
}
