/* The inside of `filter module`. */
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "sign/module.h"
#include "sign/trailer.h"
#include "stream/decompress_source.h"
#include "stream/filter.h"
#include "stream/sink.h"
#include "stream/source.h"

enum { BYTES_FD = 3, BYTES_MAX = OBJECT_BYTES_MAX + SIGNATURE_BYTES_MAX };

struct job {
	bool gzip, unchecked;
	char release[160]; /* "": its own */
	unsigned long long machine;
};

static int job_init(struct job *job, int argc, char **argv, struct err *e)
{
	const struct filter_limits limits = { .memory_bytes = (uint64_t)512 << 20, .cpu_seconds = 60, .file_bytes = 0 };

	if (argc != 5 || strlen(argv[3]) >= sizeof(job->release))
		return err_set(e, ERR_USAGE, "filter module: wrong arguments");
	*job = (struct job){ .gzip = strcmp(argv[1], "gzip") == 0, .unchecked = strcmp(argv[2], "unchecked") == 0 };
	memcpy(job->release, argv[3], strlen(argv[3]));
	if (str_to_u64(argv[4], UINT16_MAX, &job->machine, e) < 0)
		return -1;
	return filter_confine(&limits, e);
}

static int read_file(const struct job *job, struct buf *ret, struct err *e)
{
	struct source *file = source_from_fd(STDIN_FILENO, false, e);
	struct source *bytes = file && job->gzip ? source_decompress(file, 0, BYTES_MAX, e) : file;
	struct sink *sink = bytes ? sink_to_buf(ret, BYTES_MAX, e) : NULL;

	int rc = sink && sink_copy(sink, bytes, e) == 0 ? sink_finish(sink, e) : -1;
	sink_free(sink);
	source_free(bytes);
	return rc;
}

/* What the file says it is for; the check itself refuses what is no ELF file. */
static uint16_t own_machine(const struct buf *bytes)
{
	GElf_Ehdr header = { 0 };

	elf_version(EV_CURRENT);
	Elf *elf = elf_memory(bytes->data, bytes->len);
	if (elf)
		gelf_getehdr(elf, &header);
	elf_end(elf);
	return header.e_machine;
}

/* A module for any kernel is held against what it says of itself, which the first look gives. */
static int check(struct job *job, const struct buf *bytes, struct object_report *ret, struct err *e)
{
	struct gate_expect expect = { .kind = KIND_MOD, .release = job->release, .elf_machine = (uint16_t)job->machine };
	size_t len = bytes->len;
	struct err damaged;

	/* A signature that makes no sense is told by who reads it; here it is just more bytes. */
	if (trailer_strip(bytes->data, bytes->len, &len, &damaged) < 0)
		len = bytes->len;
	if (!expect.elf_machine)
		expect.elf_machine = bytes->len ? own_machine(bytes) : EM_NONE;
	if (!job->release[0]) {
		if (object_check(bytes->data, len, &expect, ret, e) < 0)
			return -1;
		snprintf(job->release, sizeof(job->release), "%.*s", (int)strcspn(ret->vermagic, " "), ret->vermagic);
	}
	return object_check(bytes->data, len, &expect, ret, e);
}

static int write_out(const struct buf *bytes, const struct object_report *report, struct err *e)
{
	if (report->finding_count == 0 && fd_write_all(BYTES_FD, bytes->data, bytes->len, e) < 0)
		return -1;
	/* The reader waits for the end of the bytes before it reads the report. */
	close(BYTES_FD);
	json_t *json = object_report_to_json(report, e);
	cleanup_free char *text = json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	json_decref(json);
	return text ? fd_write_all(STDOUT_FILENO, text, strlen(text), e) : err_no_memory(e);
}

int module_filter_run(int argc, char **argv, struct err *e)
{
	struct object_report report = { 0 };
	cleanup_buf struct buf bytes = { 0 };
	struct job job = { 0 };

	if (job_init(&job, argc, argv, e) < 0 || read_file(&job, &bytes, e) < 0)
		return -1;
	if (!job.unchecked && check(&job, &bytes, &report, e) < 0)
		return -1;
	return write_out(&bytes, &report, e);
}
