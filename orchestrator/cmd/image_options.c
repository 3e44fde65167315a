#include "cmd/image_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"

static int set_output(void *target, const char *value, struct err *e)
{
	(void)e;
	((struct image_options *)target)->output = value;
	return 0;
}

static int set_probe(void *target, const char *value, struct err *e)
{
	(void)e;
	((struct image_options *)target)->probe = value;
	return 0;
}

static int set_base(void *target, const char *value, struct err *e)
{
	(void)e;
	((struct image_options *)target)->base = value;
	return 0;
}

static int set_archive(void *target, const char *value, struct err *e)
{
	(void)e;
	((struct image_options *)target)->archive = value;
	return 0;
}

const struct option_def image_option_table[] = {
	{ "output", "DIR", "where kernel-modules/ and failures/ are [ROOT/container]", set_output },
	{ "probe", "DIR", "the directory of probe.yaml [ROOT/probe]", set_probe },
	{ "base", "IMAGE", "put the layers on top of this OCI or docker archive, or image in the engine", set_base },
	{ "archive", "FILE", "also write the image as an archive (OCI layout and docker's in one)", set_archive },
	{ 0 },
};

char *image_output_dir(const struct image_options *o, const struct context *c, struct err *e)
{
	return o->output ? str_dup(o->output, e) : path_join(c->root, "container", e);
}

int64_t image_epoch(void)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	unsigned long long seconds = 0;
	struct err ignored;

	if (!text || str_to_u64(text, INT64_MAX, &seconds, &ignored) < 0)
		return 0;
	return (int64_t)seconds;
}

int image_make_and_print(const struct base_image_options *options, struct err *e)
{
	struct base_image image;

	if (base_image_make(options, &image, e) < 0)
		return -1;
	printf("%s sha256:%s\n", image.ref, image.id);
	base_image_release(&image);
	return fflush(stdout) == 0 ? 0 : err_system(e, errno, "writing to stdout");
}
