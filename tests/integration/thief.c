/* thief HOME RECORDED - with a company's stolen home, key file included, tries to open
 * the POINTS chunks that somebody recorded (stolen.h).  Prints how many of them opened.
 */
#include "stolen.h"

static bool
opens(struct ov_home *home, const struct stolen_chunk *chunk)
{
	static uint8_t plain[OV_CHUNK_MAX];
	struct stolen_keys k;
	struct ov_job j;
	size_t len;

	return ov_job_get(&j, home, chunk->job) == OV_OK &&
	       stolen_keys(&k, home, &j) == OV_OK && stolen_open(plain, &len, chunk, &k);
}

int
main(int argc, char **argv)
{
	struct ov_home *home = NULL;
	struct stolen_chunk chunk;
	unsigned int chunks = 0, opened = 0;
	FILE *f = NULL;
	enum ov_status st;

	if (argc != 3) {
		fprintf(stderr, "usage: thief HOME RECORDED\n");
		return 2;
	}
	OV_TRY(stolen_home(&home, argv[1]));
	f = fopen(argv[2], "rb");
	OV_REQUIRE(f != NULL, OV_E_IO);
	for (; stolen_next(&chunk, f); chunks++)
		opened += opens(home, &chunk);
	printf("%u of %u\n", opened, chunks);
done:
	if (f != NULL)
		fclose(f);
	ov_home_close(home);
	if (st != OV_OK)
		fprintf(stderr, "thief: %s\n", ov_status_name(st));
	return st == OV_OK ? 0 : 1;
}
