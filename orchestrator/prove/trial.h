/* One kernel and its objects: what is known of them from before, and if that is nothing, a guest. */
#ifndef ORCHESTRATE_PROVE_TRIAL_H
#define ORCHESTRATE_PROVE_TRIAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/log.h"
#include "ledger/ledger.h"
#include "prove/image.h"
#include "prove/machine.h"
#include "prove/proof.h"

enum trial_kvm { TRIAL_KVM_NO, TRIAL_KVM_PERHAPS, TRIAL_KVM_YES };

/* What the trials of a run have in common. */
struct trial_ground {
	struct image_source images;
	struct ledger *ledger; /* NULL: nothing is remembered */
	pthread_mutex_t ledger_lock;
	struct buf init;     /* the guest's program */
	struct digest guest; /* of it and what it is told */
	bool events;	     /* objects must report what happens */
	bool again;	     /* also what has been shown before */
	unsigned timeout_ms;
	_Atomic enum trial_kvm kvm;
	const char *version; /* of the emulator; NULL: there is none, `missing` says why */
	const char *missing;
	struct log *log;
	const struct cancel *cancel;
};

/* An object on disk; path NULL: there is none, absent says why. */
struct trial_object {
	const char *path, *absent;
};

/* The bytes of an object as it is loaded: out of gzip where it is in it. */
must_check int trial_read_object(const char *path, struct buf *ret, struct err *e);
/* proofs[kind] NULL: not asked for; else kernel and kind are set and the rest is filled. -1: cancelled, or nothing can go on. */
must_check int trial_make(struct trial_ground *g, const struct distro *d, const struct kernel *k,
			  const struct trial_object objects[KIND_COUNT], struct proof *const proofs[KIND_COUNT], struct err *e);

#endif
