/* The package with the kernel itself (`proof:`). Internal to descriptor; what it is for stands in distro.h. */
#ifndef ORCHESTRATE_DESCRIPTOR_IMAGE_H
#define ORCHESTRATE_DESCRIPTOR_IMAGE_H

#include "descriptor/shape.h"

/* Names only what distro_image_names has. */
int rule_image_text(const char *text, struct err *e);

#endif
