/* `indexes:` of a distro's descriptor: where its packages are published. Internal to descriptor. */
#ifndef ORCHESTRATE_DESCRIPTOR_INDEXES_H
#define ORCHESTRATE_DESCRIPTOR_INDEXES_H

#include "descriptor/distro.h"
#include "descriptor/shape.h"

/* Target: a zeroed struct index_list, which the owner releases, also after a failure. Names that occur twice, two kinds in one
 * index or none, and what index_rules_check refuses are errors at their place. */
node_binder bind_indexes;
/* Of one index. */
extern const struct shape index_shape;
void index_list_release(struct index_list *list);

#endif
