/* yum's mirror list: a repository's URL on each line, comments behind `#`. Format: dnf.conf(5), mirrorlist. */
#include <string.h>

#include "base/cleanup.h"
#include "fetch/url.h"
#include "index/line_reader.h"
#include "index/parse.h"

enum { LINE_MAX_BYTES = 2048, MIRRORS_MAX = 1000 };

/* Only http and https: a list from the network must not name files of ours. */
static bool is_repository(const char *url)
{
	return url_is_fetchable(url) && !url_is_file(url) && !url[strcspn(url, "?#<>\"{}|\\^`")];
}

static int put(const char *url, struct item_out *out, struct err *e)
{
	cleanup_index_item struct index_item item = { .document = DOCUMENT_REPOMD };

	item.reference = str_printf(e, "%s/repodata/repomd.xml", url);
	return item.reference ? out->put(out, &item, e) : -1;
}

/* The line without the blanks and slashes at its end. */
static void copy_line(const char *line, size_t len, char ret[LINE_MAX_BYTES + 1])
{
	while (len && strchr(" \t\r/", line[len - 1]))
		len--;
	memcpy(ret, line, len);
	ret[len] = '\0';
}

int index_parse_mirror_list(struct source *in, const struct index_rules *rules, unsigned level, struct item_out *out,
			    struct document_facts *ret, struct err *e)
{
	cleanup_of(line_reader) struct line_reader *lines = NULL;
	char url[LINE_MAX_BYTES + 1];
	uint64_t count = 0;
	const char *line;
	size_t len;
	int rc;

	(void)rules;
	(void)level;
	if (line_reader_new(in, LINE_MAX_BYTES, &lines, e) < 0)
		return -1;
	while ((rc = line_reader_next(lines, &line, &len, e)) == 1) {
		copy_line(line, len, url);
		if (!*url || *url == '#')
			continue;
		if (memchr(line, '\0', len) || !is_repository(url))
			return err_set(e, ERR_CORRUPT, "line %llu is no URL of a repository", line_reader_number(lines));
		if (++count > MIRRORS_MAX)
			return err_set(e, ERR_LIMIT, "more than %d mirrors", MIRRORS_MAX);
		if (put(url, out, e) < 0)
			return -1;
	}
	if (rc < 0)
		return -1;
	if (count == 0)
		return err_set(e, ERR_CORRUPT, "no mirror in it");
	*ret = (struct document_facts){ .entries = count };
	return 0;
}
