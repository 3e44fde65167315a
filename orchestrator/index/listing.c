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
	GAP_MAX = 256 << 10, /* bytes of one tag, comment or the like; work on attributes is quadratic in their number */
	HTML_NESTING_MAX = 128,
};

struct seen {
	UT_hash_handle hh;
	char reference[];
};

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

/* What is looked for in the page's bytes. What opens stands before what closes it. */
enum page_word { PAGE, PAGE_END, PRE, PRE_END, TABLE, TABLE_END, LIST, LIST_END, TITLE, OTHER_TITLE, PAGE_WORD_COUNT };

static const char *const page_words[PAGE_WORD_COUNT] = {
	[PAGE] = "<html",      [PAGE_END] = "</html",
	[PRE] = "<pre",	       [PRE_END] = "</pre",
	[TABLE] = "<table",    [TABLE_END] = "</table",
	[LIST] = "<ul",	       [LIST_END] = "</ul",
	[TITLE] = "index of ", [OTHER_TITLE] = "directory listing",
};

struct listing {
	struct source *in;
	struct finder words[PAGE_WORD_COUNT];
	bool in_tag; /* where the bytes so far end */
	uint64_t seen_bytes;
	bool ended;
	struct item_out *out;
	struct choice choice;
	struct pattern *descend; /* NULL: this level's files are wanted */
	unsigned level, depth;
	struct seen *seen;
	size_t links;
	bool listed; /* there is what a listing has, and an error page has not */
	bool parent_text;
	uint64_t entries;
	size_t gap; /* bytes since something was told */
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
	l->listed = l->listed || rc > 0;
	return rc <= 0 ? rc : l->out->put(l->out, &item, e);
}

static int put_file(struct listing *l, struct err *e)
{
	const struct index_item item = { .is_package = true, .chosen = true, .reference = l->reference.data };

	l->entries++;
	int rc = choice_takes(&l->choice, path_base(l->name.data), e);
	l->listed = l->listed || rc > 0;
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
	if (rc > 0)
		rc = remember(l, l->reference.data, e);
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

	l->gap = 0;
	if (!l->failed && take_element(l, (const char *)name, attributes, l->e) < 0)
		stop(l);
}

static void on_end(void *context, const xmlChar *name)
{
	struct listing *l = context;

	(void)name;
	l->gap = 0;
	if (l->depth)
		l->depth--;
	l->parent_text = false;
}

/* Apache's plain listing has an absolute link to the parent, which only its text tells from one to a start page. */
static void on_text(void *context, const xmlChar *text, int len)
{
	struct listing *l = context;

	l->gap = 0;
	if (l->parent_text && len && memmem(text, (size_t)len, "Parent Directory", 16))
		l->listed = true;
}

static void on_comment(void *context, const xmlChar *text)
{
	(void)text;
	((struct listing *)context)->gap = 0;
}

/* HTML's mistakes are let pass; but a page that did not fit is not a short one. */
static void on_error(void *context, xmlError *error)
{
	struct listing *l = context;

	if (l->failed || error->code != XML_ERR_NO_MEMORY)
		return;
	err_no_memory(l->e);
	stop(l);
}

static const htmlSAXHandler handlers = {
	.initialized = XML_SAX2_MAGIC,
	.serror = on_error,
	.startElement = on_start,
	.endElement = on_end,
	.characters = on_text,
	.ignorableWhitespace = on_text,
	.cdataBlock = on_text,
	.comment = on_comment,
};

/* --- bytes --- */

static int take_bytes(struct listing *l, const char *bytes, size_t len, struct err *e)
{
	l->seen_bytes += len;
	l->gap += len;
	if (l->seen_bytes > LISTING_MAX_BYTES)
		return err_set(e, ERR_LIMIT, "is larger than %d bytes", LISTING_MAX_BYTES);
	if (l->gap > GAP_MAX)
		return err_set(e, ERR_LIMIT, "a tag or comment is longer than %d bytes", GAP_MAX);
	if (memchr(bytes, '\0', len))
		return err_set(e, ERR_CORRUPT, "has a NUL byte");
	for (size_t i = 0; i < PAGE_WORD_COUNT; i++)
		finder_feed(&l->words[i], bytes, len);
	const char *opened = memrchr(bytes, '<', len), *closed = memrchr(bytes, '>', len);
	if (opened || closed)
		l->in_tag = !closed || (opened && opened > closed);
	return 0;
}

/* As much as is asked for: what comes in small pieces libxml2 takes for the end, as it looks ahead. */
static int read_bytes(void *context, char *bytes, int len)
{
	struct listing *l = context;
	size_t have = 0;
	ssize_t n = 1;

	while (!l->failed && n > 0 && have < (size_t)len) {
		n = source_read(l->in, bytes + have, (size_t)len - have, l->e);
		if (n < 0 || take_bytes(l, bytes + have, (size_t)n, l->e) < 0)
			l->failed = true;
		else
			have += (size_t)n;
	}
	l->ended = l->ended || n == 0;
	return l->failed ? -1 : (int)have;
}

/* HTML has no mistakes for a parser, so that it's us who must see that a page was cut short: what it opens it closes. Of a page
 * that says that it is one its end is enough; few servers leave that out. */
static bool is_cut(const struct listing *l)
{
	if (l->in_tag || l->words[PAGE].found)
		return l->in_tag || !l->words[PAGE_END].found;
	for (size_t i = PRE; i <= LIST; i += 2)
		if (l->words[i].found && !l->words[i + 1].found)
			return true;
	return false;
}

static int check_whole(const struct listing *l, struct err *e)
{
	if (!l->seen_bytes)
		return err_set(e, ERR_CORRUPT, "is empty");
	if (!l->ended)
		return err_set(e, ERR_CORRUPT, "could not be read to its end");
	if (is_cut(l))
		return err_set(e, ERR_CORRUPT, "is cut short");
	if (l->listed || l->words[TITLE].found || l->words[OTHER_TITLE].found)
		return 0;
	return err_set(e, ERR_CORRUPT,
		       "is no directory listing: it has neither a link to a directory above nor one that is wanted");
}

/* Pulled: the push parser of libxml2 2.9 holds most of a page until its end. */
static int parse(struct listing *l, const struct index_rules *rules, struct err *e)
{
	if (choice_init(&l->choice, rules, e) < 0 ||
	    (l->level < rules->descend.len && pattern_new(rules->descend.items[l->level], &l->descend, e) < 0))
		return -1;
	l->parser = htmlNewParserCtxt();
	if (!l->parser)
		return err_no_memory(e);
	*l->parser->sax = handlers;
	l->parser->userData = l;
	/* What a page says of its encoding would have a table loaded; links are ASCII. */
	htmlDocPtr document =
		htmlCtxtReadIO(l->parser, read_bytes, NULL, l, NULL, "UTF-8", HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC);
	xmlFreeDoc(document);
	htmlFreeParserCtxt(l->parser);
	return l->failed ? -1 : check_whole(l, e);
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
	struct listing l = {
		.in = in,
		.out = out,
		.level = level,
		.e = e ? e : &own,
	};

	for (size_t i = 0; i < PAGE_WORD_COUNT; i++)
		l.words[i].word = page_words[i];
	int rc = level > rules->descend.len ? err_set(e, ERR_INPUT, "there is no level %u", level) : parse(&l, rules, l.e);
	if (rc == 0)
		*ret = (struct document_facts){ .entries = l.entries };
	listing_release(&l);
	return rc;
}
