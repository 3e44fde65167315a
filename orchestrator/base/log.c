#include "base/log.h"

#include <stdio.h>

void log_printf(struct log *log, enum log_level level, const char *format, ...)
{
	char line[2 * ERR_MESSAGE_MAX];
	va_list args;

	if (!log || !log->write || level > log->level)
		return;
	va_start(args, format);
	int n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (n >= 0)
		log->write(log->context, level, line);
}
