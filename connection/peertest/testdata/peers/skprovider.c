/* A security key in software for OpenSSH's clients: what their SecurityKeyProvider has to be, version 10 of that
 * interface. The key handle is the private key itself in PEM, and somebody touches the key whenever it is asked to.
 */
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ecdsa = 0, failed = -1 };

struct enrolled {
	uint8_t flags;
	uint8_t *public_key;
	size_t public_key_len;
	uint8_t *key_handle;
	size_t key_handle_len;
	uint8_t *signature;
	size_t signature_len;
	uint8_t *certificate;
	size_t certificate_len;
	uint8_t *authdata;
	size_t authdata_len;
};

struct signature {
	uint8_t flags;
	uint32_t counter;
	uint8_t *r;
	size_t r_len;
	uint8_t *s;
	size_t s_len;
};

uint32_t sk_api_version(void)
{
	return 0x000a0000;
}

static uint8_t *copy(const void *from, size_t n)
{
	uint8_t *to = malloc(n ? n : 1);
	memcpy(to, from, n);
	return to;
}

int sk_enroll(uint32_t alg, const uint8_t *challenge, size_t challenge_len, const char *application, uint8_t flags,
	      const char *pin, void **options, struct enrolled **result)
{
	EVP_PKEY *key = alg == ecdsa ? EVP_EC_gen("P-256") : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	BIO *bio = BIO_new(BIO_s_mem());
	struct enrolled *e = calloc(1, sizeof *e);
	char *pem;
	if (!key || !PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL))
		return failed;
	e->flags = flags;
	e->key_handle_len = BIO_get_mem_data(bio, &pem);
	e->key_handle = copy(pem, e->key_handle_len);
	e->signature = copy("", 0), e->certificate = copy("", 0), e->authdata = copy("", 0);
	if (alg == ecdsa) {
		unsigned char *point = NULL;
		e->public_key_len = EVP_PKEY_get1_encoded_public_key(key, &point);
		e->public_key = point;
	} else {
		e->public_key_len = 32;
		e->public_key = calloc(1, 32);
		EVP_PKEY_get_raw_public_key(key, e->public_key, &e->public_key_len);
	}
	BIO_free(bio);
	EVP_PKEY_free(key);
	*result = e;
	return 0;
}

/* split takes the numbers out of an ECDSA signature. */
static void split(struct signature *s, const unsigned char *der, size_t n)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, n);
	s->r_len = s->s_len = 32;
	s->r = calloc(1, 32), s->s = calloc(1, 32);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), s->r, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), s->s, 32);
	ECDSA_SIG_free(sig);
}

int sk_sign(uint32_t alg, const uint8_t *data, size_t data_len, const char *application, const uint8_t *key_handle,
	    size_t key_handle_len, uint8_t flags, const char *pin, void **options, struct signature **result)
{
	static uint32_t counter;
	unsigned char message[32 + 1 + 4 + 32], out[128];
	size_t n = sizeof out;
	struct signature *s = calloc(1, sizeof *s);
	BIO *bio = BIO_new_mem_buf(key_handle, key_handle_len);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	s->flags = flags;
	s->counter = ++counter;
	SHA256((const unsigned char *)application, strlen(application), message);
	message[32] = s->flags;
	for (int i = 0; i < 4; i++)
		message[33 + i] = s->counter >> (24 - 8 * i);
	SHA256(data, data_len, message + 37);
	if (!key || !EVP_DigestSignInit(context, NULL, alg == ecdsa ? EVP_sha256() : NULL, NULL, key) ||
	    !EVP_DigestSign(context, out, &n, message, sizeof message))
		return failed;
	if (alg == ecdsa) {
		split(s, out, n);
	} else {
		s->r_len = n;
		s->r = copy(out, n);
	}
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
	BIO_free(bio);
	*result = s;
	return 0;
}

int sk_load_resident_keys(const char *pin, void **options, void ***keys, size_t *n)
{
	*keys = NULL;
	*n = 0;
	return 0;
}
