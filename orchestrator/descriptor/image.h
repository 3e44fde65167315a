/* Where the kernels themselves are (`images:`). Internal to descriptor; what it is for stands in distro.h. */
#ifndef ORCHESTRATE_DESCRIPTOR_IMAGE_H
#define ORCHESTRATE_DESCRIPTOR_IMAGE_H

#include "descriptor/distro.h"
#include "descriptor/shape.h"

/* Of a struct image_rule. */
extern const struct shape image_shape;

void image_rules_release(struct image_rules *rules);

#endif
