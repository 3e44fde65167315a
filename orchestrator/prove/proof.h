/* prove: does what was built work in the kernel that it was built for? Boots the distribution's own kernel in an emulator with the
 * objects, and says of each how that went. What a guest says is bytes of a stranger; nothing of it is believed beyond its form. It
 * builds nothing, and knows neither lists nor the layout of the output tree.
 *
 * Here: what came of one kernel and kind. */
#ifndef ORCHESTRATE_PROVE_PROOF_H
#define ORCHESTRATE_PROVE_PROOF_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "kernel/kind.h"
#include "prove/tap.h"
#include "stream/digest.h"

enum proof_verdict {
	PROOF_BOOTED, /* shown to work in the booted kernel */
	PROOF_GATED,  /* it has passed its checks when it was built, no more: it could not be booted; reason */
	PROOF_FAILED, /* booted, and it does not work; finding, reason */
	PROOF_ABSENT, /* there is no object; reason */
	PROOF_VERDICTS,
};

const char *proof_verdict_name(enum proof_verdict v);

struct proof {
	char *kernel; /* its id */
	enum probe_kind_id kind;
	enum proof_verdict verdict;
	char finding[TAP_FINDING_MAX]; /* PROOF_FAILED: "load", "verifier", "events", "oops", "hung", ...; else "" */
	char *reason;		       /* for people; NULL for booted */
	struct strv tail;	       /* the guest's last console lines, where they explain something */
	bool trouble;		       /* PROOF_GATED by something that another try may mend */
	bool reused;		       /* shown by an earlier run, with these very bytes */

	char *file;    /* the object's name in the output tree; NULL: absent */
	char *image;   /* file name of the package with the kernel; NULL: not known */
	char *machine; /* "QEMU 7.2.22 (tcg)"; NULL: none ran */
	bool object_known, image_known, kernel_image_known;
	struct digest object;	    /* as it is loaded, not compressed */
	struct digest image_digest; /* of that package */
	struct digest kernel_image; /* of the kernel in it */
	uint64_t events;	    /* records that the probe gave */
	uint64_t milliseconds;	    /* of the guest; both kinds may have shared it */
};

void proof_release(struct proof *p);
#define cleanup_proof __attribute__((cleanup(proof_release)))

/* Sets verdict, finding ("" none) and reason. Out of memory: the reason is missing. */
void proof_judge(struct proof *p, enum proof_verdict verdict, const char *finding, const char *format, ...) printf_like(4, 5);

/* One entry of proof.json. Borrowed strings are copied. NULL with *e. */
json_t *proof_to_json(const struct proof *p, struct err *e);

#endif
