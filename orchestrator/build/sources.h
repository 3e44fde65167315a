/* The probe's sources as a builder gets them, and their digests for the build keys. */
#ifndef ORCHESTRATE_BUILD_SOURCES_H
#define ORCHESTRATE_BUILD_SOURCES_H

#include "base/buf.h"
#include "base/err.h"
#include "descriptor/probe.h"
#include "kernel/kind.h"
#include "stream/digest.h"

enum { SOURCES_MAX_BYTES = 64 * 1024 * 1024, SOURCES_MAX_FILES = 10000 };

/* Packs what probe.yaml names as each kind's `sources` (files and directories below `dir`) into one tar, appended to *tar:
 * `mod/...` for the one kind, `bpf/...` for the other, each with a copy of its own, so that what a build can see is what its digest
 * covers. Sorted, without owners and times: the same sources give the same bytes. digests[kind] is over paths, x bits and contents.
 * Left out: names that start with a dot, and what a build in place leaves behind (*.o, *.ko, *.mod, *.mod.c, Module.symvers,
 * modules.order). A symbolic link or special file: ERR_INPUT. More than the maxima above: ERR_LIMIT. */
must_check int sources_pack(const char *dir, const struct probe *probe, struct buf *tar, struct digest digests[KIND_COUNT],
			    struct err *e);

#endif
