#include "fetch/host.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "fetch/url.h"

void hosts_release(struct hosts *h)
{
	for (size_t i = 0; i < h->count; i++)
		free(h->items[i].name);
	free(h->items);
	*h = (struct hosts){ 0 };
}

/* A handful of hosts at most: a list does. */
static struct host *find(const struct hosts *h, const char *url)
{
	size_t len;
	const char *name = url_authority(url, &len);

	for (size_t i = 0; i < h->count; i++)
		if (strncmp(h->items[i].name, name, len) == 0 && !h->items[i].name[len])
			return &h->items[i];
	return NULL;
}

int hosts_note(struct hosts *h, const char *url, bool answered, struct err *e)
{
	struct host *found = find(h, url);

	if (found) {
		found->failures = answered ? 0 : found->failures + 1;
		return 0;
	}
	if (answered)
		return 0;
	size_t len;
	const char *authority = url_authority(url, &len);
	struct host *grown = reallocarray(h->items, h->count + 1, sizeof(*grown));
	if (!grown)
		return err_no_memory(e);
	h->items = grown;
	char *name = str_printf(e, "%.*s", (int)len, authority);
	if (!name)
		return -1;
	h->items[h->count++] = (struct host){ name, 1 };
	return 0;
}

unsigned hosts_failures(const struct hosts *h, const char *url)
{
	const struct host *found = find(h, url);
	return found ? found->failures : 0;
}
