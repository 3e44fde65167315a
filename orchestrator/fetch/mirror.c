#include "fetch/mirror.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "fetch/host_mirror.h"
#include "fetch/url.h"

/* One mirror as the table keeps it: its URLs without trailing slashes. */
struct entry {
	struct mirror mirror;
	char *os_id; /* NULL: of no distro */
	struct strv users, environment;
};

struct mirror_table {
	struct entry *entries;
	size_t count;
	struct fetch_access **accesses; /* each on its own: callers hold on to them while more are added */
	size_t access_count;
	bool host_known;
	char *host_id;		  /* NULL until host_known */
	struct strv repositories; /* of the host's package manager, when asked */
	bool repositories_known;
	struct log *log;
	const struct cancel *cancel;
};

void mirror_release(struct mirror *m)
{
	if (!m)
		return;
	free(m->name);
	strv_release(&m->urls);
	*m = (struct mirror){ 0 };
}

static void entry_release(struct entry *n)
{
	mirror_release(&n->mirror);
	free(n->os_id);
	strv_release(&n->users);
	strv_release(&n->environment);
}

static void access_free(struct fetch_access *a)
{
	fetch_access_release(a);
	free(a);
}

DEFINE_CLEANUP(access, struct fetch_access, access_free)

struct mirror_table *mirror_table_new(struct log *log, const struct cancel *cancel, struct err *e)
{
	struct mirror_table *t = calloc(1, sizeof(*t));
	if (!t) {
		err_no_memory(e);
		return NULL;
	}
	t->log = log;
	t->cancel = cancel;
	return t;
}

void mirror_table_free(struct mirror_table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->count; i++)
		entry_release(&t->entries[i]);
	free(t->entries);
	for (size_t i = 0; i < t->access_count; i++)
		access_free(t->accesses[i]);
	free(t->accesses);
	free(t->host_id);
	strv_release(&t->repositories);
	free(t);
}

static int not_fetchable(const char *url, struct err *e)
{
	struct err ignored;
	cleanup_free char *shown = url_shown(url, &ignored);

	return err_set(e, ERR_INPUT, "'%s' is no http, https or file URL", shown ? shown : "?");
}

static int add_base(struct strv *to, const char *url, struct err *e)
{
	size_t len = strlen(url);

	if (!url_is_fetchable(url))
		return not_fetchable(url, e);
	while (len && url[len - 1] == '/')
		len--;
	cleanup_free char *base = str_printf(e, "%.*s", (int)len, url);
	if (!base)
		return -1;
	return strv_has(to, base) ? 0 : strv_add(to, base, e);
}

static int add_from_environment(struct entry *n, struct err *e)
{
	cleanup_free char *variable = str_printf(e, "ORCHESTRATE_MIRROR_%s", n->mirror.name);
	if (!variable)
		return -1;
	for (char *p = variable; *p; p++)
		*p = isalnum((unsigned char)*p) ? (char)toupper((unsigned char)*p) : '_';
	const char *url = getenv(variable);
	if (!url || !*url)
		return 0;
	if (add_base(&n->environment, url, e) < 0) {
		if (e && e->kind == ERR_INPUT)
			e->kind = ERR_USAGE;
		return err_wrap(e, "environment variable %s", variable);
	}
	return 0;
}

int mirror_table_add(struct mirror_table *t, const struct mirror *m, const char *os_id, struct err *e)
{
	struct entry n = { 0 };
	struct entry *grown = reallocarray(t->entries, t->count + 1, sizeof(*grown));

	if (!grown)
		return err_no_memory(e);
	t->entries = grown;
	n.mirror.name = str_dup(m->name, e);
	if (!n.mirror.name || (os_id && !(n.os_id = str_dup(os_id, e))))
		goto failed;
	for (size_t i = 0; i < m->urls.len; i++) {
		if (add_base(&n.mirror.urls, m->urls.items[i], e) < 0) {
			err_wrap(e, "mirror '%s'", m->name);
			goto failed;
		}
	}
	if (add_from_environment(&n, e) < 0)
		goto failed;
	t->entries[t->count++] = n;
	return 0;
failed:
	entry_release(&n);
	return -1;
}

static int unknown_name(const struct mirror_table *t, const char *name, struct err *e)
{
	cleanup_strv struct strv names = { 0 };

	for (size_t i = 0; i < t->count; i++)
		if (strv_add(&names, t->entries[i].mirror.name, e) < 0)
			return -1;
	const char *nearest = names.len ? str_nearest(name, (const char *const *)names.items) : NULL;
	if (nearest)
		return err_set(e, ERR_USAGE, "no mirror is called '%s', did you mean '%s'?", name, nearest);
	return err_set(e, ERR_USAGE, "no mirror is called '%s'", name);
}

int mirror_table_override(struct mirror_table *t, const char *name_and_url, struct err *e)
{
	const char *equals = strchr(name_and_url, '=');
	bool found = false;

	if (!equals || equals == name_and_url) {
		struct err ignored;
		cleanup_free char *shown = url_shown(name_and_url, &ignored);
		return err_set(e, ERR_USAGE, "expected NAME=URL for a mirror, found '%s'", shown ? shown : "?");
	}
	cleanup_free char *name = str_printf(e, "%.*s", (int)(equals - name_and_url), name_and_url);
	if (!name)
		return -1;
	for (size_t i = 0; i < t->count; i++) {
		struct entry *n = &t->entries[i];
		if (strcmp(n->mirror.name, name) != 0)
			continue;
		found = true;
		if (add_base(&n->users, equals + 1, e) < 0) {
			if (e && e->kind == ERR_INPUT)
				e->kind = ERR_USAGE;
			return err_wrap(e, "mirror '%s'", name);
		}
	}
	return found ? 0 : unknown_name(t, name, e);
}

