/* One directory as a web server shows it: nginx's autoindex, Apache's mod_autoindex and their like. Only where the links lead is
 * looked at, for no two servers print the rest alike. */
#include <libxml/HTMLparser.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <uthash.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "index/choice.h"
#include "index/parse.h"
#include "index/reference.h"
#include "kernel/pattern.h"
#include "stream/source.h"

enum {
	LISTING_MAX_BYTES = 64 << 20,
	LINKS_MAX = 500000,
	HREF_MAX = 4096,
	HTML_NESTING_MAX = 128,
};

struct seen {
	UT_hash_handle hh;
	char reference[];
};

struct listing {
	struct item_out *out;
	struct choice choice;
	struct pattern *descend; /* NULL: this level's files are wanted */
	unsigned level, depth;
	struct seen *seen;
	size_t links;
	bool listed; /* a link that a listing has, and an error page has not */
	bool parent_text;
	uint64_t entries;
	struct buf name, reference;
	struct err *e;
	bool failed;
	htmlParserCtxt *parser;
};

static void stop(struct listing *l)
{
	l->failed = true;
	l->parser->disableSAX = 1;
}

/* 1 new, 0 known. */
static int remember(struct listing *l, const char *reference, struct err *e)
{
	size_t len = strlen(reference);
	struct seen *s;

	HASH_FIND(hh, l->seen, reference, len, s);
	if (s)
		return 0;
	if (++l->links > LINKS_MAX)
		return err_set(e, ERR_LIMIT, "has more than %d links", LINKS_MAX);
	s = malloc(sizeof(*s) + len + 1);
	if (!s)
		return err_no_memory(e);
	memcpy(s->reference, reference, len + 1);
	HASH_ADD(hh, l->seen, reference[0], len, s);
	return 1;
}

/* A directory or file below the page: l->name gets its decoded path without the slash at a directory's end, and l->reference what
 * to ask for. 1; 0: somewhere else. */
static int is_below(struct listing *l, const char *href, bool *ret_directory, struct err *e)
{
	/* Before the first slash a colon makes a scheme: `mailto:`, `https:`. */
	if (strpbrk(href, "?#\\") || memchr(href, ':', strcspn(href, "/")))
		return 0;
	while (str_starts(href, "./"))
		href += 2;
	size_t len = strlen(href);
	if (!len)
		return 0;
	*ret_directory = href[len - 1] == '/';
	int rc = reference_decode(href, len - *ret_directory, &l->name, e);
	if (rc <= 0 || !path_is_plain(buf_text(&l->name)))
		return rc < 0 ? -1 : 0;
	buf_clear(&l->reference);
	if (reference_encode(&l->reference, REFERENCE_PATH, l->name.data, e) < 0 || reference_guard(&l->reference, 0, e) < 0 ||
	    (*ret_directory && buf_puts(&l->reference, "/", e) < 0))
		return -1;
	return 1;
}

static int put_directory(struct listing *l, struct err *e)
{
	const struct index_item item = { .document = DOCUMENT_LISTING, .level = l->level + 1, .reference = l->reference.data };

	l->entries++;
	int rc = pattern_match(l->descend, l->name.data, e);
	return rc <= 0 ? rc : l->out->put(l->out, &item, e);
}

static int put_file(struct listing *l, struct err *e)
{
	const struct index_item item = { .is_package = true, .chosen = true, .reference = l->reference.data };

	l->entries++;
	int rc = choice_takes(&l->choice, path_base(l->name.data), e);
	return rc <= 0 ? rc : l->out->put(l->out, &item, e);
}

static int take_link(struct listing *l, const char *href, struct err *e)
{
	bool directory;

	if (strlen(href) > HREF_MAX)
		return err_set(e, ERR_LIMIT, "a link is longer than %d bytes", HREF_MAX);
	/* To the parent, and to sort by another column. */
	if (strcmp(href, "../") == 0 || strcmp(href, "..") == 0 || *href == '?')
		l->listed = true;
	l->parent_text = *href == '/' && href[1] != '/';
	int rc = is_below(l, href, &directory, e);
	if (rc > 0) {
		l->listed = true;
		rc = remember(l, l->reference.data, e);
	}
	if (rc <= 0 || directory != (l->descend != NULL))
		return rc;
	return directory ? put_directory(l, e) : put_file(l, e);
}

static int take_element(struct listing *l, const char *name, const xmlChar **attributes, struct err *e)
{
	bool anchor = strcasecmp(name, "a") == 0, base = strcasecmp(name, "base") == 0;

	if (++l->depth > HTML_NESTING_MAX)
		return err_set(e, ERR_LIMIT, "elements are nested deeper than %d", HTML_NESTING_MAX);
	l->parent_text = false;
	for (; (anchor || base) && attributes && attributes[0]; attributes += 2) {
		const char *value = (const char *)attributes[1];
		if (strcasecmp((const char *)attributes[0], "href") != 0 || !value)
			continue;
		if (base)
			return err_set(e, ERR_CORRUPT, "has its links begin at '%.200s'", value);
		return take_link(l, value, e) < 0 ? -1 : 0;
	}
	return 0;
}

