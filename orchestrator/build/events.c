#include "build/events.h"

#include <stddef.h>

static const char *const verdict_names[VERDICT_COUNT] = {
	[VERDICT_PLANNED] = "planned",	       [VERDICT_BUILT] = "built",     [VERDICT_REUSED] = "reused",
	[VERDICT_UNAVAILABLE] = "unavailable", [VERDICT_BLOCKED] = "blocked", [VERDICT_FAILED] = "failed",
};

const char *verdict_name(enum verdict v)
{
	return verdict_names[v];
}

void event_send(const struct listener *listener, const struct event *event)
{
	if (listener && listener->receive)
		listener->receive(listener->context, event);
}
