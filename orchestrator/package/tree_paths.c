#define HASH_NONFATAL_OOM 1

#include "package/tree_paths.h"

#include <stdlib.h>
#include <string.h>

enum { LINKS_MAX = 40 }; /* as the kernel has it: path_resolution(7) */

void tree_paths_release(struct tree_paths *t)
{
	struct tree_path *p, *next;

	HASH_ITER(hh, t->first, p, next)
	{
		HASH_DEL(t->first, p);
		free(p->target);
		free(p);
	}
}

struct tree_path *tree_paths_find(const struct tree_paths *t, const char *path, size_t len)
{
	struct tree_path *p = NULL;

	HASH_FIND(hh, t->first, path, len, p);
	return p;
}

struct tree_path *tree_paths_add(struct tree_paths *t, const char *path, size_t len, enum member_kind kind)
{
	struct tree_path *p = malloc(sizeof(*p) + len + 1);

	if (!p)
		return NULL;
	*p = (struct tree_path){ .kind = kind };
	memcpy(p->path, path, len);
	p->path[len] = '\0';
	HASH_ADD_KEYPTR(hh, t->first, p->path, len, p);
	if (!p->hh.tbl) {
		free(p);
		return NULL;
	}
	return p;
}

int tree_path_hold(struct tree_path *link, const struct member *m, struct err *e)
{
	char *target = strdup(m->target);

	if (!target)
		return err_no_memory(e);
	free(link->target);
	link->target = target;
	link->mtime = m->mtime;
	return 0;
}

/* How far a walk along a path has come. */
struct walk {
	char at[MEMBER_PATH_MAX]; /* "" is the root */
	size_t len;
	char rest[2 * MEMBER_PATH_MAX]; /* what is still to go */
	unsigned links;
};

static void step_up(struct walk *w)
{
	while (w->len && w->at[--w->len] != '/')
		;
	w->at[w->len] = '\0';
}

static bool step_down(struct walk *w, const char *part, size_t len)
{
	if (w->len + len + 2 > sizeof(w->at))
		return false;
	if (w->len)
		w->at[w->len++] = '/';
	memcpy(w->at + w->len, part, len);
	w->len += len;
	w->at[w->len] = '\0';
	return true;
}

/* A link stands where the walk has come to: it goes on from the link's directory, the target first. */
static bool follow(struct walk *w, const struct tree_path *link)
{
	char rest[sizeof(w->rest)];
	int n = snprintf(rest, sizeof(rest), "%s%s", link->target ? link->target : "", w->rest);

	if (!link->target || ++w->links > LINKS_MAX || n < 0 || (size_t)n >= sizeof(rest))
		return false;
	memcpy(w->rest, rest, (size_t)n + 1);
	step_up(w);
	return true;
}

static bool step(const struct tree_paths *t, struct walk *w)
{
	size_t skip = strspn(w->rest, "/"), len = strcspn(w->rest + skip, "/");
	char part[MEMBER_PATH_MAX];

	if (len >= sizeof(part))
		return false;
	memcpy(part, w->rest + skip, len);
	part[len] = '\0';
	memmove(w->rest, w->rest + skip + len, strlen(w->rest + skip + len) + 1);
	if (len == 0 || strcmp(part, ".") == 0)
		return true;
	if (strcmp(part, "..") == 0) {
		step_up(w);
		return true;
	}
	if (!step_down(w, part, len))
		return false;
	const struct tree_path *there = tree_paths_find(t, w->at, w->len);
	if (!there)
		return false;
	if (there->kind == MEMBER_SYMLINK)
		return follow(w, there);
	return there->kind == MEMBER_DIRECTORY || !w->rest[0];
}

bool tree_paths_leads_somewhere(const struct tree_paths *t, const struct tree_path *link)
{
	struct walk w = { .len = strlen(link->path) };

	memcpy(w.at, link->path, w.len + 1);
	if (!follow(&w, link))
		return false;
	while (w.rest[0])
		if (!step(t, &w))
			return false;
	return true;
}
