#include "build/key.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "build/environment.h"
#include "build/repacked.h"

/* Raise it when what the orchestrator itself does with a result changes (stripping, compression), or how a tree is laid out. */
static const char scheme[] = "orchestrate build key 3";

/* Everything that reaches the script, so that nothing that it can see is forgotten. */
static int hash_environment(struct hasher *h, const struct inputs *in, const struct job *job, enum probe_kind_id kind,
			    struct err *e)
{
	cleanup_strv struct strv env = { 0 };

	if (environment_common(in, job, &env, e) < 0 || environment_kind(in, kind, &env, e) < 0)
		return -1;
	for (size_t i = 0; i < env.len; i++)
		if (hasher_text(h, env.items[i], e) < 0)
			return -1;
	return 0;
}

static int hash_tree(struct hasher *h, const struct job *job, struct err *e)
{
	cleanup_tree_rules struct tree_rules rules = { 0 };

	if (distro_tree_rules(job->distro->distro, job->kernel, &rules, e) < 0)
		return -1;
	cleanup_free char *text = tree_rules_encode(&rules, e);
	if (!text || hasher_text(h, text, e) < 0 || hasher_text(h, job->distro->distro->format, e) < 0 ||
	    repacked_hash(h, job, e) < 0)
		return -1;
	for (size_t i = 0; i < job->kernel->package_count; i++)
		if (hasher_text(h, job->kernel->packages[i].shared ? "shared" : "own", e) < 0 ||
		    hasher_field(h, job->package_digests[i].bytes, DIGEST_BYTES, e) < 0)
			return -1;
	return 0;
}

static int hash_all(struct hasher *h, const struct inputs *in, const struct job *job, enum probe_kind_id kind,
		    const char *toolchain_id, struct err *e)
{
	/* Distro and id are in the path at which it is built; architecture and release are what the result is checked against. */
	const char *const texts[] = { scheme,	       kind_name(kind),	     in->probe.name,	      job->distro->distro->name,
				      job->kernel->id, job->kernel->release, job->kernel->arch->name, toolchain_id };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (hasher_text(h, texts[i], e) < 0)
			return -1;
	if (hasher_field(h, in->source_digests[kind].bytes, DIGEST_BYTES, e) < 0 ||
	    hasher_field(h, in->script_digest.bytes, DIGEST_BYTES, e) < 0)
		return -1;
	return hash_environment(h, in, job, kind, e) < 0 ? -1 : hash_tree(h, job, e);
}

int build_key(const struct inputs *in, const struct job *job, enum probe_kind_id kind, const char *toolchain_id, struct digest *ret,
	      struct err *e)
{
	struct hasher *h = hasher_new(e);

	if (!h)
		return -1;
	int result = hash_all(h, in, job, kind, toolchain_id, e);
	if (result == 0)
		result = hasher_finish(h, ret, e);
	hasher_free(h);
	return result;
}
