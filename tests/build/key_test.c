#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "build/facts_store.h"
#include "build/key.h"
#include "fixture.h"

static const char first_kernel[] = "6.1.0-1-amd64";

/* A job with all that a key is made of, and what it was made from, to be changed. */
struct subject {
	struct checkout checkout;
	struct inputs in;
	struct job job;
	struct kernel *kernel;
	struct distro *distro;
	const char *toolchain;
};

static void subject_make(struct subject *s)
{
	static const char *const names[] = { "example", NULL };
	struct err e;

	checkout_make(&s->checkout);
	s->in = (struct inputs){ 0 };
	checkout_load(&s->checkout, &s->in, names);
	s->distro = &s->in.distros.items[0];
	cr_assert_str_eq(s->distro->name, "example");
	s->kernel = NULL;
	struct kernel_set *set = &s->in.chosen[0].kernels;
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->kernels[i].id, first_kernel) == 0)
			s->kernel = &set->kernels[i];
	cr_assert_not_null(s->kernel);
	cr_assert_eq(s->kernel->package_count, 2);
	s->job = (struct job){
		.distro = &s->in.chosen[0], .kernel = s->kernel, .choice.gcc = 12, .choice.recipe = &s->in.recipes.items[0]
	};
	s->job.package_digests = calloc(2, sizeof(struct digest));
	for (size_t i = 0; i < 2; i++)
		cr_assert_eq(
			digest_of(s->kernel->packages[i].url, strlen(s->kernel->packages[i].url), &s->job.package_digests[i], &e),
			0);
	s->toolchain = "sha256:0123";
}

static void subject_release(struct subject *s)
{
	job_release(&s->job);
	inputs_release(&s->in);
	checkout_remove(&s->checkout);
}

#define cleanup_subject __attribute__((cleanup(subject_release)))

static struct digest key_of(struct subject *s, enum probe_kind_id kind)
{
	struct digest key;
	struct err e;

	cr_assert_eq(build_key(&s->in, &s->job, kind, s->toolchain, &key, &e), 0, "%s", e.message);
	return key;
}

static void replace(char **text, const char *with)
{
	free(*text);
	*text = strdup(with);
}

static void mod_sources(struct subject *s)
{
	s->in.source_digests[KIND_MOD].bytes[31] ^= 1;
}
static void bpf_sources(struct subject *s)
{
	s->in.source_digests[KIND_BPF].bytes[0] ^= 1;
}
static void mod_command(struct subject *s)
{
	replace(&s->in.probe.kinds[KIND_MOD].build, "make V=1");
}
static void bpf_command(struct subject *s)
{
	replace(&s->in.probe.kinds[KIND_BPF].build, "make V=1");
}
static void mod_output(struct subject *s)
{
	replace(&s->in.probe.kinds[KIND_MOD].output, "module/other.ko");
}
static void probe_name(struct subject *s)
{
	replace(&s->in.probe.name, "other");
}
static void version(struct subject *s)
{
	replace(&s->in.module_version, "1.2.0");
}
static void release(struct subject *s)
{
	replace(&s->kernel->release, "6.1.0-1-rt-amd64");
}
static void first_package(struct subject *s)
{
	s->job.package_digests[0].bytes[5] ^= 1;
}
static void last_package(struct subject *s)
{
	s->job.package_digests[1].bytes[5] ^= 1;
}
static void toolchain(struct subject *s)
{
	s->toolchain = "sha256:0124";
}
static void compiler(struct subject *s)
{
	s->job.choice.gcc = 11;
}
static void built_by_clang(struct subject *s)
{
	s->job.choice.clang = (int)s->in.recipes.items[0].clang;
}
static void clang(struct subject *s)
{
	s->in.recipes.items[0].clang++;
}
static void recipe_variable(struct subject *s)
{
	struct recipe *recipe = &s->in.recipes.items[0];

	recipe->env = reallocarray(recipe->env, recipe->env_count + 1, sizeof(*recipe->env));
	recipe->env[recipe->env_count++] = (struct recipe_variable){ strdup("KCFLAGS"), strdup("-O1") };
}
static void script(struct subject *s)
{
	s->in.script_digest.bytes[0] ^= 1;
}

