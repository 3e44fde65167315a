/* Inside toolchain: a root file system made by mmdebstrap(1) out of a recipe's packages, as a layer. */
#ifndef ORCHESTRATE_TOOLCHAIN_BOOTSTRAP_H
#define ORCHESTRATE_TOOLCHAIN_BOOTSTRAP_H

#include "descriptor/recipe.h"
#include "oci/layer.h"
#include "toolchain/toolchain.h"

/* What bootstrapped layers have in common. Raised when the rules here change what comes out of the same packages. */
#define BOOTSTRAP_FORMAT "1"

/* Makes the layer as a blob in dir. Same packages, same diff_id: mtimes are 0, and what differs from run to run or machine to
 * machine (logs, caches, host names, mirror) is left out, as are manuals and translations. Mirrors in order; a failure that is not
 * a cancel goes on to the next. mmdebstrap unpacks below dir, too. */
must_check int bootstrap_layer(const struct recipe *recipe, const struct toolchain_options *options, const char *dir,
			       struct layer *ret, struct err *e);

#endif
