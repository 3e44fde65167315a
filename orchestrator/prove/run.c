#include "prove/run.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"

enum { INIT_BYTES_MAX = 16 << 20 };

/* Raise it when the same guest is judged otherwise. */
static const char scheme[] = "orchestrate proof 1";

struct run {
	const struct prove_options *options;
	const struct prove_task *tasks;
	size_t count, next;
	struct proof_set *proofs; /* task i's are those from i * per_task on */
	size_t per_task;
	struct trial_ground ground;
	char *version;
	struct err missing;   /* why there is no emulator */
	pthread_mutex_t lock; /* of next, failure and the calls of done */
	bool failed;
	struct err failure; /* the first that ends the run */
};

void proof_set_release(struct proof_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		proof_release(&set->items[i]);
	free(set->items);
	*set = (struct proof_set){ 0 };
}

static int hash_guest(const struct run *r, struct digest *ret, struct err *e)
{
	struct hasher *h = hasher_new(e);

	if (!h)
		return -1;
	int rc = hasher_text(h, scheme, e) == 0 && hasher_field(h, r->ground.init.data, r->ground.init.len, e) == 0 &&
				 hasher_text(h, r->options->events ? "events" : "load", e) == 0
			 ? hasher_finish(h, ret, e)
			 : -1;
	hasher_free(h);
	return rc;
}

/* No emulator is no reason to end: what has been shown before can still be told. Kernels of an architecture without guests are none
 * for the others. */
static void find_emulator(struct run *r)
{
	const struct machine *m = NULL;

	for (size_t i = 0; !m && i < r->count; i++)
		m = machine_find(r->tasks[i].kernel->arch, &r->missing);

	if (m && machine_version(m, r->options->cancel, &r->version, &r->missing) == 0)
		r->ground.version = r->version;
	r->ground.missing = r->missing.message;
	r->ground.kvm = r->ground.version && machine_has_kvm() ? TRIAL_KVM_PERHAPS : TRIAL_KVM_NO;
}

static int make_proofs(struct run *r, struct err *e)
{
	for (int kind = 0; kind < KIND_COUNT; kind++)
		r->per_task += r->options->kinds[kind];
	r->proofs->items = calloc(r->count * r->per_task + 1, sizeof(*r->proofs->items));
	if (!r->proofs->items)
		return err_no_memory(e);
	for (size_t i = 0; i < r->count; i++) {
		for (int kind = 0; kind < KIND_COUNT; kind++) {
			if (!r->options->kinds[kind])
				continue;
			struct proof *p = &r->proofs->items[r->proofs->count++];
			p->kind = (enum probe_kind_id)kind;
			p->kernel = str_dup(r->tasks[i].kernel->id, e);
			if (!p->kernel)
				return -1;
		}
	}
	return 0;
}

static int prepare(struct run *r, struct err *e)
{
	const struct prove_options *o = r->options;
	struct trial_ground *g = &r->ground;

	g->images.cache = o->cache;
	g->images.mirrors = o->mirrors;
	g->images.cancel = g->cancel = o->cancel;
	g->ledger = o->ledger;
	g->events = o->events;
	g->again = o->again;
	g->timeout_ms = o->timeout_s * 1000;
	g->log = o->log;
	if (file_read(o->init_path, INIT_BYTES_MAX, &g->init, e) < 0)
		return err_wrap(e, "the guest's program (`make` builds it)");
	if (hash_guest(r, &g->guest, e) < 0)
		return -1;
	find_emulator(r);
	return make_proofs(r, e);
}

static void fail(struct run *r, const struct err *why)
{
	pthread_mutex_lock(&r->lock);
	if (!r->failed)
		r->failure = *why;
	r->failed = true;
	pthread_mutex_unlock(&r->lock);
}

static bool take(struct run *r, size_t *ret)
{
	pthread_mutex_lock(&r->lock);
	bool got = !r->failed && r->next < r->count;
	*ret = r->next;
	r->next += got;
	if (got)
		r->options->begun(r->options->context, r->tasks[*ret].kernel);
	pthread_mutex_unlock(&r->lock);
	return got;
}

static void *work(void *context)
{
	struct run *r = context;
	struct err why;
	size_t i;

	while (take(r, &i)) {
		const struct prove_task *task = &r->tasks[i];
		struct proof *proofs[KIND_COUNT] = { NULL };
		struct proof *first = &r->proofs->items[i * r->per_task];
		for (size_t n = 0; n < r->per_task; n++)
			proofs[first[n].kind] = &first[n];
		if (cancel_check(r->options->cancel, &why) < 0 ||
		    trial_make(&r->ground, task->distro, task->kernel, task->objects, proofs, &why) < 0) {
			fail(r, &why);
			break;
		}
		pthread_mutex_lock(&r->lock);
		for (size_t n = 0; n < r->per_task; n++)
			r->options->done(r->options->context, &first[n]);
		r->options->ended(r->options->context, task->kernel);
		pthread_mutex_unlock(&r->lock);
	}
	return NULL;
}

/* Those who could be started do all the work. */
static int run_workers(struct run *r, struct err *e)
{
	pthread_t threads[PROVE_JOBS_MOST];
	unsigned wanted = r->options->jobs < PROVE_JOBS_MOST ? r->options->jobs : PROVE_JOBS_MOST, started = 0;
	int rc = 0;

	while (started < wanted && started < r->count && rc == 0) {
		rc = pthread_create(&threads[started], NULL, work, r);
		started += rc == 0;
	}
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	if (started == 0 && r->count)
		return err_system(e, rc, "starting a thread");
	if (r->failed)
		*e = r->failure;
	return r->failed ? -1 : 0;
}

int prove_run(const struct prove_options *options, const struct prove_task *tasks, size_t count, struct proof_set *ret,
	      struct err *e)
{
	cleanup_proof_set struct proof_set proofs = { 0 };
	struct run r = { .options = options, .tasks = tasks, .count = count, .proofs = &proofs };

	if (image_source_init(&r.ground.images, e) < 0)
		return -1;
	pthread_mutex_init(&r.ground.ledger_lock, NULL);
	pthread_mutex_init(&r.lock, NULL);
	int rc = prepare(&r, e) < 0 ? -1 : run_workers(&r, e);
	pthread_mutex_destroy(&r.lock);
	pthread_mutex_destroy(&r.ground.ledger_lock);
	image_source_release(&r.ground.images);
	buf_release(&r.ground.init);
	free(r.version);
	if (rc < 0)
		return -1;
	*ret = proofs;
	proofs = (struct proof_set){ 0 };
	return 0;
}