static void package_order(struct subject *s)
{
	struct digest first = s->job.package_digests[0];

	s->job.package_digests[0] = s->job.package_digests[1];
	s->job.package_digests[1] = first;
}

static void make_variables(struct subject *s)
{
	struct err e;

	cr_assert_eq(strv_add(&s->distro->toolchain.make, "KBUILD_MODPOST_WARN=1", &e), 0);
}

static void build_dir(struct subject *s)
{
	replace(&s->distro->tree.build_dir, "usr/src/other");
}
static void format(struct subject *s)
{
	replace(&s->distro->format, "rpm");
}

static void list_path(struct subject *s)
{
	replace(&s->distro->list, "supported-kernels/other.txt");
}
static void distro_name(struct subject *s)
{
	replace(&s->distro->name, "renamed");
}
static void family(struct subject *s)
{
	replace(&s->distro->family, "other");
}
static void mirror(struct subject *s)
{
	replace(&s->distro->mirrors[0].urls.items[0], "http://elsewhere.example.org/pool");
}
static void package_url(struct subject *s)
{
	replace(&s->kernel->packages[0].url, "http://elsewhere.example.org/x.deb");
}
static void expected_compiler(struct subject *s)
{
	s->distro->toolchain.expect[0].gcc = 4;
}
static void distro_floor(struct subject *s)
{
	replace(&s->distro->floors[KIND_BPF], "5.0");
}
static void probe_floor(struct subject *s)
{
	replace(&s->in.probe.kinds[KIND_BPF].minimum_kernel, "5.0");
}
static void kernel_id(struct subject *s)
{
	replace(&s->kernel->id, "6.1.0-1-amd64-second");
}
static void sharing(struct subject *s)
{
	s->kernel->packages[1].shared = false;
}
static void shared_rule(struct subject *s)
{
	struct err e;

	cr_assert_eq(strv_add(&s->distro->tree.drop, "usr/lib/*", &e), 0);
}
static void seccomp(struct subject *s)
{
	replace(&s->in.seccomp_profile, "{}");
}
static void facts(struct subject *s)
{
	s->job.has_facts = true, s->job.facts.modversions = true;
}

static const struct {
	const char *what;
	void (*change)(struct subject *s);
	bool changes[KIND_COUNT];
} rows[] = {
	{ "the module's sources", mod_sources, { true, false } },
	{ "the program's sources", bpf_sources, { false, true } },
	{ "the module's command", mod_command, { true, false } },
	{ "the program's command", bpf_command, { false, true } },
	{ "the module's output", mod_output, { true, false } },
	{ "the probe's name", probe_name, { true, true } },
	{ "the module version", version, { true, true } },
	{ "the release", release, { true, true } },
	{ "the first package", first_package, { true, true } },
	{ "the last package", last_package, { true, true } },
	{ "the order of packages", package_order, { true, true } },
	{ "the toolchain", toolchain, { true, true } },
	{ "the compiler", compiler, { true, true } },
	{ "whether clang builds it", built_by_clang, { true, true } },
	{ "the recipe's clang", clang, { true, true } },
	{ "a variable of the recipe", recipe_variable, { true, true } },
	{ "the script", script, { true, true } },
	{ "make variables", make_variables, { true, true } },
	{ "the build directory", build_dir, { true, true } },
	{ "the package format", format, { true, true } },
	{ "whether a package is shared", sharing, { true, true } },
	{ "a tree rule", shared_rule, { true, true } },
	{ "the list's path", list_path, { false, false } },
	/* These two are in the path at which it is built. */
	{ "the distro's name", distro_name, { true, true } },
	{ "the family", family, { false, false } },
	{ "a mirror", mirror, { false, false } },
	{ "where a package comes from", package_url, { false, false } },
	{ "the expected compiler", expected_compiler, { false, false } },
	{ "the distro's floor", distro_floor, { false, false } },
	{ "the probe's floor", probe_floor, { false, false } },
	{ "the kernel's id", kernel_id, { true, true } },
	{ "the seccomp profile", seccomp, { false, false } },
	{ "facts", facts, { false, false } },
};

