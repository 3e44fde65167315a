/* SPDX-License-Identifier: MIT */
/* The two kinds of object that a guest tries. */
#ifndef GUEST_KIND_H
#define GUEST_KIND_H

#include <stdbool.h>

#include "scene.h"

/* How long records are waited for when nothing comes any more. */
enum { IDLE_MS = 2000 };

/* Loads, plays the scene when `events` is true, and unloads. Everything becomes a test. */
void mod_try(const char *path, bool events);
void bpf_try(const char *path, bool events);

#endif
