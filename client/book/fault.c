#include "client/book/fault.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>

enum ov_status
ov_fault_set(
    struct ov_fault *f, enum ov_status st, uint64_t line, const char *format, ...)
{
	va_list ap;

	if (f == NULL)
		return st;
	f->line = line;
	va_start(ap, format);
	(void)vsnprintf(f->text, sizeof(f->text), format, ap);
	va_end(ap);
	for (char *p = f->text; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	return st;
}

void
ov_fault_print(FILE *out, const char *file, enum ov_status st, const struct ov_fault *f)
{
	const char *text = f != NULL && f->text[0] != '\0' ? f->text : ov_status_text(st);

	if (f != NULL && f->line > 0)
		fprintf(out, "%s, line %" PRIu64 ": %s\n", file, f->line, text);
	else
		fprintf(out, "%s: %s\n", file, text);
}
