#include "toolchain/toolchain.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "descriptor/recipe.h"
#include "engine/image.h"
#include "engine/image_build.h"
#include "oci/archive.h"
#include "oci/image.h"
#include "stream/digest.h"
#include "toolchain/bootstrap.h"
#include "toolchain/build_context.h"

#define REPOSITORY   "orchestrate-toolchain"
#define LABEL_NAME   "org.orchestrate.toolchain"
#define LABEL_RECIPE "org.orchestrate.recipe"

enum { REF_DIGITS = 12, LOCK_RETRY_MS = 250 };

DEFINE_CLEANUP(hasher, struct hasher, hasher_free)
DEFINE_CLEANUP(source, struct source, source_free)

void toolchain_image_release(struct toolchain_image *image)
{
	if (!image)
		return;
	free(image->ref);
	free(image->id);
	*image = (struct toolchain_image){ 0 };
}

static int hash_texts(struct hasher *h, const struct strv *texts, struct err *e)
{
	unsigned char count[4] = { (unsigned char)(texts->len >> 24), (unsigned char)(texts->len >> 16),
				   (unsigned char)(texts->len >> 8), (unsigned char)texts->len };

	if (hasher_field(h, count, sizeof(count), e) < 0)
		return -1;
	for (size_t i = 0; i < texts->len; i++)
		if (hasher_text(h, texts->items[i], e) < 0)
			return -1;
	return 0;
}

/* Raised when the rules here change what a Dockerfile gives. */
#define BUILD_FORMAT "1"

static int hash_build(struct hasher *h, const struct recipe *r, struct err *e)
{
	struct digest context;

	if (!r->dir)
		return err_set(e, ERR_USAGE, "recipe '%s' has no folder to build from", r->name);
	if (build_context_digest(r, &context, e) < 0)
		return -1;
	if (hasher_text(h, "build " BUILD_FORMAT, e) < 0 || hasher_text(h, r->build.dockerfile, e) < 0 ||
	    hasher_text(h, r->build.base, e) < 0 || hasher_text(h, r->build.digest ? r->build.digest : "", e) < 0)
		return -1;
	return hasher_field(h, context.bytes, sizeof(context.bytes), e);
}

static int hash_recipe(struct hasher *h, const struct recipe *r, struct err *e)
{
	if (hasher_text(h, r->name, e) < 0 || hasher_text(h, r->arch->name, e) < 0)
		return -1;
	if (r->has[RECIPE_BOOTSTRAP] &&
	    (hasher_text(h, "bootstrap " BOOTSTRAP_FORMAT, e) < 0 || hasher_text(h, r->bootstrap.suite, e) < 0 ||
	     hash_texts(h, &r->bootstrap.components, e) < 0 || hash_texts(h, &r->bootstrap.packages, e) < 0))
		return -1;
	if (r->has[RECIPE_PULL] && (hasher_text(h, "pull", e) < 0 || hasher_text(h, r->pull.reference, e) < 0))
		return -1;
	/* Of what is made in another way, a Dockerfile may be there for others. */
	return recipe_default_how(r) == RECIPE_BUILD ? hash_build(h, r, e) : 0;
}

static int recipe_digest(const struct recipe *recipe, char ret_hex[DIGEST_HEX + 1], struct err *e)
{
	struct digest digest;
	cleanup_of(hasher) struct hasher *h = hasher_new(e);

	if (!h || hash_recipe(h, recipe, e) < 0 || hasher_finish(h, &digest, e) < 0)
		return -1;
	digest_hex(&digest, ret_hex);
	return 0;
}

char *toolchain_ref(const struct recipe *recipe, struct err *e)
{
	char hex[DIGEST_HEX + 1];

	if (recipe_digest(recipe, hex, e) < 0)
		return NULL;
	return str_printf(e, REPOSITORY ":%s-%.*s", recipe->name, REF_DIGITS, hex);
}

