/* schema.h - the tables of a home, as one append-only list of migrations.
 *
 * Entry v takes a database from version v to v + 1.  An entry that was released never
 * changes; a module that needs a table exports its statements as a string (`extern const
 * char ov_book_schema_1[];`) and schema.c puts it at the end of the list.
 */
#ifndef OV_CLIENT_SCHEMA_H
#define OV_CLIENT_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#define OV_HOME_APPLICATION_ID 0x4f76486d /* "OvHm" */

extern const char *const ov_schema[];
extern const size_t ov_schema_n;

#endif /* OV_CLIENT_SCHEMA_H */
