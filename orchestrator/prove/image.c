#include "prove/image.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "package/unpack.h"

enum { THREADS = 1 };

int image_source_init(struct image_source *s, struct err *e)
{
	int rc = pthread_mutex_init(&s->fetching, NULL);

	return rc ? err_system(e, rc, "making a lock") : 0;
}

void image_source_release(struct image_source *s)
{
	pthread_mutex_destroy(&s->fetching);
}

void image_release(struct image *i)
{
	free(i->url);
	free(i->name);
	free(i->kernel);
	*i = (struct image){ 0 };
}

/* Where it may be. */
struct places {
	struct strv urls, kernels;
};

static void places_release(struct places *p)
{
	strv_release(&p->urls);
	strv_release(&p->kernels);
}

#define cleanup_places __attribute__((cleanup(places_release)))

static int fill(const struct cache_entry *entry, const char *kernel, struct image *ret, struct err *e)
{
	cleanup_image struct image image = { .url = str_dup(entry->url, e), .digest = entry->digest };

	image.name = image.url ? str_dup(entry->name, e) : NULL;
	image.kernel = image.name ? str_dup(kernel, e) : NULL;
	if (!image.kernel)
		return -1;
	*ret = image;
	image = (struct image){ 0 };
	return 0;
}

/* 1, also when the bytes are gone: *ret_present says so. */
static int look(struct image_source *s, const struct places *p, size_t i, struct image *ret, bool *ret_present, struct err *e)
{
	cleanup_cache_entry struct cache_entry entry = { .fd = -1 };

	if (cache_lookup(s->cache, p->urls.items[i], &entry, e) < 0)
		return -1;
	*ret_present = entry.present;
	if (!entry.url)
		return 0;
	return fill(&entry, p->kernels.items[i], ret, e) < 0 ? -1 : 1;
}

int image_known(struct image_source *s, const struct distro *d, const struct kernel *k, struct image *ret, struct err *e)
{
	cleanup_places struct places places = { 0 };
	bool present;
	int known = 0;

	if (distro_image_places(d, k, &places.urls, &places.kernels, e) < 0)
		return -1;
	for (size_t i = 0; !known && i < places.urls.len; i++)
		known = look(s, &places, i, ret, &present, e);
	return known;
}

static void note_failure(void *context, size_t i, const struct cache_entry *entry, const struct err *failure)
{
	struct err *why = context;

	(void)i, (void)entry;
	if (failure)
		*why = *failure;
}

/* 1 it is there now, 0 it is not, and *why says how that came; -1 nothing can be fetched at all. */
static int fetch(struct image_source *s, const char *url, struct err *why, struct err *e)
{
	const struct cache_request request = { .url = url };
	const struct cache_fetch_options options = {
		.mirrors = s->mirrors, .cancel = s->cancel, .on_done = note_failure, .context = why
	};
	struct cache_fetched got = { 0 };

	return cache_fetch(s->cache, &request, 1, &options, &got, e) < 0 ? -1 : got.failed == 0;
}

/* 1 *ret is the package at place i, 0 it is not to be had, and *why says how that came. */
static int get_at(struct image_source *s, const struct places *p, size_t i, struct image *ret, struct err *why, struct err *e)
{
	bool present = false;
	int known = look(s, p, i, ret, &present, e);

	if (known < 0 || present)
		return known;
	image_release(ret);
	int there = fetch(s, p->urls.items[i], why, e);
	return there > 0 ? look(s, p, i, ret, &present, e) : there;
}

static int get(struct image_source *s, const struct places *p, const struct kernel *k, struct image *ret, struct err *e)
{
	struct err why = { 0 }, worst = { 0 };

	for (size_t i = 0; i < p->urls.len; i++) {
		cleanup_image struct image image = { 0 };
		int got = get_at(s, p, i, &image, &why, e);
		if (got < 0)
			return -1;
		if (got > 0) {
			*ret = image;
			image = (struct image){ 0 };
			return 0;
		}
		if (!worst.kind || worst.kind == ERR_NOT_FOUND)
			worst = why;
	}
	if (!worst.kind)
		return err_set(e, ERR_NOT_FOUND, "the descriptor does not say where kernel '%s' is ('boot-images:')", k->release);
	*e = worst;
	return -1;
}

int image_get(struct image_source *s, const struct distro *d, const struct kernel *k, struct image *ret, struct err *e)
{
	cleanup_places struct places places = { 0 };

	if (distro_image_places(d, k, &places.urls, &places.kernels, e) < 0)
		return -1;
	pthread_mutex_lock(&s->fetching);
	int rc = get(s, &places, k, ret, e);
	pthread_mutex_unlock(&s->fetching);
	return rc;
}

int image_extract(struct image_source *s, const struct distro *d, const struct image *image, int *ret_fd, struct digest *ret_digest,
		  struct err *e)
{
	cleanup_cache_entry struct cache_entry entry = { .fd = -1 };

	if (cache_open_package(s->cache, image->url, &image->digest, &entry, e) < 0)
		return -1;
	cleanup_close int fd = memfd_create("kernel", MFD_CLOEXEC);
	if (fd < 0)
		return err_system(e, errno, "making a file in memory");
	if (package_file_extract(NULL, entry.fd, image->name, d->format, THREADS, image->kernel, fd, s->cancel, e) < 0 ||
	    digest_of_fd(fd, ret_digest, NULL, e) < 0)
		return err_wrap(e, "package '%s'", image->name);
	*ret_fd = steal_fd(&fd);
	return 0;
}
