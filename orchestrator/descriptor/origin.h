/* The sections of a distro's descriptor about trees that do not come ready in archives. */
#ifndef ORCHESTRATE_DESCRIPTOR_ORIGIN_H
#define ORCHESTRATE_DESCRIPTOR_ORIGIN_H

#include "descriptor/shape.h"

extern const struct shape prepare_shape; /* struct prepare_rules */
extern const struct shape image_shape;	 /* struct image_rules */

#endif
