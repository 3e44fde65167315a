#include "package/image_rules.h"

#include <jansson.h>
#include <stdlib.h>

void image_rules_release(struct image_rules *rules)
{
	free(rules->partition);
	strv_release(&rules->take);
	strv_release(&rules->leave);
	*rules = (struct image_rules){ 0 };
}

static json_t *encode_texts(const struct strv *texts)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < texts->len; i++)
		if (json_array_append_new(list, json_string(texts->items[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

char *image_rules_encode(const struct image_rules *rules, struct err *e)
{
	json_t *object = json_pack("{s:s*, s:o, s:o}", "partition", rules->partition, "take", encode_texts(&rules->take), "leave",
				   encode_texts(&rules->leave));
	char *text = object ? json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	json_decref(object);
	if (!text)
		err_set(e, ERR_INPUT, "image rules: text that is not UTF-8, or out of memory");
	return text;
}

static int decode_texts(const json_t *list, struct strv *ret, struct err *e)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		if (!json_is_string(item))
			return err_set(e, ERR_INPUT, "image rules: a text is not a string");
		if (strv_add(ret, json_string_value(item), e) < 0)
			return -1;
	}
	return 0;
}

static int decode_object(json_t *root, struct image_rules *out, struct err *e)
{
	json_t *take = NULL, *leave = NULL;
	const char *partition = NULL;
	json_error_t je;

	if (json_unpack_ex(root, &je, JSON_STRICT, "{s?s, s:o, s:o}", "partition", &partition, "take", &take, "leave", &leave) < 0)
		return err_set(e, ERR_INPUT, "image rules: %s", je.text);
	if (partition && !(out->partition = str_dup(partition, e)))
		return -1;
	return decode_texts(take, &out->take, e) < 0 ? -1 : decode_texts(leave, &out->leave, e);
}

int image_rules_decode(const char *json, struct image_rules *ret, struct err *e)
{
	cleanup_image_rules struct image_rules out = { 0 };
	json_error_t je;

	json_t *root = json_loads(json, JSON_REJECT_DUPLICATES, &je);
	if (!root)
		return err_set(e, ERR_INPUT, "image rules: %s", je.text);
	int rc = decode_object(root, &out, e);
	json_decref(root);
	if (rc < 0)
		return -1;
	*ret = out;
	out = (struct image_rules){ 0 };
	return 0;
}
