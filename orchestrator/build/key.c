#include "build/key.h"

#include <stdio.h>

/* Raise it when what the orchestrator itself does with a result changes (stripping, compression). */
static const char scheme[] = "orchestrate build key 1";

static int hash_inputs(struct hasher *h, const struct inputs *in, const struct job *job, enum probe_kind_id kind, struct err *e)
{
	const struct probe_kind *what = &in->probe.kinds[kind];

	if (hasher_text(h, scheme, e) < 0 || hasher_text(h, kind_name(kind), e) < 0 ||
	    hasher_field(h, in->source_digests[kind].bytes, DIGEST_BYTES, e) < 0 || hasher_text(h, what->build, e) < 0 ||
	    hasher_text(h, what->output, e) < 0 || hasher_text(h, in->probe.name, e) < 0 ||
	    hasher_text(h, in->module_version, e) < 0)
		return -1;
	if (hasher_text(h, job->kernel->release, e) < 0 || hasher_text(h, job->kernel->arch->name, e) < 0)
		return -1;
	for (size_t i = 0; i < job->kernel->package_count; i++)
		if (hasher_field(h, job->package_digests[i].bytes, DIGEST_BYTES, e) < 0)
			return -1;
	return 0;
}

int build_key(const struct inputs *in, const struct job *job, enum probe_kind_id kind, const char *toolchain_id, struct digest *ret,
	      struct err *e)
{
	char compiler[32];
	struct hasher *h = hasher_new(e);

	if (!h)
		return -1;
	snprintf(compiler, sizeof(compiler), "gcc-%d", job->choice.gcc);
	int result = hash_inputs(h, in, job, kind, e);
	if (result == 0)
		result = hasher_text(h, toolchain_id, e);
	if (result == 0)
		result = hasher_text(h, compiler, e);
	if (result == 0)
		result = hasher_field(h, in->script_digest.bytes, DIGEST_BYTES, e);
	if (result == 0)
		result = distro_hash_build_part(job->distro->distro, h, e);
	if (result == 0)
		result = hasher_finish(h, ret, e);
	hasher_free(h);
	return result;
}
