/* OpenSSH 7.5 takes EVP_Cipher for a function that returns 1; OpenSSL 3 returns the number of bytes. */
#define _GNU_SOURCE
#include <dlfcn.h>

typedef int (*cipher_function)(void *, unsigned char *, const unsigned char *, unsigned int);

int EVP_Cipher(void *context, unsigned char *out, const unsigned char *in, unsigned int n)
{
	static cipher_function next;
	if (!next)
		next = (cipher_function)dlsym(RTLD_NEXT, "EVP_Cipher");
	int result = next(context, out, in, n);
	return result > 0 ? 1 : result;
}