int toolchain_find(struct engine *engine, const struct recipe *recipe, struct toolchain_image *ret, struct err *e)
{
	cleanup_toolchain_image struct toolchain_image found = { 0 };
	cleanup_engine_image struct engine_image image = { 0 };

	if (!(found.ref = toolchain_ref(recipe, e)) || engine_image_inspect(engine, found.ref, &image, e) < 0)
		return -1;
	found.id = steal_ptr(&image.id);
	*ret = found;
	found = (struct toolchain_image){ 0 };
	return 0;
}

static bool is_installed(const char *program)
{
	const char *search = getenv("PATH");
	struct err unwanted;

	for (const char *dir = search ? search : "/usr/bin:/bin"; *dir;) {
		size_t len = strcspn(dir, ":");
		cleanup_free char *path = str_printf(&unwanted, "%.*s/%s", (int)len, dir, program);
		if (path && access(path, X_OK) == 0)
			return true;
		dir += len + (dir[len] == ':');
	}
	return false;
}

enum toolchain_way toolchain_way_of(const struct recipe *recipe)
{
	if (!recipe_needs_registry(recipe))
		return is_installed("mmdebstrap") ? TOOLCHAIN_BY_PACKAGES : TOOLCHAIN_NO_PROGRAM;
	return recipe->has[RECIPE_PULL] || recipe->build.digest ? TOOLCHAIN_BY_REGISTRY : TOOLCHAIN_UNPINNED;
}

static void say(const struct toolchain_options *o, const char *line)
{
	if (o->progress)
		o->progress(o->context, line);
}