int mirror_table_set_host(struct mirror_table *t, const char *os_id, const struct strv *repositories, struct err *e)
{
	cleanup_free char *id = str_dup(os_id, e);
	cleanup_strv struct strv copy = { 0 };

	if (!id)
		return -1;
	for (size_t i = 0; i < repositories->len; i++)
		if (add_base(&copy, repositories->items[i], e) < 0)
			return -1;
	free(t->host_id);
	t->host_id = steal_ptr(&id);
	strv_release(&t->repositories);
	t->repositories = copy;
	copy = (struct strv){ 0 };
	t->host_known = t->repositories_known = true;
	return 0;
}

/* The mirror with the longest base that url lies below; *ret_base is the index of that base. */
static const struct entry *find_mirror(const struct mirror_table *t, const char *url, size_t *ret_base)
{
	const struct entry *best = NULL;
	size_t best_len = 0;

	for (size_t i = 0; i < t->count; i++) {
		const struct strv *urls = &t->entries[i].mirror.urls;
		for (size_t k = 0; k < urls->len; k++) {
			size_t len = url_is_below(url, urls->items[k]) ? strlen(urls->items[k]) : 0;
			if (len > best_len) {
				best = &t->entries[i];
				best_len = len;
				*ret_base = k;
			}
		}
	}
	return best;
}

/* Whether a repository of the host is a copy of one of the mirror's trees: its path ends in the same whole parts, as
 * /pub/x ends in /x. */
static bool same_tree(const struct mirror *m, const char *repository)
{
	size_t have_len, want_len;
	const char *have = url_path(repository, &have_len);

	for (size_t i = 0; i < m->urls.len; i++) {
		const char *want = url_path(m->urls.items[i], &want_len);
		if (strcmp(m->urls.items[i], repository) == 0)
			return true;
		if (want_len && want_len <= have_len && memcmp(have + have_len - want_len, want, want_len) == 0)
			return true;
	}
	return false;
}

static int learn_host(struct mirror_table *t, const char *wanted_id, struct err *e)
{
	if (!t->host_known) {
		t->host_id = host_os_id(e);
		if (!t->host_id)
			return -1;
		t->host_known = true;
	}
	if (t->repositories_known || strcmp(t->host_id, wanted_id) != 0)
		return 0;
	if (host_mirror_ask(&t->repositories, t->log, t->cancel, e) < 0)
		return -1;
	t->repositories_known = true;
	return 0;
}

static int add_candidate(struct strv *to, const char *base, const char *rest, struct err *e)
{
	cleanup_free char *url = str_printf(e, "%s%s", base, rest);
	if (!url)
		return -1;
	return strv_has(to, url) ? 0 : strv_add(to, url, e);
}

static int add_candidates(struct strv *to, const struct strv *bases, const char *rest, struct err *e)
{
	for (size_t i = 0; i < bases->len; i++)
		if (add_candidate(to, bases->items[i], rest, e) < 0)
			return -1;
	return 0;
}

int mirror_candidates(struct mirror_table *t, const char *url, struct strv *ret, struct err *e)
{
	size_t own = 0;
	cleanup_strv struct strv found = { 0 };

	if (!url_is_fetchable(url))
		return not_fetchable(url, e);
	const struct entry *n = find_mirror(t, url, &own);
	if (!n)
		return strv_add(ret, url, e);
	const char *rest = url + strlen(n->mirror.urls.items[own]);
	if (add_candidates(&found, &n->users, rest, e) < 0 || add_candidates(&found, &n->environment, rest, e) < 0)
		return -1;
	if (n->os_id) {
		if (learn_host(t, n->os_id, e) < 0)
			return -1;
		bool at_home = strcmp(t->host_id, n->os_id) == 0;
		for (size_t i = 0; at_home && i < t->repositories.len; i++)
			if (same_tree(&n->mirror, t->repositories.items[i]) &&
			    add_candidate(&found, t->repositories.items[i], rest, e) < 0)
				return -1;
	}
	if (add_candidate(&found, n->mirror.urls.items[own], rest, e) < 0 || add_candidates(&found, &n->mirror.urls, rest, e) < 0)
		return -1;
	for (size_t i = 0; i < found.len; i++)
		if (strv_add(ret, found.items[i], e) < 0)
			return -1;
	return 0;
}

int mirror_table_add_access(struct mirror_table *t, const char *base, const struct fetch_access *access, struct err *e)
{
	cleanup_of(access) struct fetch_access *copy = calloc(1, sizeof(*copy));
	struct fetch_access **grown = reallocarray(t->accesses, t->access_count + 1, sizeof(*grown));

	if (grown)
		t->accesses = grown;
	if (!grown || !copy)
		return err_no_memory(e);
	if (fetch_access_copy(access, copy, e) < 0)
		return -1;
	strv_release(&copy->below);
	if (add_base(&copy->below, base, e) < 0)
		return -1;
	t->accesses[t->access_count++] = steal_ptr(&copy);
	return 0;
}

const struct fetch_access *mirror_access(const struct mirror_table *t, const char *url)
{
	const struct fetch_access *best = NULL;
	size_t best_len = 0;

	for (size_t i = 0; i < t->access_count; i++) {
		const char *base = t->accesses[i]->below.items[0];
		if (strlen(base) > best_len && url_is_below(url, base)) {
			best = t->accesses[i];
			best_len = strlen(base);
		}
	}
	return best;
}