static void on_start(void *context, const xmlChar *name, const xmlChar **attributes)
{
	struct listing *l = context;

	if (!l->failed && take_element(l, (const char *)name, attributes, l->e) < 0)
		stop(l);
}

static void on_end(void *context, const xmlChar *name)
{
	struct listing *l = context;

	(void)name;
	if (l->depth)
		l->depth--;
	l->parent_text = false;
}

/* Apache's plain listing has an absolute link to the parent, which only its text tells from one to a start page. */
static void on_text(void *context, const xmlChar *text, int len)
{
	struct listing *l = context;

	if (l->parent_text && len && memmem(text, (size_t)len, "Parent Directory", 16))
		l->listed = true;
}

static const htmlSAXHandler handlers = {
	.startElement = on_start,
	.endElement = on_end,
	.characters = on_text,
};

/* --- bytes --- */

/* Finds a word in any letter case in what comes in pieces. */
struct finder {
	const char *word; /* lower case; its first character comes but once in it */
	size_t at;
	bool found;
};

static void finder_feed(struct finder *f, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len && !f->found; i++) {
		char c = (char)(bytes[i] >= 'A' && bytes[i] <= 'Z' ? bytes[i] | 0x20 : bytes[i]);
		f->at = c == f->word[f->at] ? f->at + 1 : c == f->word[0];
		f->found = !f->word[f->at];
	}
}

/* HTML has no mistakes for a parser, so that it's us who must see that a page was cut short: what it opens it closes. */
static int feed(struct listing *l, struct source *in, struct err *e)
{
	struct finder opened = { .word = "<html" }, closed = { .word = "</html" };
	char bytes[16384];
	uint64_t seen = 0;
	ssize_t n;

	while ((n = source_read(in, bytes, sizeof(bytes), e)) > 0) {
		seen += (uint64_t)n;
		if (seen > LISTING_MAX_BYTES)
			return err_set(e, ERR_LIMIT, "is larger than %d bytes", LISTING_MAX_BYTES);
		if (memchr(bytes, '\0', (size_t)n))
			return err_set(e, ERR_CORRUPT, "has a NUL byte");
		finder_feed(&opened, bytes, (size_t)n);
		finder_feed(&closed, bytes, (size_t)n);
		htmlParseChunk(l->parser, bytes, (int)n, 0);
		if (l->failed)
			return -1;
	}
	if (n < 0)
		return -1;
	htmlParseChunk(l->parser, NULL, 0, 1);
	if (l->failed)
		return -1;
	if (opened.found && !closed.found)
		return err_set(e, ERR_CORRUPT, "is cut short");
	if (!l->listed)
		return err_set(e, ERR_CORRUPT, seen ? "is no directory listing: no link leads below it" : "is empty");
	return 0;
}

static int parse(struct listing *l, const struct index_rules *rules, struct source *in, struct err *e)
{
	htmlSAXHandler sax = handlers;

	if (choice_init(&l->choice, rules, e) < 0 ||
	    (l->level < rules->descend.len && pattern_new(rules->descend.items[l->level], &l->descend, e) < 0))
		return -1;
	l->parser = htmlCreatePushParserCtxt(&sax, l, NULL, 0, NULL, XML_CHAR_ENCODING_UTF8);
	if (!l->parser)
		return err_no_memory(e);
	/* What a page says of its encoding would have a table loaded; links are ASCII. */
	htmlCtxtUseOptions(l->parser, HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC);
	int rc = feed(l, in, e);
	htmlFreeParserCtxt(l->parser);
	return rc;
}

static void listing_release(struct listing *l)
{
	struct seen *s, *next;

	HASH_ITER(hh, l->seen, s, next)
	{
		HASH_DEL(l->seen, s);
		free(s);
	}
	choice_release(&l->choice);
	pattern_free(l->descend);
	buf_release(&l->name);
	buf_release(&l->reference);
}

int index_parse_listing(struct source *in, const struct index_rules *rules, unsigned level, struct item_out *out,
			struct document_facts *ret, struct err *e)
{
	struct err own = { 0 };
	struct listing l = { .out = out, .level = level, .e = e ? e : &own };

	int rc = level > rules->descend.len ? err_set(e, ERR_INPUT, "there is no level %u", level) : parse(&l, rules, in, l.e);
	if (rc == 0)
		*ret = (struct document_facts){ .entries = l.entries };
	listing_release(&l);
	return rc;
}
