#include "prove/trial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "gate/object.h"
#include "prove/guest.h"
#include "prove/initramfs.h"
#include "prove/judge.h"
#include "stream/decompress_source.h"
#include "stream/sink.h"
#include "stream/source.h"

enum {
	DECODER_BYTES = 64 << 20,
	KVM_WAKE_MS = 10000, /* where KVM works, a kernel is up in a second or two */
};

/* A kernel at trial. */
struct trial {
	struct trial_ground *ground;
	const struct distro *distro;
	const struct kernel *kernel;
	struct proof *const *proofs;
	struct buf objects[KIND_COUNT];
	bool todo[KIND_COUNT];
	struct image image;
};

static bool has_todo(const struct trial *t)
{
	for (int kind = 0; kind < KIND_COUNT; kind++)
		if (t->todo[kind])
			return true;
	return false;
}

/* Whatever stands in the way of a guest is the same for all that would have been in it. */
static void give_up(struct trial *t, const struct err *why)
{
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		if (!t->todo[kind])
			continue;
		t->todo[kind] = false;
		t->proofs[kind]->trouble = why->kind != ERR_NOT_FOUND;
		proof_judge(t->proofs[kind], PROOF_GATED, "", "%s", why->message);
	}
}

/* --- the objects --- */

int trial_read_object(const char *path, struct buf *ret, struct err *e)
{
	int fd = file_open(path, e);
	struct source *file = fd < 0 ? NULL : source_from_fd(fd, true, e);
	struct source *plain = file ? source_decompress(file, DECODER_BYTES, OBJECT_BYTES_MAX, e) : NULL;
	struct sink *out = plain ? sink_to_buf(ret, OBJECT_BYTES_MAX, e) : NULL;

	int rc = out && sink_copy(out, plain, e) == 0 ? sink_finish(out, e) : -1;
	sink_free(out);
	source_free(plain);
	return rc < 0 ? err_wrap(e, "'%s'", path) : 0;
}

static int read_objects(struct trial *t, const struct trial_object objects[KIND_COUNT], struct err *e)
{
	struct err why;

	for (int kind = 0; kind < KIND_COUNT; kind++) {
		struct proof *p = t->proofs[kind];
		if (!p)
			continue;
		if (!objects[kind].path) {
			proof_judge(p, PROOF_ABSENT, "", "%s", objects[kind].absent);
			continue;
		}
		if (!p->file && !(p->file = str_dup(path_base(objects[kind].path), e)))
			return -1;
		if (trial_read_object(objects[kind].path, &t->objects[kind], &why) < 0) {
			proof_judge(p, PROOF_FAILED, "object", "object: %s", why.message);
			continue;
		}
		if (digest_of(buf_text(&t->objects[kind]), t->objects[kind].len, &p->object, e) < 0)
			return -1;
		p->object_known = true;
		t->todo[kind] = true;
	}
	return 0;
}

/* --- what is known --- */

static struct ledger_proof_key ledger_key(const struct trial *t, int kind)
{
	return (struct ledger_proof_key){ .kernel = t->kernel->id,
					  .kind = kind_name((enum probe_kind_id)kind),
					  .object = t->proofs[kind]->object,
					  .image = t->image.digest,
					  .guest = t->ground->guest };
}

static int take_image(struct trial *t, struct err *e)
{
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		struct proof *p = t->proofs[kind];
		if (!p || !p->object_known)
			continue;
		free(p->image);
		p->image = str_dup(t->image.name, e);
		if (!p->image)
			return -1;
		p->image_known = true;
		p->image_digest = t->image.digest;
	}
	return 0;
}

/* A ledger that can't be asked costs a warning and a boot. */
static void recall_one(struct trial *t, int kind)
{
	struct trial_ground *g = t->ground;
	cleanup_ledger_proof struct ledger_proof known = { 0 };
	const struct ledger_proof_key key = ledger_key(t, kind);
	struct proof *p = t->proofs[kind];
	struct err why;

	pthread_mutex_lock(&g->ledger_lock);
	int got = ledger_proof_get(g->ledger, &key, &known, &why);
	pthread_mutex_unlock(&g->ledger_lock);
	if (got < 0)
		log_printf(g->log, LOG_WARNING, "%s", why.message);
	if (got <= 0 || !known.passed)
		return;
	t->todo[kind] = false;
	p->reused = true;
	p->kernel_image_known = true;
	p->kernel_image = known.kernel_image;
	p->events = known.events;
	p->milliseconds = known.milliseconds;
	p->machine = steal_ptr(&known.machine);
	proof_judge(p, PROOF_BOOTED, "", "shown before");
}

static int recall(struct trial *t, struct err *e)
{
	int known = image_known(&t->ground->images, t->distro, t->kernel, &t->image, e);

	if (known <= 0)
		return known;
	if (take_image(t, e) < 0)
		return -1;
	for (int kind = 0; t->ground->ledger && !t->ground->again && kind < KIND_COUNT; kind++)
		if (t->todo[kind])
			recall_one(t, kind);
	return 0;
}

static void remember(struct trial *t, int kind)
{
	struct trial_ground *g = t->ground;
	const struct ledger_proof_key key = ledger_key(t, kind);
	struct proof *p = t->proofs[kind];
	char none[] = "";
	struct ledger_proof known = {
		.passed = p->verdict == PROOF_BOOTED,
		.finding = p->finding,
		.reason = p->reason ? p->reason : none,
		.kernel_image = p->kernel_image,
		.events = p->events,
		.milliseconds = p->milliseconds,
		.machine = p->machine,
		.proven = time(NULL),
	};
	struct err why;

	if (!g->ledger || !p->machine || (p->verdict != PROOF_BOOTED && p->verdict != PROOF_FAILED))
		return;
	pthread_mutex_lock(&g->ledger_lock);
	int rc = ledger_proof_put(g->ledger, &key, &known, &why);
	pthread_mutex_unlock(&g->ledger_lock);
	if (rc < 0)
		log_printf(g->log, LOG_WARNING, "%s", why.message);
}

