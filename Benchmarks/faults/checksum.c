// CRC-32C of RFC 3720 for the checker, which reads gibibytes: the table of octets.py at the speed of C.
#include <stddef.h>
#include <stdint.h>

uint32_t faults_crc32c(const uint32_t *table, const uint8_t *octets, size_t count) {
    uint32_t value = 0xFFFFFFFFu;
    for (size_t index = 0; index < count; index++) value = value >> 8 ^ table[(value ^ octets[index]) & 255];
    return value ^ 0xFFFFFFFFu;
}
