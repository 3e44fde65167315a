/* SPDX-License-Identifier: MIT */
/* Something happens, and what a probe must have reported of it afterwards. */
#ifndef GUEST_SCENE_H
#define GUEST_SCENE_H

#include <stdbool.h>
#include <stddef.h>

#include "../event.h"

enum { SCENE_MAX = 16 };

#define SCENE_PROGRAM "/bin/subject"
enum { SCENE_STATUS = 7 };

/* One record that must come; members that do not go with the type are not looked at. */
struct sighting {
	const char *what;
	uint16_t type;
	uint32_t pid;
	const char *comm;
	uint32_t child_pid, status;
	uint16_t family, local_port, remote_port;
	bool seen;
	char wrong[160]; /* of a record that came near */
};

struct scene {
	struct sighting sightings[SCENE_MAX];
	size_t count;
	size_t missing;
	unsigned long records; /* of whatever */
	uint64_t begun_ns;
};

/* Runs a process, connects over loopback with each family that there is. What can't be done at all is a failed test. */
void scene_play(struct scene *s);
/* One record; size: bytes that can be read. One that says impossible things is a failed test, the first time. */
void scene_note(struct scene *s, const void *record, size_t size);
/* A test for each record that had to come. */
void scene_report(const struct scene *s);
/* The process that the scene runs; does not return. */
void scene_subject(void) __attribute__((noreturn));

#endif
