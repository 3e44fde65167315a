/* Facts as a line of JSON: between the filter and the program, and in the cache. */
#include "package/facts.h"

#include <jansson.h>
#include <stdio.h>

char *facts_encode(const struct facts *f, struct err *e)
{
	json_t *object =
		json_pack("{s:s, s:s, s:i, s:i, s:s, s:s, s:b, s:b, s:b, s:s, s:s, s:b, s:b}", "release", f->release, "cc_text",
			  f->cc_text, "gcc", f->gcc, "clang", f->clang, "glibc", f->glibc, "glibc_user", f->glibc_user, "btf",
			  f->btf, "modversions", f->modversions, "module_signature", f->module_signature, "signature_hash",
			  f->signature_hash, "arch", f->arch, "symvers", f->symvers, "from_sources", f->from_sources);
	char *text = object ? json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	json_decref(object);
	if (!text)
		err_no_memory(e);
	return text;
}

static int fit(const char *text, char *ret, size_t room, struct err *e)
{
	int n = snprintf(ret, room, "%s", text);

	return n >= 0 && (size_t)n < room ? 0 : err_set(e, ERR_PROTOCOL, "facts: '%.40s...' is too long", text);
}

int facts_decode(const char *json, struct facts *ret, struct err *e)
{
	const char *release, *cc_text, *glibc, *glibc_user, *signature_hash, *arch;
	int btf, modversions, module_signature, symvers, from_sources;
	struct facts f = { 0 };
	json_error_t je;

	json_t *object = json_loads(json, JSON_REJECT_DUPLICATES, &je);
	if (!object)
		return err_set(e, ERR_PROTOCOL, "facts: %s", je.text);
	int rc = json_unpack_ex(object, &je, JSON_STRICT, "{s:s, s:s, s:i, s:i, s:s, s:s, s:b, s:b, s:b, s:s, s:s, s:b, s:b}",
				"release", &release, "cc_text", &cc_text, "gcc", &f.gcc, "clang", &f.clang, "glibc", &glibc,
				"glibc_user", &glibc_user, "btf", &btf, "modversions", &modversions, "module_signature",
				&module_signature, "signature_hash", &signature_hash, "arch", &arch, "symvers", &symvers,
				"from_sources", &from_sources);
	if (rc < 0)
		err_set(e, ERR_PROTOCOL, "facts: %s", je.text);
	else
		rc = fit(release, f.release, sizeof(f.release), e) || fit(cc_text, f.cc_text, sizeof(f.cc_text), e) ||
				     fit(glibc, f.glibc, sizeof(f.glibc), e) ||
				     fit(glibc_user, f.glibc_user, sizeof(f.glibc_user), e) ||
				     fit(signature_hash, f.signature_hash, sizeof(f.signature_hash), e) ||
				     fit(arch, f.arch, sizeof(f.arch), e)
			     ? -1
			     : 0;
	json_decref(object);
	if (rc < 0)
		return -1;
	f.btf = btf;
	f.modversions = modversions;
	f.module_signature = module_signature;
	f.symvers = symvers;
	f.from_sources = from_sources;
	*ret = f;
	return 0;
}
