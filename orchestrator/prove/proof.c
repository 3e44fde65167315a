#include "prove/proof.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const verdict_names[PROOF_VERDICTS] = {
	[PROOF_BOOTED] = "booted", [PROOF_GATED] = "gated", [PROOF_FAILED] = "failed", [PROOF_ABSENT] = "absent"
};

const char *proof_verdict_name(enum proof_verdict v)
{
	return verdict_names[v];
}

void proof_release(struct proof *p)
{
	free(p->kernel);
	free(p->reason);
	strv_release(&p->tail);
	free(p->file);
	free(p->image);
	free(p->machine);
	*p = (struct proof){ 0 };
}

void proof_judge(struct proof *p, enum proof_verdict verdict, const char *finding, const char *format, ...)
{
	char *reason = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&reason, format, args) < 0)
		reason = NULL;
	va_end(args);
	free(p->reason);
	p->reason = reason;
	p->verdict = verdict;
	snprintf(p->finding, sizeof(p->finding), "%s", finding);
}

static int add(json_t *object, const char *key, json_t *value, struct err *e)
{
	return json_object_set_new(object, key, value) < 0 ? err_no_memory(e) : 0;
}

static int add_text(json_t *object, const char *key, const char *text, struct err *e)
{
	return text && *text ? add(object, key, json_string(text), e) : 0;
}

static int add_digest(json_t *object, const char *key, bool known, const struct digest *d, struct err *e)
{
	char hex[DIGEST_HEX + 1];

	digest_hex(d, hex);
	return known ? add_text(object, key, hex, e) : 0;
}

static int add_tail(json_t *object, const struct strv *tail, struct err *e)
{
	if (!tail->len)
		return 0;
	json_t *lines = json_array();
	for (size_t i = 0; i < tail->len; i++)
		if (json_array_append_new(lines, json_string(tail->items[i])) < 0) {
			json_decref(lines);
			return err_no_memory(e);
		}
	return add(object, "console", lines, e);
}

static int fill(json_t *object, const struct proof *p, struct err *e)
{
	if (add_text(object, "kernel", p->kernel, e) < 0 || add_text(object, "kind", kind_name(p->kind), e) < 0 ||
	    add_text(object, "verdict", proof_verdict_name(p->verdict), e) < 0 || add_text(object, "finding", p->finding, e) < 0 ||
	    add_text(object, "reason", p->reason, e) < 0 || add_tail(object, &p->tail, e) < 0 ||
	    add_text(object, "object", p->file, e) < 0 || add_digest(object, "object_sha256", p->object_known, &p->object, e) < 0 ||
	    add_text(object, "image", p->image, e) < 0 ||
	    add_digest(object, "image_sha256", p->image_known, &p->image_digest, e) < 0 ||
	    add_digest(object, "kernel_image_sha256", p->kernel_image_known, &p->kernel_image, e) < 0 ||
	    add_text(object, "machine", p->machine, e) < 0)
		return -1;
	if (p->verdict != PROOF_BOOTED && p->verdict != PROOF_FAILED)
		return 0;
	const uint64_t tenths = p->milliseconds / 100;
	return add(object, "events", json_integer((json_int_t)p->events), e) < 0
		       ? -1
		       : add(object, "seconds", json_real((double)tenths / 10), e);
}

json_t *proof_to_json(const struct proof *p, struct err *e)
{
	json_t *object = json_object();

	if (!object)
		err_no_memory(e);
	else if (fill(object, p, e) == 0)
		return object;
	json_decref(object);
	return NULL;
}
