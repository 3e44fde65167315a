#include "cmd/listed.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "kernel/digests.h"
#include "kernel/list.h"

void listed_release(struct listed *l)
{
	distro_set_release(&l->distros);
	free(l->items);
	free(l->distro);
	strv_release(&l->urls);
	*l = (struct listed){ 0 };
}

static int add(struct listed *l, const struct distro *distro, const char *url, const struct package_digest *digest, struct err *e)
{
	if (l->count == l->room) {
		size_t room = l->room ? l->room * 2 : 1024;
		struct cache_request *items = reallocarray(l->items, room, sizeof(*items));
		if (!items)
			return err_no_memory(e);
		l->items = items;
		const struct distro **distros = reallocarray(l->distro, room, sizeof(*distros));
		if (!distros)
			return err_no_memory(e);
		l->distro = distros;
		l->room = room;
	}
	if (strv_add(&l->urls, url, e) < 0)
		return -1;
	/* The array of strings moves as it grows, the strings don't. */
	l->items[l->count] = (struct cache_request){ .url = l->urls.items[l->urls.len - 1] };
	if (digest) {
		l->items[l->count].digest_known = l->items[l->count].size_known = true;
		l->items[l->count].digest = digest->sha256;
		l->items[l->count].size = digest->size_bytes;
	}
	l->distro[l->count++] = distro;
	return 0;
}

static int load_list(const char *path, struct log *log, struct kernel_list *ret, struct err *e)
{
	cleanup_strv struct strv findings = { 0 };

	if (kernel_list_load_all(path, ret, &findings, e) == 0)
		return 0;
	/* The first finding is the error itself. */
	for (size_t i = 1; i < findings.len; i++)
		log_printf(log, LOG_ERROR, "%s", findings.items[i]);
	return -1;
}

/* The digests of both parts of a list are in one file. */
static int add_distro(struct listed *l, const char *root, const struct distro *distro, struct log *log, struct err *e)
{
	cleanup_kernel_list struct kernel_list list = { 0 };
	cleanup_of(digest_table) struct digest_table *digests = NULL;
	cleanup_free char *path = path_join(root, distro->list, e);
	cleanup_free char *digests_path = path ? digest_table_path(path, e) : NULL;

	if (!digests_path || load_list(path, log, &list, e) < 0 || digest_table_load(digests_path, &digests, e) < 0)
		return -1;
	for (size_t i = 0; i < list.count; i++)
		if (add(l, distro, list.urls[i].url, digest_table_find(digests, list.urls[i].url), e) < 0)
			return -1;
	return 0;
}

struct row {
	struct cache_request item;
	const struct distro *distro;
};

static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = strcmp(x->item.url, y->item.url);

	/* One of which a digest is known comes first, and is the one that is kept. */
	return order ? order : (int)y->item.digest_known - (int)x->item.digest_known;
}

/* In the order of the URLs; one that several lists name is asked for once. */
static int put_in_order(struct listed *l, struct err *e)
{
	cleanup_free struct row *rows = calloc(l->count ? l->count : 1, sizeof(*rows));
	size_t kept = 0;

	if (!rows)
		return err_no_memory(e);
	for (size_t i = 0; i < l->count; i++)
		rows[i] = (struct row){ l->items[i], l->distro[i] };
	qsort(rows, l->count, sizeof(*rows), compare_rows);
	for (size_t i = 0; i < l->count; i++) {
		if (kept && strcmp(rows[i].item.url, l->items[kept - 1].url) == 0)
			continue;
		l->items[kept] = rows[i].item;
		l->distro[kept++] = rows[i].distro;
	}
	l->count = kept;
	return 0;
}

int listed_load(const char *root, const struct strv *names, struct log *log, struct listed *ret, struct err *e)
{
	cleanup_listed struct listed l = { 0 };
	cleanup_free char *dir = path_join(root, "distros", e);

	if (!dir || distro_load_dir(dir, &l.distros, e) < 0)
		return -1;
	for (size_t i = 0; i < names->len; i++)
		if (!distro_find(&l.distros, names->items[i], e))
			return -1;
	for (size_t i = 0; i < l.distros.count; i++) {
		const struct distro *distro = &l.distros.items[i];
		if (names->len && !strv_has(names, distro->name))
			continue;
		if (add_distro(&l, root, distro, log, e) < 0)
			return -1;
	}
	if (put_in_order(&l, e) < 0)
		return -1;
	*ret = l;
	l = (struct listed){ 0 };
	return 0;
}
