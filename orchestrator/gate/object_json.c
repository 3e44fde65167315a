/* Reports as JSON: how the filter process hands them over. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "gate/object.h"

static json_t *findings_to_json(const struct object_report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < r->finding_count; i++) {
		const struct finding *f = &r->findings[i];
		if (json_array_append_new(
			    list, json_pack("{s:s, s:s, s:s}", "what", f->what, "expected", f->expected, "found", f->found)) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

json_t *object_report_to_json(const struct object_report *r, struct err *e)
{
	json_t *object = json_pack("{s:s, s:s, s:s, s:i, s:o}", "vermagic", r->vermagic, "license", r->license, "name",
				   r->module_name, "programs", (int)r->programs, "findings", findings_to_json(r));

	if (!object)
		err_no_memory(e);
	return object;
}

/* The bytes were handled next to hostile ones: printable or refused. */
static int take_text(const char *text, char *ret, size_t room, struct err *e)
{
	if (strlen(text) >= room)
		return err_set(e, ERR_PROTOCOL, "gate report: a text of %zu bytes", strlen(text));
	for (const char *p = text; *p; p++)
		if (*p < 0x20 || *p >= 0x7f)
			return err_set(e, ERR_PROTOCOL, "gate report: a text with unprintable bytes");
	strcpy(ret, text);
	return 0;
}

static int finding_from_json(json_t *item, struct finding *ret, struct err *e)
{
	const char *what, *expected, *found;
	json_error_t je;

	if (json_unpack_ex(item, &je, JSON_STRICT, "{s:s, s:s, s:s}", "what", &what, "expected", &expected, "found", &found) < 0)
		return err_set(e, ERR_PROTOCOL, "gate report: %s", je.text);
	if (take_text(what, ret->what, sizeof(ret->what), e) < 0 ||
	    take_text(expected, ret->expected, sizeof(ret->expected), e) < 0)
		return -1;
	return take_text(found, ret->found, sizeof(ret->found), e);
}

int object_report_from_json(const json_t *json, struct object_report *ret, struct err *e)
{
	const char *vermagic, *license, *name;
	struct object_report r = { 0 };
	json_t *findings, *item;
	json_error_t je;
	int programs;
	size_t i;

	if (json_unpack_ex((json_t *)json, &je, JSON_STRICT, "{s:s, s:s, s:s, s:i, s:o}", "vermagic", &vermagic, "license",
			   &license, "name", &name, "programs", &programs, "findings", &findings) < 0)
		return err_set(e, ERR_PROTOCOL, "gate report: %s", je.text);
	if (!json_is_array(findings) || json_array_size(findings) > FINDINGS_MAX || programs < 0)
		return err_set(e, ERR_PROTOCOL, "gate report: findings or programs out of range");
	if (take_text(vermagic, r.vermagic, sizeof(r.vermagic), e) < 0 || take_text(license, r.license, sizeof(r.license), e) < 0 ||
	    take_text(name, r.module_name, sizeof(r.module_name), e) < 0)
		return -1;
	r.programs = (unsigned)programs;
	json_array_foreach(findings, i, item)
	{
		if (finding_from_json(item, &r.findings[r.finding_count], e) < 0)
			return -1;
		r.finding_count++;
	}
	*ret = r;
	return 0;
}
