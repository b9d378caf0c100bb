/* replay.c - runs a fuzz target over its committed corpus without libFuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
run_file(const char *dir, const char *name)
{
	char path[4096];
	uint8_t *buf = malloc(1 << 20);
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "rb");
	if (f == NULL || buf == NULL) {
		free(buf);
		return -1;
	}
	n = fread(buf, 1, 1 << 20, f);
	fclose(f);
	(void)LLVMFuzzerTestOneInput(buf, n);
	free(buf);
	return 0;
}

int
main(int argc, char **argv)
{
	struct dirent *e;
	int ran = 0;
	DIR *d;

	if (argc != 2 || (d = opendir(argv[1])) == NULL) {
		fprintf(stderr, "usage: %s CORPUS-DIRECTORY\n", argv[0]);
		return 2;
	}
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.') {
			if (run_file(argv[1], e->d_name) != 0)
				return 1;
			ran++;
		}
	closedir(d);
	printf("%d inputs\n", ran);
	return ran > 0 ? 0 : 1; /* an empty corpus tests nothing */
}
