/* The one thing that the program writes into a recipe. It changes a line and not the document, since a document that is written
 * anew would lose its comments. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "descriptor/node.h"
#include "descriptor/recipe.h"

static const struct node_entry *find_entry(const struct node *map, const char *key)
{
	for (size_t i = 0; map && map->kind == NODE_MAP && i < map->count; i++)
		if (strcmp(map->entries[i].key, key) == 0)
			return &map->entries[i];
	return NULL;
}

/* Where line `number` (from 1) begins; the end where there are fewer. */
static size_t line_start(const char *bytes, size_t len, unsigned number)
{
	size_t at = 0;
	while (number > 1 && at < len) {
		const char *end = memchr(bytes + at, '\n', len - at);
		at = end ? (size_t)(end - bytes) + 1 : len;
		number--;
	}
	return at;
}

/* True when the key is the first thing on its line, and its value the last. */
static bool stands_alone(const char *bytes, size_t len, const struct node_entry *entry)
{
	size_t start = line_start(bytes, len, entry->key_line), next = line_start(bytes, len, entry->key_line + 1);
	if (entry->value->line != entry->key_line || next == start || memchr(bytes + start, ',', next - start))
		return false;
	return strspn(bytes + start, " ") + 1 == entry->key_column;
}

int recipe_pin(const char *bytes, size_t len, const char *name, const char *digest, struct buf *ret, struct err *e)
{
	cleanup_of(node) struct node *root = NULL;
	cleanup_buf struct buf text = { 0 };
	cleanup_recipe struct recipe before = { 0 }, after = { 0 };
	if (recipe_parse(bytes, len, name, &before, e) < 0 || node_parse(bytes, len, name, NULL, &root, e) < 0)
		return -1;
	if (!before.has[RECIPE_BUILD])
		return err_set(e, ERR_USAGE, "%s: there is no `build:` in it, so nothing to pin", name);
	const struct node_entry *build = find_entry(root, "build");
	const struct node_entry *base = find_entry(build->value, "base"), *old = find_entry(build->value, "digest");
	if (!stands_alone(bytes, len, base) || (old && !stands_alone(bytes, len, old)))
		return err_set(e, ERR_USAGE, "%s:%u: `build:` is not written a key a line; put `digest: %s` into it by hand", name,
			       build->key_line, digest);
	/* Replaced, or put behind the line of what it belongs to. */
	unsigned from = old ? old->key_line : base->key_line + 1, to = base->key_line + 1;
	if (old)
		to = old->key_line + 1;
	size_t head = line_start(bytes, len, from), tail = line_start(bytes, len, to);
	bool open = head > 0 && bytes[head - 1] != '\n';
	if (buf_append(&text, bytes, head, e) < 0 ||
	    buf_printf(&text, e, "%s%*sdigest: %s\n", open ? "\n" : "", (int)base->key_column - 1, "", digest) < 0 ||
	    buf_append(&text, bytes + tail, len - tail, e) < 0)
		return -1;
	/* Whatever the file looks like: nothing is written that does not say just that. */
	if (recipe_parse(buf_text(&text), text.len, name, &after, e) < 0)
		return err_wrap(e, "after pinning");
	if (!after.build.digest || strcmp(after.build.digest, digest) != 0 || strcmp(after.build.base, before.build.base) != 0)
		return err_set(e, ERR_USAGE, "%s:%u: put `digest: %s` into `build:` by hand", name, build->key_line, digest);
	*ret = text;
	text = (struct buf){ 0 };
	return 0;
}
