#include "package/cpio_links.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/cleanup.h"

struct held {
	struct held *next;
	struct member member; /* size 0 */
};

/* The names of one file. */
struct group {
	UT_hash_handle hh;
	struct held *held;
	char *file; /* the name that the bytes came under; NULL: they have not come */
	char first[];
};

struct cpio_links {
	struct group *groups;
	struct group *ready; /* the one whose held names go on now; NULL: none */
	bool ended;
};

struct cpio_links *cpio_links_new(struct err *e)
{
	struct cpio_links *l = calloc(1, sizeof(*l));

	if (!l)
		err_no_memory(e);
	return l;
}

static void held_free(struct group *g)
{
	while (g->held) {
		struct held *held = g->held;
		g->held = held->next;
		free(held);
	}
}

void cpio_links_free(struct cpio_links *l)
{
	struct group *g, *next;

	if (!l)
		return;
	HASH_ITER(hh, l->groups, g, next)
	{
		HASH_DEL(l->groups, g);
		held_free(g);
		free(g->file);
		free(g);
	}
	free(l);
}

static struct group *get_group(struct cpio_links *l, const char *first, struct err *e)
{
	struct group *g = NULL;
	size_t len = strlen(first);

	HASH_FIND(hh, l->groups, first, len, g);
	if (g)
		return g;
	g = calloc(1, sizeof(*g) + len + 1);
	if (!g) {
		err_no_memory(e);
		return NULL;
	}
	memcpy(g->first, first, len);
	HASH_ADD_KEYPTR(hh, l->groups, g->first, len, g);
	if (!g->hh.tbl) {
		free(g);
		err_no_memory(e);
		return NULL;
	}
	return g;
}

static void become_link(struct member *m, const struct group *g)
{
	m->kind = MEMBER_HARDLINK;
	m->size = 0;
	memcpy(m->target, g->file, strlen(g->file) + 1);
}

int cpio_links_take(struct cpio_links *l, const char *first, struct member *m, struct err *e)
{
	struct group *g = get_group(l, first, e);

	if (!g)
		return -1;
	/* Writers that give the bytes with every name: each is a file of its own, which costs room but is right. */
	if (m->size > 0) {
		m->kind = MEMBER_FILE;
		m->target[0] = '\0';
		if (g->file)
			return 1;
		g->file = strdup(m->path);
		if (!g->file)
			return err_no_memory(e);
		l->ready = g;
		return 1;
	}
	if (g->file) {
		become_link(m, g);
		return 1;
	}
	struct held *held = malloc(sizeof(*held));
	if (!held)
		return err_no_memory(e);
	held->member = *m;
	held->next = g->held;
	g->held = held;
	return 0;
}

/* The first held name of a file that turned out to be empty. */
static int give_empty_file(struct group *g, struct member *ret, struct err *e)
{
	struct held *held = g->held;

	g->file = strdup(held->member.path);
	if (!g->file)
		return err_no_memory(e);
	*ret = held->member;
	ret->kind = MEMBER_FILE;
	ret->target[0] = '\0';
	g->held = held->next;
	free(held);
	return 1;
}

int cpio_links_next(struct cpio_links *l, struct member *ret, struct err *e)
{
	if (l->ended && (!l->ready || !l->ready->held)) {
		for (l->ready = l->groups; l->ready && !l->ready->held;)
			l->ready = l->ready->hh.next;
		if (l->ready && !l->ready->file)
			return give_empty_file(l->ready, ret, e);
	}
	if (!l->ready || !l->ready->held)
		return 0;
	struct held *held = l->ready->held;
	*ret = held->member;
	become_link(ret, l->ready);
	l->ready->held = held->next;
	free(held);
	return 1;
}

void cpio_links_end(struct cpio_links *l)
{
	l->ended = true;
}
