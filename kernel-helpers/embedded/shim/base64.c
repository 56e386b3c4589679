/* libcommon/base64_common.c compiles to nothing without OpenSSL's BIOs: the same two functions. Both return 0 or 1. */
#include <stdint.h>
#include <string.h>

#include "mosquitto.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int mosquitto_base64_encode(const unsigned char *in, size_t size, char **encoded)
{
	char *out = *encoded = mosquitto_malloc((size + 2) / 3 * 4 + 1);
	if(!out) return 1;
	for(size_t i = 0; i < size; i += 3){
		size_t left = size - i;
		uint32_t triple = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) | (left > 2 ? in[i + 2] : 0);
		*out++ = digits[triple >> 18];
		*out++ = digits[triple >> 12 & 63];
		*out++ = left > 1 ? digits[triple >> 6 & 63] : '=';
		*out++ = left > 2 ? digits[triple & 63] : '=';
	}
	*out = 0;
	return 0;
}

/* The value of four characters, or -1; `bytes` becomes how many bytes they stand for. */
static int32_t quartet(const char *in, int *bytes)
{
	int32_t value = 0;
	*bytes = in[3] != '=' ? 3 : in[2] != '=' ? 2 : 1;
	for(int i = 0; i < 4; i++){
		const char *digit = i <= *bytes ? strchr(digits, in[i]) : digits;
		if(!digit || !*digit) return -1;
		value = value << 6 | (int32_t)(digit - digits);
	}
	return value;
}

int mosquitto_base64_decode(const char *in, unsigned char **decoded, unsigned int *decoded_size)
{
	size_t size = strlen(in), count = 0;
	*decoded = NULL;
	*decoded_size = 0;
	if(!size || size % 4) return 1;
	unsigned char *out = mosquitto_calloc(size, 1);
	if(!out) return 1;
	for(size_t i = 0; i < size; i += 4){
		int bytes;
		int32_t value = quartet(in + i, &bytes);
		if(value < 0 || (bytes < 3 && i + 4 < size)){
			mosquitto_free(out);
			return 1;
		}
		for(int b = 0; b < bytes; b++) out[count++] = (unsigned char)(value >> (16 - 8 * b));
	}
	*decoded = out;
	*decoded_size = (unsigned int)count;
	return 0;
}
