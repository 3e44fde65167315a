#include "cmd/sign_report.h"

#include <stdio.h>

#include "base/buf.h"
#include "cmd/plan_table.h"

static const struct {
	const char *word, *key;
} results[SIGN_RESULTS] = {
	[RESULT_SIGNED] = { "signed", "signed" },    [RESULT_REPLACED] = { "signed anew", "replaced" },
	[RESULT_LEFT] = { "signed before", "left" }, [RESULT_GOOD] = { "good", "good" },
	[RESULT_REFUSED] = { "refused", "refused" }, [RESULT_BAD] = { "bad", "bad" },
};

static const char not_checked[] = "whether a kernel trusts the certificate, which is up to its keyrings";

void sign_report_release(struct sign_report *r)
{
	json_decref(r->items);
	r->items = NULL;
}

/* Takes item over. */
static int add_item(struct sign_report *r, json_t *item, struct err *e)
{
	if (!r->items)
		r->items = json_array();
	/* NULL, which is a failure too: most likely of the file's name, that is no UTF-8. */
	return json_array_append_new(r->items, item) < 0 ? err_set(e, ERR_INPUT, "a result can't be said in JSON") : 0;
}

int sign_report_good(struct sign_report *r, const char *path, enum sign_result result, const struct signature *s,
		     const char *why_hash, struct err *e)
{
	r->counts[result]++;
	r->last = *s;
	if (r->json)
		return add_item(r,
				json_pack("{s:s, s:s, s:s, s:s, s:s}", "file", path, "result", results[result].key, "hash", s->hash,
					  "key", s->key, "signer", s->signer),
				e);
	printf("%s: %s, %s%s%s%s\n", path, results[result].word, s->hash, why_hash ? " (" : "", why_hash ? why_hash : "",
	       why_hash ? ")" : "");
	/* Signing may take a while, and who reads along wants to see it now. */
	fflush(stdout);
	return 0;
}

int sign_report_failure(struct sign_report *r, const char *path, enum sign_result result, const struct err *why, struct err *e)
{
	r->counts[result]++;
	if (!r->json)
		return 0;
	return add_item(r, json_pack("{s:s, s:s, s:s}", "file", path, "result", results[result].key, "reason", why->message), e);
}

static size_t count_all(const struct sign_report *r)
{
	size_t all = 0;

	for (int i = 0; i < SIGN_RESULTS; i++)
		all += r->counts[i];
	return all;
}

static int print_json(struct sign_report *r, size_t bpf_objects, struct err *e)
{
	json_t *counts = json_object();

	for (int i = 0; i < SIGN_RESULTS; i++)
		json_object_set_new(counts, results[i].key, json_integer((json_int_t)r->counts[i]));
	if (!r->items)
		r->items = json_array();
	json_t *root = json_pack("{s:i, s:O, s:o, s:I, s:s}", "v", 1, "modules", r->items, "counts", counts, "bpf_objects",
				 (json_int_t)bpf_objects, "not_checked", not_checked);
	return json_print(root, "the result", e);
}

int sign_report_end(struct sign_report *r, size_t bpf_objects, struct err *e)
{
	const struct signature *s = &r->last;
	size_t all = count_all(r);

	if (r->json)
		return print_json(r, bpf_objects, e);
	printf("%zu module%s:", all, all == 1 ? "" : "s");
	for (int i = 0, n = 0; i < SIGN_RESULTS; i++)
		if (r->counts[i])
			printf("%s %zu %s", n++ ? "," : "", r->counts[i], results[i].word);
	if (bpf_objects)
		printf("; %zu eBPF object%s passed over", bpf_objects, bpf_objects == 1 ? "" : "s");
	putchar('\n');
	if (s->hash)
		printf("key %s%s%s%s\n", s->key, s->signer[0] ? " of '" : "", s->signer, s->signer[0] ? "'" : "");
	printf("note: not checked: %s\n", not_checked);
	return 0;
}
