/* Where the kernels themselves are (`boot-images:`). Internal to descriptor; what it is for stands in distro.h. */
#ifndef ORCHESTRATE_DESCRIPTOR_BOOT_IMAGE_H
#define ORCHESTRATE_DESCRIPTOR_BOOT_IMAGE_H

#include "descriptor/distro.h"
#include "descriptor/shape.h"

/* Of a struct boot_image. */
extern const struct shape boot_image_shape;

void boot_images_release(struct boot_images *rules);

#endif
