/* Decodes the layers of one frame as a program of somebody else would, with what the package perigee-gateway installs:
   decode BUNDLE DESCRIPTION SIZE LAYER... writes the SIZE octets of samples to its output. A layer is a file. */
#include <perigee.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS = 8, CAPACITY = 1 << 20 };

static int fail(const char *what, const char *message) {
    fprintf(stderr, "decode: %s: %s\n", what, message);
    return 1;
}

int main(int argc, char **argv) {
    static uint8_t payload[CAPACITY];
    int64_t sizes[LAYERS] = {0};
    char message[256] = "";
    size_t used = 0;
    const int layers = argc - 4;
    if (layers < 1 || layers > LAYERS) return fail("usage", "decode BUNDLE DESCRIPTION SIZE LAYER...");
    for (int index = 0; index < layers; index++) {
        FILE *file = fopen(argv[4 + index], "rb");
        if (!file) return fail(argv[4 + index], "cannot be read");
        const size_t size = fread(payload + used, 1, CAPACITY - used, file);
        fclose(file);
        sizes[index] = (int64_t)size;
        used += size;
    }
    void *model = perigee_model_open(argv[1], message, (ptrdiff_t)sizeof message);
    if (!model) return fail("perigee_model_open", message);
    void *stream = perigee_stream_open(model, (const uint8_t *)argv[2], (ptrdiff_t)strlen(argv[2]), 1, message,
                                       (ptrdiff_t)sizeof message);
    perigee_close(model);
    if (!stream) return fail("perigee_stream_open", message);
    const ptrdiff_t size = (ptrdiff_t)strtol(argv[3], NULL, 10);
    uint8_t *samples = (uint8_t *)malloc((size_t)size);
    if (!samples) return fail("samples", "no memory");
    if (perigee_decode(stream, payload, sizes, layers, NULL, samples, size, message, (ptrdiff_t)sizeof message) < 0)
        return fail("perigee_decode", message);
    perigee_close(stream);
    if (fwrite(samples, 1, (size_t)size, stdout) != (size_t)size || fflush(stdout) != 0) return fail("output", "is closed");
    free(samples);
    return 0;
}