/* --- guests --- */

static int make_initramfs(const struct trial *t, int *ret_fd, struct err *e)
{
	struct initramfs parts = { .init = &t->ground->init, .events = t->ground->events };

	for (int kind = 0; kind < KIND_COUNT; kind++)
		parts.objects[kind] = t->todo[kind] ? &t->objects[kind] : NULL;
	cleanup_close int fd = memfd_create("initramfs", MFD_CLOEXEC);
	if (fd < 0)
		return err_system(e, errno, "making a file in memory");
	if (initramfs_write(&parts, fd, e) < 0)
		return -1;
	*ret_fd = steal_fd(&fd);
	return 0;
}

/* Runs it with KVM where that works, which the first guest of a run finds out. */
static int run_guest(struct trial_ground *g, struct guest *guest, struct guest_result *r, struct err *e)
{
	enum trial_kvm kvm = atomic_load(&g->kvm);

	guest->kvm = kvm != TRIAL_KVM_NO;
	guest->wake_ms = kvm == TRIAL_KVM_PERHAPS ? KVM_WAKE_MS : 0;
	if (guest_run(guest, g->cancel, r, e) < 0)
		return -1;
	if (kvm != TRIAL_KVM_PERHAPS)
		return 0;
	if (r->tap.version) {
		atomic_store(&g->kvm, TRIAL_KVM_YES);
		return 0;
	}
	if (atomic_exchange(&g->kvm, TRIAL_KVM_NO) != TRIAL_KVM_NO)
		log_printf(g->log, LOG_WARNING, "/dev/kvm is there but guests do not come up with it (%s); going on without",
			   r->emulator[0] ? r->emulator : "no word from the first");
	guest->kvm = false;
	guest->wake_ms = 0;
	return guest_run(guest, g->cancel, r, e);
}

/* One guest with all that is still to be tried. An object that ended it before its neighbour's turn is not in the next. */
static int try_once(struct trial *t, int kernel_fd, struct err *e)
{
	struct trial_ground *g = t->ground;
	struct proof *in_it[KIND_COUNT] = { NULL };
	bool undecided[KIND_COUNT];
	struct guest_result r;
	cleanup_close int initramfs = -1;

	if (make_initramfs(t, &initramfs, e) < 0)
		return -1;
	struct guest guest = { .machine = machine_find(t->kernel->arch, e),
			       .kernel_fd = kernel_fd,
			       .initramfs_fd = initramfs,
			       .timeout_ms = g->timeout_ms };
	log_printf(g->log, LOG_DEBUG, "booting %s", t->kernel->id);
	if (!guest.machine || run_guest(g, &guest, &r, e) < 0)
		return -1;
	for (int kind = 0; kind < KIND_COUNT; kind++)
		in_it[kind] = t->todo[kind] ? t->proofs[kind] : NULL;
	if (judge(&r, g->events, in_it, undecided, e) < 0)
		return -1;
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		struct proof *p = in_it[kind];
		t->todo[kind] = undecided[kind];
		if (!p || undecided[kind])
			continue;
		p->milliseconds = r.milliseconds;
		p->machine = str_printf(e, "%s (%s)", g->version, guest.kvm ? "kvm" : "tcg");
		if (!p->machine)
			return -1;
		remember(t, kind);
	}
	return 0;
}

static int boot(struct trial *t, struct err *e)
{
	struct digest digest;
	cleanup_close int kernel_fd = -1;

	if (!machine_find(t->kernel->arch, e))
		return -1;
	if (!t->ground->version) {
		err_set(e, ERR_FAILED, "%s", t->ground->missing);
		return -1;
	}
	image_release(&t->image);
	if (image_get(&t->ground->images, t->distro, t->kernel, &t->image, e) < 0 || take_image(t, e) < 0 ||
	    image_extract(&t->ground->images, t->distro, &t->image, &kernel_fd, &digest, e) < 0)
		return -1;
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		if (!t->todo[kind])
			continue;
		t->proofs[kind]->kernel_image_known = true;
		t->proofs[kind]->kernel_image = digest;
	}
	while (has_todo(t))
		if (try_once(t, kernel_fd, e) < 0)
			return -1;
	return 0;
}

static int make(struct trial *t, const struct trial_object objects[KIND_COUNT], struct err *e)
{
	struct err why;

	if (read_objects(t, objects, e) < 0 || (has_todo(t) && recall(t, e) < 0))
		return -1;
	if (!has_todo(t) || boot(t, &why) == 0)
		return 0;
	if (why.kind == ERR_CANCELLED) {
		*e = why;
		return -1;
	}
	give_up(t, &why);
	return 0;
}

int trial_make(struct trial_ground *g, const struct distro *d, const struct kernel *k,
	       const struct trial_object objects[KIND_COUNT], struct proof *const proofs[KIND_COUNT], struct err *e)
{
	struct trial t = { .ground = g, .distro = d, .kernel = k, .proofs = proofs };

	int rc = make(&t, objects, e);
	for (int kind = 0; kind < KIND_COUNT; kind++)
		buf_release(&t.objects[kind]);
	image_release(&t.image);
	return rc;
}
