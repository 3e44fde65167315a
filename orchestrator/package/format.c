#include "package/format.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "package/deb.h"
#include "package/rpm.h"
#include "package/tar.h"
#include "stream/source.h"

static const struct package_format formats[] = {
	{ "deb", "!<arch>\n", 8, deb_open },
	{ "rpm", "\xed\xab\xee\xdb", 4, rpm_open },
	{ "tar", "", 0, tar_open },
	{ "image", "", 0, tar_open }, /* what package/repack.h has made of one */
};

const struct package_format *package_format_find(const char *name, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	cleanup_buf struct buf known = { 0 };
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (buf_printf(&known, e, "%s%s", i ? ", " : "", formats[i].name) < 0)
			return NULL;
	err_set(e, ERR_INPUT, "no package format '%s'; there is %s", name, buf_text(&known));
	return NULL;
}

enum { MAGIC_MAX = 16 };

/* A source whose first bytes have been looked at. */
struct peeked_source {
	struct source base;
	struct source *inner;
	char head[MAGIC_MAX];
	size_t have, given;
};

static ssize_t peeked_read(struct source *s, void *bytes, size_t len, struct err *e)
{
	struct peeked_source *p = (struct peeked_source *)s;

	if (p->given == p->have)
		return source_read(p->inner, bytes, len, e);
	if (len > p->have - p->given)
		len = p->have - p->given;
	memcpy(bytes, p->head + p->given, len);
	p->given += len;
	return (ssize_t)len;
}

static void peeked_free(struct source *s)
{
	source_free(((struct peeked_source *)s)->inner);
	free(s);
}

static const struct source_ops peeked_ops = { peeked_read, peeked_free };

static int check_magic(const struct package_format *format, struct peeked_source *p, struct err *e)
{
	size_t wanted = format->magic_len ? format->magic_len : 1;

	while (p->have < wanted) {
		ssize_t n = source_read(p->inner, p->head + p->have, wanted - p->have, e);
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		p->have += (size_t)n;
	}
	if (p->have == 0)
		return err_set(e, ERR_CORRUPT, "is empty");
	if (p->have < format->magic_len || memcmp(p->head, format->magic, format->magic_len) != 0)
		return err_set(e, ERR_CORRUPT, "is not a %s package", format->name);
	return 0;
}

struct source *package_open(const struct package_format *format, struct source *package, unsigned threads, struct err *e)
{
	struct peeked_source *p = calloc(1, sizeof(*p));
	if (!p) {
		source_free(package);
		err_no_memory(e);
		return NULL;
	}
	p->base.ops = &peeked_ops;
	p->inner = package;
	if (check_magic(format, p, e) < 0) {
		peeked_free(&p->base);
		return NULL;
	}
	return format->open(&p->base, threads, e);
}
