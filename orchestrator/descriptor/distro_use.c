/* What the rest of the program asks of a distro's descriptor for one kernel. */
#include "descriptor/distro.h"

#include <string.h>

#include "base/cleanup.h"
#include "kernel/pattern.h"

int distro_expected_gcc(const struct distro *d, const char *release, unsigned *ret, struct err *e)
{
	for (size_t i = 0; i < d->toolchain.expect_count; i++) {
		const struct toolchain_expect *expect = &d->toolchain.expect[i];
		cleanup_of(pattern) struct pattern *p = NULL;
		if (pattern_new(expect->release, &p, e) < 0)
			return -1;
		int matches = pattern_match(p, release, e);
		if (matches < 0)
			return -1;
		if (matches) {
			*ret = expect->gcc;
			return 0;
		}
	}
	*ret = 0;
	return 0;
}

static int expand_rules(const struct tree_rules *rules, const struct kernel *k, struct tree_rules *ret, struct err *e)
{
	const char *const values[] = { k->release, k->base, k->id, k->version, k->arch->name, k->arch->srcarch, NULL };
	_Static_assert(ARRAY_LEN(values) == DISTRO_TREE_NAMES + 1, "one value for each name");
	return tree_rules_expand(rules, distro_tree_names, values, ret, e);
}

int distro_tree_rules(const struct distro *d, const struct kernel *k, struct tree_rules *ret, struct err *e)
{
	return expand_rules(&d->tree, k, ret, e);
}

static const char *told(const char *text)
{
	return *text ? text : "*";
}

char *distro_fact_places(const struct distro *d, const struct kernel *k, struct err *e)
{
	const char *const values[] = { told(k->release), told(k->base),	   k->id, told(k->version),
				       k->arch->name,	 k->arch->srcarch, NULL };
	const struct tree_rules place = { .build_dir = d->tree.build_dir };
	cleanup_tree_rules struct tree_rules expanded = { 0 };
	cleanup_buf struct buf places = { 0 };

	if (tree_rules_expand(&place, distro_tree_names, values, &expanded, e) < 0 || buf_puts(&places, expanded.build_dir, e) < 0)
		return NULL;
	for (size_t i = 0; i < d->prepare.config.len; i++)
		if (buf_printf(&places, e, "\n%s", d->prepare.config.items[i]) < 0)
			return NULL;
	return buf_steal(&places);
}

int distro_shared_rules(const struct distro *d, const struct kernel *k, struct tree_rules *ret, struct err *e)
{
	cleanup_tree_rules struct tree_rules shared = { 0 };
	return tree_rules_without(&d->tree, distro_own_names, &shared, e) < 0 ? -1 : expand_rules(&shared, k, ret, e);
}

static int hash_count(struct hasher *h, size_t number, struct err *e)
{
	cleanup_free char *count = str_printf(e, "%zu", number);
	return count ? hasher_text(h, count, e) : -1;
}

static int hash_texts(struct hasher *h, const struct strv *texts, struct err *e)
{
	if (hash_count(h, texts->len, e) < 0)
		return -1;
	for (size_t i = 0; i < texts->len; i++)
		if (hasher_text(h, texts->items[i], e) < 0)
			return -1;
	return 0;
}

/* A single template by itself, as it has always been, so that keys stay. */
static int hash_release(struct hasher *h, const struct strv *templates, struct err *e)
{
	return templates->len == 1 ? hasher_text(h, templates->items[0], e) : hash_texts(h, templates, e);
}

/* Nothing where nothing is to be prepared or taken out of an image, so that keys stay. */
static int hash_sources(struct hasher *h, const struct distro *d, struct err *e)
{
	if (d->prepare.wanted && (hasher_text(h, "prepare", e) < 0 || hash_texts(h, &d->prepare.config, e) < 0 ||
				  hasher_text(h, d->prepare.local_version ? d->prepare.local_version : "", e) < 0))
		return -1;
	if (!d->image.take.len)
		return 0;
	cleanup_free char *image = image_rules_encode(&d->image, e);
	return image ? hasher_text(h, image, e) : -1;
}

int distro_hash_build_part(const struct distro *d, struct hasher *h, struct err *e)
{
	cleanup_free char *tree = tree_rules_encode(&d->tree, e);
	if (!tree || hasher_text(h, d->arch->name, e) < 0 || hasher_text(h, d->format, e) < 0 ||
	    hash_release(h, &d->kernel.release, e) < 0 || hasher_text(h, tree, e) < 0 ||
	    hash_count(h, d->kernel.package_count, e) < 0)
		return -1;
	for (size_t i = 0; i < d->kernel.package_count; i++) {
		const struct package_rule *rule = &d->kernel.packages[i];
		const char flags[] = { rule->has_config ? 'c' : '-', rule->has_tools ? 't' : '-', rule->shared ? 's' : '-' };
		if (hasher_text(h, rule->role, e) < 0 || hasher_field(h, flags, sizeof(flags), e) < 0)
			return -1;
	}
	if (hash_texts(h, &d->toolchain.make, e) < 0)
		return -1;
	return d->kernel.base.len && hash_texts(h, &d->kernel.base, e) < 0 ? -1 : hash_sources(h, d, e);
}
