/* The report as Markdown (CommonMark with GitHub's tables), for a pull request. */
#include <string.h>

#include "base/cleanup.h"
#include "crawl/report.h"

enum { NAMES_MAX = 500 }; /* a pull request's text has a limit */

/* What others wrote gets into a code span, where it is neither a link nor an image nor somebody's name: nothing in it may end that.
 */
static int append_plain(struct buf *b, const char *text, struct err *e)
{
	for (; *text; text++) {
		char c = strchr("|`<>\n\r", *text) ? ' ' : *text;
		if (buf_append(b, &c, 1, e) < 0)
			return -1;
	}
	return 0;
}

static int append_row(struct buf *b, const struct distro_report *d, struct err *e)
{
	size_t failed = 0, skipped = 0;

	for (size_t i = 0; i < d->index_count; i++) {
		failed += d->indexes[i].state == INDEX_FAILED;
		skipped += d->indexes[i].state == INDEX_SKIPPED;
	}
	if (d->by_hand)
		return buf_printf(b, e, "| %s | %zu | made by hand | | | |\n", d->name, d->known_kernels);
	if (buf_printf(b, e, "| %s | %zu | %zu | ", d->name, d->known_kernels, d->new_kernels.len) < 0)
		return -1;
	if ((d->vanished_known ? buf_printf(b, e, "%zu", d->vanished_kernels.len) : buf_puts(b, "?", e)) < 0)
		return -1;
	if (buf_printf(b, e, " | %zu | ", d->unpublished_kernels) < 0)
		return -1;
	if (failed && buf_printf(b, e, "**%zu of %zu**", failed, d->index_count) < 0)
		return -1;
	if (!failed && buf_printf(b, e, "%s", d->problem ? "**not written**" : "none") < 0)
		return -1;
	if (skipped && buf_printf(b, e, ", %zu skipped", skipped) < 0)
		return -1;
	return buf_puts(b, " |\n", e);
}

static int append_table(struct buf *b, const struct crawl_report *r, struct err *e)
{
	if (buf_puts(b,
		     "| distro | kernels known | new | vanished | published no more | failed indexes |\n"
		     "|---|--:|--:|--:|--:|---|\n",
		     e) < 0)
		return -1;
	for (size_t i = 0; i < r->count; i++)
		if (append_row(b, &r->distros[i], e) < 0)
			return -1;
	return 0;
}

static int append_point(struct buf *b, const char *distro, const char *what, const char *text, struct err *e)
{
	if (buf_printf(b, e, "- %s%s: `", distro, what) < 0 || append_plain(b, text, e) < 0)
		return -1;
	return buf_puts(b, "`\n", e);
}

/* One for each index that was not good: what is missing from this crawl, and why. */
static int append_problems(struct buf *b, const struct distro_report *d, struct err *e)
{
	for (size_t i = 0; i < d->index_count; i++) {
		const struct index_report *index = &d->indexes[i];
		cleanup_free char *what = str_printf(e, ", index `%s` %s", index->name, index_state_name(index->state));
		if (!what)
			return -1;
		if (index->state != INDEX_GOOD && append_point(b, d->name, what, index->reason, e) < 0)
			return -1;
	}
	if (d->problem && append_point(b, d->name, "", d->problem, e) < 0)
		return -1;
	for (size_t i = 0; i < d->changed.len; i++)
		if (append_point(b, d->name, ", package with another digest than before", d->changed.items[i], e) < 0)
			return -1;
	return 0;
}

static int append_names(struct buf *b, const char *distro, const char *what, const struct strv *names, struct err *e)
{
	if (!names->len)
		return 0;
	if (buf_printf(b, e, "\n<details><summary>%s: %zu %s kernel%s</summary>\n\n", distro, names->len, what,
		       names->len == 1 ? "" : "s") < 0)
		return -1;
	for (size_t i = 0; i < names->len && i < NAMES_MAX; i++)
		if (buf_puts(b, "- `", e) < 0 || append_plain(b, names->items[i], e) < 0 || buf_puts(b, "`\n", e) < 0)
			return -1;
	if (names->len > NAMES_MAX && buf_printf(b, e, "- and %zu more\n", names->len - NAMES_MAX) < 0)
		return -1;
	return buf_puts(b, "\n</details>\n", e);
}

int crawl_report_markdown(const struct crawl_report *r, struct buf *ret, struct err *e)
{
	cleanup_buf struct buf problems = { 0 };

	if (buf_printf(ret, e, "## Crawl%s\n\n", r->dry_run ? " (dry run)" : "") < 0 || append_table(ret, r, e) < 0)
		return -1;
	for (size_t i = 0; i < r->count; i++)
		if (append_problems(&problems, &r->distros[i], e) < 0)
			return -1;
	if (problems.len && buf_printf(ret, e, "\n### Look at\n\n%s", buf_text(&problems)) < 0)
		return -1;
	for (size_t i = 0; i < r->count; i++)
		if (append_names(ret, r->distros[i].name, "new", &r->distros[i].new_kernels, e) < 0 ||
		    append_names(ret, r->distros[i].name, "vanished", &r->distros[i].vanished_kernels, e) < 0)
			return -1;
	return 0;
}
