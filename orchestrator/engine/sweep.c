#include "engine/sweep.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/file.h"
#include "engine/container.h"
#include "engine/request.h"

/* One line of a file of /proc or /etc, without its newline; "" where there is none. */
static int read_word(const char *path, struct buf *b, struct err *e)
{
	struct err why;

	buf_clear(b);
	if (file_read(path, 4096, b, &why) < 0)
		buf_clear(b);
	if (b->len)
		b->data[strcspn(b->data, "\n")] = '\0';
	return b->data ? 0 : buf_puts(b, "", e);
}

/* Field 22 of /proc/PID/stat, counted behind the last ')', since the name before it may hold anything (proc(5)). 1 and the text; 0
 * where there is no such process, or only its zombie. A process that runs but may not be looked at (hidepid) gives 1 and "". */
static int start_time(pid_t pid, char *ret, size_t size, struct err *e)
{
	enum { FIELD_STATE = 3, FIELD_START = 22 };
	cleanup_buf struct buf b = { 0 };
	char path[40];

	ret[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	if (read_word(path, &b, e) < 0)
		return -1;
	char *rest = strrchr(b.data, ')'), *save = NULL;
	if (!rest)
		return kill(pid, 0) == 0 || errno == EPERM;
	int field = FIELD_STATE;
	for (char *word = strtok_r(rest + 1, " ", &save); word; word = strtok_r(NULL, " ", &save), field++) {
		if (field == FIELD_STATE && (*word == 'Z' || *word == 'X'))
			return 0;
		if (field == FIELD_START) {
			snprintf(ret, size, "%s", word);
			break;
		}
	}
	return 1;
}

static int add_label(struct strv *labels, const char *key, const char *value, struct err *e)
{
	return strv_take(labels, str_printf(e, SWEEP_LABEL "%s=%s", key, value), e);
}

/* The labels that say on what machine, in what namespace we are. */
static int place_labels(struct strv *labels, struct err *e)
{
	cleanup_buf struct buf word = { 0 };
	struct utsname name;
	struct stat ns;
	char text[32];

	if (read_word("/etc/machine-id", &word, e) < 0)
		return -1;
	cleanup_free char *host = str_printf(e, "%s/%s", buf_text(&word), uname(&name) == 0 ? name.nodename : "");
	if (!host || add_label(labels, "host", host, e) < 0)
		return -1;
	if (read_word("/proc/sys/kernel/random/boot_id", &word, e) < 0 || add_label(labels, "boot", buf_text(&word), e) < 0)
		return -1;
	snprintf(text, sizeof(text), "%llu", stat("/proc/self/ns/pid", &ns) == 0 ? (unsigned long long)ns.st_ino : 0ULL);
	return add_label(labels, "pidns", text, e);
}

int sweep_labels(const struct engine *engine, const char *role, struct strv *labels, struct err *e)
{
	char pid[16], started[32];

	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	if (start_time(getpid(), started, sizeof(started), e) < 0 || add_label(labels, "run", engine->run_id, e) < 0 ||
	    add_label(labels, "role", role, e) < 0 || add_label(labels, "pid", pid, e) < 0 ||
	    add_label(labels, "started", started, e) < 0)
		return -1;
	return place_labels(labels, e);
}

/* The value of one of our labels; NULL when it is missing or empty. */
static const char *label_value(const struct strv *labels, const char *key)
{
	size_t prefix = strlen(SWEEP_LABEL), len = strlen(key);

	for (size_t i = 0; i < labels->len; i++) {
		const char *text = labels->items[i];
		if (str_starts(text, SWEEP_LABEL) && strncmp(text + prefix, key, len) == 0 && text[prefix + len] == '=')
			return text[prefix + len + 1] ? text + prefix + len + 1 : NULL;
	}
	return NULL;
}

static bool label_equal(const struct strv *a, const struct strv *b, const char *key)
{
	const char *left = label_value(a, key), *right = label_value(b, key);

	return left && right && strcmp(left, right) == 0;
}

bool sweep_is_stale(const struct strv *labels)
{
	cleanup_strv struct strv here = { 0 };
	const char *pid = label_value(labels, "pid"), *started = label_value(labels, "started");
	unsigned long long number;
	char now[32];

	if (place_labels(&here, NULL) < 0 || !pid || !started || str_to_u64(pid, 1ULL << 30, &number, NULL) < 0 || number == 0)
		return false;
	if (!label_equal(labels, &here, "host") || !label_value(labels, "boot") || !label_value(labels, "pidns"))
		return false;
	/* This machine, before it was started anew: no process outlives that. */
	if (!label_equal(labels, &here, "boot"))
		return label_value(&here, "boot") != NULL;
	if (!label_equal(labels, &here, "pidns"))
		return false;
	int there = start_time((pid_t)number, now, sizeof(now), NULL);
	return there == 0 || (there > 0 && now[0] && strcmp(now, started) != 0);
}

static int list_containers(struct engine *engine, const char *label, json_t **ret, struct err *e)
{
	cleanup_buf struct buf path = { 0 };
	cleanup_of(json) json_t *filter = json_pack("{s:[s]}", "label", label);
	cleanup_free char *text = filter ? json_dumps(filter, JSON_COMPACT) : NULL;

	if (!text)
		return err_no_memory(e);
	if (buf_puts(&path, "/containers/json?all=1&filters=", e) < 0 || url_append(&path, text, "", e) < 0)
		return -1;
	const struct request q = { .method = "GET", .path = path.data, .clean_up = true };
	return request_json(engine, &q, ret, NULL, e);
}

static int labels_of(const json_t *container, struct strv *ret, struct err *e)
{
	const char *key;
	json_t *value;

	/* json_object_foreach takes a mutable object, though it changes nothing. */
	json_object_foreach(json_object_get(container, "Labels"), key, value)
	{
		const char *text = json_string_value(value);
		if (strv_take(ret, str_printf(e, "%s=%s", key, text ? text : ""), e) < 0)
			return -1;
	}
	return 0;
}

static int sweep(struct engine *engine, const char *label, bool all, size_t *ret_count, struct err *e)
{
	cleanup_of(json) json_t *list = NULL;
	size_t i, count = 0;
	json_t *container;

	if (list_containers(engine, label, &list, e) < 0)
		return -1;
	json_array_foreach(list, i, container)
	{
		cleanup_strv struct strv labels = { 0 };
		const char *id = json_text(container, "Id");
		struct err why;

		if (!id || labels_of(container, &labels, e) < 0)
			return id ? -1 : err_set(e, ERR_PROTOCOL, "engine: GET /containers/json: a container without id");
		if (!all && !sweep_is_stale(&labels))
			continue;
		const char *role = label_value(&labels, "role"), *pid = label_value(&labels, "pid");
		if (container_remove(engine, id, &why) < 0) {
			log_printf(engine->log, LOG_WARNING, "container '%.12s' could not be removed: %s", id, why.message);
			continue;
		}
		count++;
		log_printf(engine->log, all ? LOG_DEBUG : LOG_INFO, "removed container '%.12s' (%s) of process %s", id,
			   role ? role : "?", pid ? pid : "?");
	}
	if (ret_count)
		*ret_count = count;
	return 0;
}

int engine_sweep(struct engine *engine, size_t *ret_count, struct err *e)
{
	return sweep(engine, SWEEP_LABEL "run", false, ret_count, e);
}

int engine_sweep_own(struct engine *engine, size_t *ret_count, struct err *e)
{
	char label[80];

	snprintf(label, sizeof(label), SWEEP_LABEL "run=%s", engine->run_id);
	return sweep(engine, label, true, ret_count, e);
}