Test(key, changes_with_what_a_build_depends_on_only)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_subject struct subject s;
		struct digest before[KIND_COUNT], after;
		subject_make(&s);
		for (int kind = 0; kind < KIND_COUNT; kind++)
			before[kind] = key_of(&s, (enum probe_kind_id)kind);
		rows[i].change(&s);
		for (int kind = 0; kind < KIND_COUNT; kind++) {
			after = key_of(&s, (enum probe_kind_id)kind);
			cr_expect_eq(!digest_equal(&before[kind], &after), rows[i].changes[kind], "%s: %s", rows[i].what,
				     kind_name((enum probe_kind_id)kind));
		}
	}
}

Test(key, is_the_same_in_every_checkout)
{
	cleanup_subject struct subject a, b;
	subject_make(&a);
	subject_make(&b);
	struct digest first = key_of(&a, KIND_MOD), second = key_of(&b, KIND_MOD), other = key_of(&a, KIND_BPF);

	cr_expect(digest_equal(&first, &second));
	cr_expect_not(digest_equal(&first, &other), "the kinds have keys of their own");
}

Test(facts_store, keeps_what_the_packages_said)
{
	cleanup_subject struct subject s;
	subject_make(&s);
	const struct facts said = {
		.release = "6.1.0-1-amd64", .cc_text = "gcc-12", .gcc = 12, .glibc = "2.34", .modversions = true
	};
	struct facts found = { .gcc = 99 };
	struct err e;

	cr_expect_eq(facts_store_get(s.checkout.cache, &s.job, &found, &e), 0);
	cr_expect_eq(found.gcc, 99, "untouched when there is nothing");
	cr_assert_eq(facts_store_put(s.checkout.cache, &s.job, &said, &e), 0, "%s", e.message);
	cr_assert_eq(facts_store_get(s.checkout.cache, &s.job, &found, &e), 1, "%s", e.message);
	cr_expect_eq(found.gcc, 12);
	cr_expect_str_eq(found.glibc, "2.34");
	cr_expect_str_eq(found.release, "6.1.0-1-amd64");
	cr_expect(found.modversions);
	first_package(&s);
	cr_expect_eq(facts_store_get(s.checkout.cache, &s.job, &found, &e), 0, "another package has facts of its own");
	first_package(&s);
	release(&s);
	cr_expect_eq(facts_store_get(s.checkout.cache, &s.job, &found, &e), 0, "another release too");
}

static void damage(const char *dir, const char *command)
{
	char script_text[512];
	const char *const argv[] = { "sh", "-c", script_text, NULL };
	struct err e;

	snprintf(script_text, sizeof(script_text), "find '%s/facts' -name '*.json' | while read f; do %s; done", dir, command);
	cr_assert_eq(process_run(argv, NULL, 4096, NULL, NULL, &e), 0, "%s", e.message);
}

Test(facts_store, a_damaged_record_counts_as_none)
{
	static const char *const damages[] = { ": >$f", "echo junk >$f", "echo '{\"gcc\": \"x\"}' >$f",
					       "head -c 20000 /dev/zero >$f" };
	cleanup_subject struct subject s;
	subject_make(&s);
	const struct facts said = { .release = "6.1.0-1-amd64", .gcc = 12 };
	struct facts found;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		cr_assert_eq(facts_store_put(s.checkout.cache, &s.job, &said, &e), 0, "%s", e.message);
		cr_assert_eq(facts_store_get(s.checkout.cache, &s.job, &found, &e), 1);
		damage(s.checkout.cache, damages[i]);
		cr_expect_eq(facts_store_get(s.checkout.cache, &s.job, &found, &e), 0, "row %zu: %s", i, e.message);
	}
}
