#include "crawl/report.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum { JSON_VERSION = 1 };

const char *index_state_name(enum index_state state)
{
	static const char *const names[] = { [INDEX_GOOD] = "good", [INDEX_FAILED] = "failed", [INDEX_SKIPPED] = "skipped" };

	return names[state];
}

static void distro_report_release(struct distro_report *d)
{
	struct strv *const lists[] = { &d->new_urls,   &d->new_kernels, &d->vanished_urls, &d->vanished_kernels,
				       &d->moved_away, &d->moved_back,	&d->changed };

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		strv_release(lists[i]);
	for (size_t i = 0; i < d->index_count; i++) {
		free(d->indexes[i].name);
		free(d->indexes[i].reason);
	}
	free(d->indexes);
	free(d->name);
	free(d->problem);
}

void crawl_report_release(struct crawl_report *r)
{
	for (size_t i = 0; i < r->count; i++)
		distro_report_release(&r->distros[i]);
	free(r->distros);
	*r = (struct crawl_report){ 0 };
}

static size_t count_states(const struct distro_report *d, enum index_state state)
{
	size_t count = 0;

	for (size_t i = 0; i < d->index_count; i++)
		count += d->indexes[i].state == state;
	return count;
}

size_t crawl_report_failures(const struct crawl_report *r)
{
	size_t count = 0;

	for (size_t i = 0; i < r->count; i++)
		count += count_states(&r->distros[i], INDEX_FAILED) + (r->distros[i].problem != NULL);
	return count;
}

/* --- for people --- */

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

/* "3 indexes good, 1 failed" */
static int append_states(const struct distro_report *d, struct buf *ret, struct err *e)
{
	size_t good = count_states(d, INDEX_GOOD);

	if (buf_printf(ret, e, "%zu index%s good", good, good == 1 ? "" : "es") < 0)
		return -1;
	for (enum index_state state = INDEX_FAILED; state <= INDEX_SKIPPED; state++)
		if (count_states(d, state) && buf_printf(ret, e, ", %zu %s", count_states(d, state), index_state_name(state)) < 0)
			return -1;
	return 0;
}

static int append_text(const struct distro_report *d, struct buf *ret, struct err *e)
{
	if (d->by_hand)
		return buf_printf(ret, e, "%s: the list is made by hand\n", d->name);
	if (buf_printf(ret, e, "%s: ", d->name) < 0)
		return -1;
	if (!d->good) {
		if (buf_printf(ret, e, "%s, %zu kernel%s known; ", d->problem ? "not brought up to date" : "list unchanged",
			       d->known_kernels, plural(d->known_kernels)) < 0)
			return -1;
	} else if (buf_printf(ret, e, "%zu kernel%s known, %zu new; %zu package%s, %zu new, %zu vanished, %zu published no more; ",
			      d->known_kernels, plural(d->known_kernels), d->new_kernels.len, d->known_urls, plural(d->known_urls),
			      d->new_urls.len, d->vanished_urls.len, d->unpublished_urls) < 0) {
		return -1;
	}
	return append_states(d, ret, e) < 0 || buf_puts(ret, "\n", e) < 0 ? -1 : 0;
}

int crawl_report_text(const struct crawl_report *r, struct buf *ret, struct err *e)
{
	for (size_t i = 0; i < r->count; i++)
		if (append_text(&r->distros[i], ret, e) < 0)
			return -1;
	return 0;
}

/* --- for programs --- */

static json_t *texts_json(const struct strv *v)
{
	json_t *array = json_array();

	for (size_t i = 0; i < v->len; i++)
		json_array_append_new(array, json_string(v->items[i]));
	return array;
}

/* Reasons quote what others wrote, cut where it got too long: that need not be UTF-8. NULL for NULL becomes null. */
static json_t *quoting_json(const char *text)
{
	json_t *value = text ? json_string(text) : json_null();

	if (value)
		return value;
	cleanup_free char *plain = strdup(text);
	for (char *c = plain; c && *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	return plain ? json_string(plain) : NULL;
}

static json_t *index_json(const struct index_report *index)
{
	return json_pack("{s:s, s:s, s:s, s:o, s:I, s:I, s:I, s:I}", "name", index->name, "kind", index->kind, "state",
			 index_state_name(index->state), "reason", quoting_json(index->reason), "packages",
			 (json_int_t)index->packages, "documents", (json_int_t)index->documents, "unchanged",
			 (json_int_t)index->unchanged, "bytes", (json_int_t)index->bytes);
}

static json_t *distro_json(const struct distro_report *d)
{
	json_t *indexes = json_array();

	for (size_t i = 0; i < d->index_count; i++)
		json_array_append_new(indexes, index_json(&d->indexes[i]));
	return json_pack(
		"{s:s, s:b, s:b, s:o, s:{s:I, s:I}, s:{s:o, s:o}, s:{s:b, s:o, s:o}, s:{s:I, s:I}, s:{s:o, s:o}, s:o, s:o}", "name",
		d->name, "by_hand", d->by_hand, "good", d->good, "problem", quoting_json(d->problem), "known", "urls",
		(json_int_t)d->known_urls, "kernels", (json_int_t)d->known_kernels, "new", "urls", texts_json(&d->new_urls),
		"kernels", texts_json(&d->new_kernels), "vanished", "known", d->vanished_known, "urls",
		texts_json(&d->vanished_urls), "kernels", texts_json(&d->vanished_kernels), "unpublished", "urls",
		(json_int_t)d->unpublished_urls, "kernels", (json_int_t)d->unpublished_kernels, "moved", "away",
		texts_json(&d->moved_away), "back", texts_json(&d->moved_back), "changed", texts_json(&d->changed), "indexes",
		indexes);
}

int crawl_report_json(const struct crawl_report *r, struct buf *ret, struct err *e)
{
	json_t *distros = json_array();

	for (size_t i = 0; i < r->count; i++)
		if (json_array_append_new(distros, distro_json(&r->distros[i])) < 0) {
			json_decref(distros);
			return err_no_memory(e);
		}
	json_t *root = json_pack("{s:i, s:b, s:o}", "version", JSON_VERSION, "dry_run", r->dry_run, "distros", distros);
	cleanup_free char *text = root ? json_dumps(root, JSON_INDENT(2) | JSON_PRESERVE_ORDER) : NULL;
	json_decref(root);
	if (!text)
		return err_no_memory(e);
	return buf_printf(ret, e, "%s\n", text);
}
