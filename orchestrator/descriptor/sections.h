/* The sections of a distro's descriptor that are maps of their own. Internal to descriptor. */
#ifndef ORCHESTRATE_DESCRIPTOR_SECTIONS_H
#define ORCHESTRATE_DESCRIPTOR_SECTIONS_H

#include "descriptor/shape.h"

extern const struct shape kernel_shape;	   /* struct group_rules */
extern const struct shape tree_shape;	   /* struct tree_rules */
extern const struct shape toolchain_shape; /* struct toolchain_rules */
extern const struct shape mirror_shape;	   /* struct mirror, of `mirrors` */
extern const struct shape snapshot_shape;  /* struct mirror, of `snapshot` */
extern const struct shape floor_shape;	   /* char *[KIND_COUNT] */
extern const struct shape backports_shape; /* struct backport_list[KIND_COUNT] */

#endif