static int describe(struct oci_image *image, const struct recipe *recipe, const struct layer *layer, struct err *e)
{
	static const char *const shell[] = { "/bin/sh", NULL };
	char hex[DIGEST_HEX + 1];

	if (recipe_digest(recipe, hex, e) < 0 || oci_image_add_layer(image, layer, e) < 0 ||
	    oci_image_set_cmd(image, shell, e) < 0 ||
	    oci_image_set_env(image, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", e) < 0 ||
	    oci_image_set_label(image, LABEL_NAME, recipe->name, e) < 0 || oci_image_set_label(image, LABEL_RECIPE, hex, e) < 0)
		return -1;
	return 0;
}

/* What the engine made of the archive must be what was in it: old engines pass over some damage in silence. */
static int check_loaded(struct engine *engine, const char *ref, const struct oci_image *ours, struct err *e)
{
	cleanup_engine_image struct engine_image theirs = { 0 };

	if (engine_image_inspect(engine, ref, &theirs, e) < 0)
		return err_wrap(e, "after loading");
	bool same = theirs.layers.len == oci_image_layer_count(ours);
	for (size_t i = 0; same && i < theirs.layers.len; i++) {
		char hex[DIGEST_HEX + 1];
		digest_hex(&oci_image_layer(ours, i)->diff_id, hex);
		same = str_starts(theirs.layers.items[i], "sha256:") &&
		       strcmp(theirs.layers.items[i] + strlen("sha256:"), hex) == 0;
	}
	return same ? 0 : err_set(e, ERR_CHECK, "the engine has other layers under '%s' than were loaded", ref);
}

static int load_layer(struct engine *engine, const struct recipe *recipe, const char *ref, const struct layer *layer, struct err *e)
{
	const char *const tags[] = { ref, NULL };
	cleanup_of(oci_image) struct oci_image *image = oci_image_new(recipe->arch->oci, 0, e);

	if (!image || describe(image, recipe, layer, e) < 0)
		return -1;
	cleanup_of(source) struct source *archive = oci_archive_open(image, tags, e);
	if (!archive || engine_image_load(engine, archive, NULL, e) < 0)
		return -1;
	return check_loaded(engine, ref, image, e);
}

static int make_by_bootstrap(struct engine *engine, const struct recipe *recipe, const char *ref, const struct toolchain_options *o,
			     struct err *e)
{
	struct err cleaning;

	/* One directory per image, under the image's lock: what a killed run has left is found and removed. */
	cleanup_free char *dir = path_join(o->scratch, strchr(ref, ':') + 1, e);
	if (!dir || path_remove(dir, e) < 0)
		return -1;
	if (mkdir(dir, 0755) < 0)
		return err_system(e, errno, "creating directory '%s'", dir);
	cleanup_layer struct layer layer = { 0 };
	int result = bootstrap_layer(recipe, o, dir, &layer, e);
	if (result == 0) {
		say(o, "loading the image into the engine");
		result = load_layer(engine, recipe, ref, &layer, e);
	}
	if (path_remove(dir, &cleaning) < 0)
		log_printf(o->log, LOG_WARNING, "%s", cleaning.message);
	return result;
}

/* The engine's word for what a registry gave must be ours for what the recipe is for. */
static int check_architecture(struct engine *engine, const struct recipe *recipe, const char *ref, struct err *e)
{
	cleanup_engine_image struct engine_image image = { 0 };

	if (engine_image_inspect(engine, ref, &image, e) < 0)
		return -1;
	if (!image.arch || strcmp(image.arch, recipe->arch->oci) == 0)
		return 0;
	return err_set(e, ERR_CHECK, "'%s' is for %s, not for %s", ref, image.arch, recipe->arch->oci);
}

static int make_by_pull(struct engine *engine, const struct recipe *recipe, const char *ref, const struct toolchain_options *o,
			struct err *e)
{
	say(o, "pulling the image");
	if (engine_image_pull(engine, recipe->pull.reference, NULL, e) < 0 ||
	    check_architecture(engine, recipe, recipe->pull.reference, e) < 0)
		return -1;
	return engine_image_tag(engine, recipe->pull.reference, ref, e);
}

static void forward_line(void *context, const char *line)
{
	const struct toolchain_options *o = context;

	/* A row of spaces before it is the builder's own style. */
	say(o, line + strspn(line, " "));
}

static int make_by_build(struct engine *engine, const struct recipe *recipe, const char *ref, const struct toolchain_options *o,
			 struct err *e)
{
	char hex[DIGEST_HEX + 1];

	if (!recipe->build.digest)
		return err_set(e, ERR_USAGE,
			       "its base '%s' is not pinned to a digest; `orchestrate toolchain pin %s` asks the registry for it",
			       recipe->build.base, recipe->name);
	if (recipe_digest(recipe, hex, e) < 0)
		return -1;
	cleanup_free char *base = str_printf(e, BUILD_CONTEXT_BASE "=%s@%s", recipe->build.base, recipe->build.digest);
	cleanup_free char *name = str_printf(e, LABEL_NAME "=%s", recipe->name);
	cleanup_free char *digest = str_printf(e, LABEL_RECIPE "=%s", hex);
	cleanup_of(source) struct source *context = base && name && digest ? build_context_open(recipe, e) : NULL;
	if (!context)
		return -1;
	const char *const args[] = { base, NULL }, *const labels[] = { name, digest, NULL };
	const struct image_build_spec spec = { .context = context,
					       .dockerfile = recipe->build.dockerfile,
					       .tag = ref,
					       .args = args,
					       .labels = labels,
					       .again = o->again,
					       .line = forward_line,
					       .line_context = (void *)o };
	say(o, "building from the Dockerfile");
	if (engine_image_build(engine, &spec, e) < 0)
		return -1;
	if (check_architecture(engine, recipe, ref, e) == 0)
		return 0;
	/* It has the name already, under which the next one would find it. */
	struct err why;
	if (engine_image_remove(engine, ref, false, &why) < 0)
		log_printf(o->log, LOG_WARNING, "'%s' stays in the engine, and must not be used: %s", ref, why.message);
	return -1;
}

/* flock(2) can't be waited for together with a cancel, so it is asked for again and again. */
static int lock_scratch(const char *path, const struct toolchain_options *o, struct err *e)
{
	bool said = false;

	for (;;) {
		int fd = file_lock(path, false, e);
		if (fd >= 0 || e->kind != ERR_CONFLICT)
			return fd;
		if (!said)
			say(o, "waiting for another process that makes it");
		said = true;
		struct pollfd cancel = { .fd = cancel_fd(o->cancel), .events = POLLIN };
		if (poll(&cancel, 1, LOCK_RETRY_MS) < 0 && errno != EINTR)
			return err_system(e, errno, "poll");
		if (cancel_check(o->cancel, e) < 0)
			return -1;
	}
}

static int make(struct engine *engine, const struct recipe *recipe, const char *ref, const struct toolchain_options *o,
		struct err *e)
{
	static const enum recipe_how hows[] = {
		[TOOLCHAIN_BOOTSTRAP] = RECIPE_BOOTSTRAP,
		[TOOLCHAIN_PULL] = RECIPE_PULL,
		[TOOLCHAIN_BUILD] = RECIPE_BUILD,
	};
	enum recipe_how how = o->how == TOOLCHAIN_AUTO ? recipe_default_how(recipe) : hows[o->how];

	if (!recipe->has[how])
		return err_set(e, ERR_USAGE, "recipe '%s' does not say how to %s", recipe->name, recipe_how_name(how));
	switch (how) {
	case RECIPE_BOOTSTRAP:
		return make_by_bootstrap(engine, recipe, ref, o, e);
	case RECIPE_PULL:
		return make_by_pull(engine, recipe, ref, o, e);
	default:
		return make_by_build(engine, recipe, ref, o, e);
	}
}

/* What had the name before has none now and would only take room. A container may still use it: then it stays. */
static void remove_replaced(struct engine *engine, const struct toolchain_image *old, const struct toolchain_image *made,
			    const struct toolchain_options *o)
{
	struct err e;

	if (old->id && strcmp(old->id, made->id) != 0 && engine_image_remove(engine, old->id, false, &e) < 0)
		log_printf(o->log, LOG_INFO, "toolchain image %s stays: %s", old->id, e.message);
}

int toolchain_make(struct engine *engine, const struct recipe *recipe, const struct toolchain_options *options,
		   struct toolchain_image *ret, struct err *e)
{
	struct err own;

	/* What went wrong decides what is done next, so it is wanted even when the caller does not care. */
	if (!e)
		e = &own;
	cleanup_free char *ref = toolchain_ref(recipe, e);
	cleanup_free char *name = ref ? str_printf(e, ".%s.lock", strchr(ref, ':') + 1) : NULL;
	cleanup_free char *path = name ? path_join(options->scratch, name, e) : NULL;
	if (!path || path_make_dirs(options->scratch, e) < 0)
		return -1;
	cleanup_close int lock = lock_scratch(path, options, e);
	if (lock < 0)
		return -1;
	/* Whoever held the lock may just have made it. */
	if (!options->again && toolchain_find(engine, recipe, ret, e) == 0)
		return 0;
	if (!options->again && e->kind != ERR_NOT_FOUND)
		return -1;
	cleanup_toolchain_image struct toolchain_image old = { 0 }, made = { 0 };
	if (options->again && toolchain_find(engine, recipe, &old, e) < 0 && e->kind != ERR_NOT_FOUND)
		return -1;
	if (make(engine, recipe, ref, options, e) < 0 || toolchain_find(engine, recipe, &made, e) < 0)
		return -1;
	remove_replaced(engine, &old, &made, options);
	*ret = made;
	made = (struct toolchain_image){ 0 };
	return 0;
}

int toolchain_ensure(struct engine *engine, const struct recipe *recipe, const struct toolchain_options *options,
		     struct toolchain_image *ret, struct err *e)
{
	struct err own;

	if (!e)
		e = &own;
	if (toolchain_find(engine, recipe, ret, e) == 0)
		return 0;
	return e->kind == ERR_NOT_FOUND ? toolchain_make(engine, recipe, options, ret, e) : -1;
}
