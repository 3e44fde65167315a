#include "gate/gate_job.h"

#include "base/buf.h"
#include "stream/digest.h"
#include "stream/filter.h"

int gate_job_init(struct gate_job *job, char **argv, struct err *e)
{
	const struct filter_limits limits = { .memory_bytes = (uint64_t)512 << 20,
					      .cpu_seconds = 60,
					      .file_bytes = OBJECT_BYTES_MAX * 2 };
	unsigned long long machine, captures;
	struct digest unused;

	if (str_to_u64(argv[2], UINT16_MAX, &machine, e) < 0 || str_to_u64(argv[4], RESULT_CAPTURES_MAX, &captures, e) < 0)
		return -1;
	*job = (struct gate_job){
		.expect = { .release = argv[1], .elf_machine = (uint16_t)machine, .module_name = *argv[3] ? argv[3] : NULL },
		.captures = (size_t)captures,
	};
	/* libcrypto reads its configuration on first use, which confinement would forbid. */
	if (digest_of("", 0, &unused, e) < 0)
		return -1;
	return filter_confine(&limits, e);
}

int gate_job_read(struct gate_job *job, struct err *e)
{
	struct reference *reference = NULL;

	if (job->expect.reference || job->captures == 0)
		return 0;
	if (reference_new(&reference, e) < 0)
		return -1;
	job->expect.reference = reference;
	for (size_t i = 0; i < job->captures; i++)
		if (reference_read(reference, RESULT_FIRST_CAPTURE_FD + (int)i, e) < 0)
			return -1;
	return 0;
}
