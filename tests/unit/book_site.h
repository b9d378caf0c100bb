/* book_site.h - books in a temporary directory, imported from text. */
#ifndef OV_TESTS_BOOK_SITE_H
#define OV_TESTS_BOOK_SITE_H

#include "client/book/book.h"

#define ALL_RANKS 0xfe
#define NO_BARE_NAMES 0x7e

/* Of the last import. */
extern struct ov_import_file table[OV_IMPORT_FILES_MAX];
extern struct ov_import_result result;
extern struct ov_fault fault;

extern char site_dir[64];

/* cmocka setup and teardown of a group: the directory; all gone again, which fails where
 * anything but databases was left behind. */
int site_setup(void **state);
int site_teardown(void **state);

struct ov_db *new_db(void);

/* Files as text, ended by NULL; and one. */
enum ov_status import_files(
    struct ov_db *db, const char *const *text, const struct ov_import_options *options);
enum ov_status import_with(
    struct ov_db *db, const char *csv, const struct ov_import_options *options);

/* Replaces the book, nothing held; fails the test with the fault's words. */
void import(struct ov_db *db, const char *csv);
void import_bytes(struct ov_db *db, const void *bytes, size_t len);
void import_file(struct ov_db *db, const char *name); /* of tests/data */

struct ov_book_stats stats_of(struct ov_db *db);

/* The frozen list as text: "population/fit/band rank=value ...\n".  Good until the next
 * call. */
const char *freeze_as(struct ov_db *db, const struct ov_freeze_options *options);
const char *freeze(
    struct ov_db *db, uint32_t hidden, uint8_t ranks, const struct ov_icp *icp);

#endif /* OV_TESTS_BOOK_SITE_H */
