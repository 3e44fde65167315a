#include "cmd/id_plan.h"

#include <fnmatch.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "build/inputs.h"
#include "cmd/cmd.h"
#include "cmd/groundwork.h"
#include "kernel/id_list.h"

struct id_plan {
	const struct id_plan_options *o;
	struct strv ids;
	struct block_list *list; /* NULL: none */
	bool kinds[KIND_COUNT];
	size_t kernels; /* chosen ones */
	unsigned verdicts[VERDICT_COUNT];
	json_t *json; /* array of kernels; NULL: none is wanted */
};

static int load_ids(struct id_plan *p, struct context *c, struct err *e)
{
	cleanup_strv struct strv findings = { 0 };

	if (id_list_load(p->o->kernels_from, &p->ids, &findings, e) == 0)
		return 0;
	/* The first finding is the error itself. */
	for (size_t i = 1; i < findings.len; i++)
		log_printf(&c->log, LOG_ERROR, "%s", findings.items[i]);
	return -1;
}

static bool is_chosen(const struct strv *globs, const char *id)
{
	for (size_t i = 0; i < globs->len; i++)
		if (fnmatch(globs->items[i], id, 0) == 0)
			return true;
	return globs->len == 0;
}

static json_t *task_json(const struct id_plan *p, enum probe_kind_id kind, const struct block_rule *rule, const char *reason)
{
	json_t *object = json_object();

	json_object_set_new(object, "kind", json_string(kind_name(kind)));
	json_object_set_new(object, "verdict", json_string(verdict_name(rule ? VERDICT_BLOCKED : VERDICT_PLANNED)));
	if (rule) {
		json_object_set_new(object, "reason", json_string(reason));
		json_object_set_new(object, "blocked_by", block_rule_json(p->list, rule));
	}
	return object;
}

/* Counts one task, and shows it as the format wants. */
static int add_task(struct id_plan *p, const char *id, enum probe_kind_id kind, const struct block_rule *rule, json_t *tasks,
		    struct err *e)
{
	enum verdict verdict = rule ? VERDICT_BLOCKED : VERDICT_PLANNED;

	p->verdicts[verdict]++;
	if (p->o->format == PLAN_COUNT)
		return 0;
	cleanup_free char *reason = rule ? block_rule_describe(p->list, rule, e) : NULL;
	if (rule && !reason)
		return -1;
	if (tasks)
		json_array_append_new(tasks, task_json(p, kind, rule, reason));
	else
		printf("%-34s %-3s %s%s%s\n", id, kind_name(kind), verdict_name(verdict), rule ? "     " : "",
		       reason ? reason : "");
	return 0;
}

static int add_kernel(struct id_plan *p, const char *id, struct err *e)
{
	const struct block_rule *rules[KIND_COUNT];
	json_t *tasks = p->json ? json_array() : NULL;
	int result = block_list_apply(p->list, id, p->o->module_version, p->kinds, rules, e);

	p->kernels++;
	for (int kind = 0; result == 0 && kind < KIND_COUNT; kind++)
		if (p->kinds[kind])
			result = add_task(p, id, (enum probe_kind_id)kind, rules[kind], tasks, e);
	if (p->json)
		json_array_append_new(p->json, json_pack("{s:s, s:o}", "kernel", id, "tasks", tasks));
	return result;
}

static int add_kernels(struct id_plan *p, struct err *e)
{
	const struct strv *globs = &p->o->choice->kernels;

	for (size_t i = 0; i < p->ids.len; i++)
		if (is_chosen(globs, p->ids.items[i]) && add_kernel(p, p->ids.items[i], e) < 0)
			return -1;
	if (globs->len && !p->kernels)
		return err_set(e, ERR_USAGE, "--kernel matches none of the %zu kernels listed", p->ids.len);
	return 0;
}

static int print_end(struct id_plan *p, struct err *e)
{
	switch (p->o->format) {
	case PLAN_COUNT:
		printf("%u\n", p->verdicts[VERDICT_PLANNED]);
		return 0;
	case PLAN_TABLE:
		plan_print_sum(p->kernels, p->verdicts);
		return 0;
	default:
		return json_print(json_pack("{s:i, s:s, s:O, s:o}", "v", 1, "module_version", p->o->module_version, "kernels",
					    p->json, "block_list", block_list_json(p->list)),
				  "the plan", e);
	}
}

static int make(struct id_plan *p, struct context *c, struct err *e)
{
	const struct inputs_options inputs = { .root = c->root, .block_list = p->o->choice->block_list };

	if (load_ids(p, c, e) < 0 || inputs_load_block_list(&inputs, &c->log, &p->list, e) < 0)
		return -1;
	choice_kinds(p->o->choice, p->kinds);
	if (p->o->format == PLAN_JSON)
		p->json = json_array();
	if (add_kernels(p, e) < 0 || groundwork_doubt(c, p->list, !p->o->choice->kernels.len, e) < 0 || print_end(p, e) < 0)
		return -1;
	return fflush(stdout) == 0 ? EXIT_GOOD : err_set(e, ERR_SYSTEM, "writing the plan failed");
}

int id_plan_print(const struct id_plan_options *o, struct context *c, struct err *e)
{
	struct id_plan p = { .o = o };
	int code = make(&p, c, e);

	strv_release(&p.ids);
	block_list_free(p.list);
	json_decref(p.json);
	return code;
}
