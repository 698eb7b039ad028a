/* Trips of a libssh2 client; see the Go type Trips.
 *
 * usage: libssh2_trips USER PASSWORD COMMAND INPUT TRIPS
 * The output of each trip is left in a file next to INPUT, whose name stands for its hash.
 */
#include <arpa/inet.h>
#include <libssh2.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static const char *user, *password, *command;
static char *data;
static size_t data_len;

static void base64(const unsigned char *in, size_t n, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < n; i += 3) {
		unsigned v = in[i] << 16 | (i + 1 < n ? in[i + 1] << 8 : 0) | (i + 2 < n ? in[i + 2] : 0);
		*out++ = digits[v >> 18];
		*out++ = digits[v >> 12 & 63];
		*out++ = i + 1 < n ? digits[v >> 6 & 63] : '=';
		*out++ = i + 2 < n ? digits[v & 63] : '=';
	}
	*out = 0;
}

static int known(LIBSSH2_SESSION *s, const char *keys)
{
	size_t n;
	int type;
	const char *blob = libssh2_session_hostkey(s, &n, &type);
	char text[8192];
	if (!blob || n > 4096)
		return 0;
	base64((const unsigned char *)blob, n, text);
	return strstr(keys, text) != NULL;
}

static int prefer(LIBSSH2_SESSION *s, int method, const char *name)
{
	return strcmp(name, "-") == 0 || libssh2_session_method_pref(s, method, name) == 0;
}

/* exchange runs the command and returns its status, or -1. */
static int exchange(LIBSSH2_SESSION *s, const char *to)
{
	LIBSSH2_CHANNEL *c = libssh2_channel_open_session(s);
	if (!c || libssh2_channel_exec(c, command))
		return -1;
	for (size_t sent = 0; sent < data_len;) {
		ssize_t n = libssh2_channel_write(c, data + sent, data_len - sent);
		if (n < 0)
			return -1;
		sent += n;
	}
	if (libssh2_channel_send_eof(c))
		return -1;
	FILE *f = fopen(to, "wb");
	char buf[32768];
	ssize_t n;
	while ((n = libssh2_channel_read(c, buf, sizeof buf)) > 0)
		fwrite(buf, 1, n, f);
	fclose(f);
	if (n < 0 || libssh2_channel_close(c))
		return -1;
	int status = libssh2_channel_get_exit_status(c);
	libssh2_channel_free(c);
	return status;
}

static int login(LIBSSH2_SESSION *s, const char *key)
{
	if (strcmp(key, "-") == 0)
		return libssh2_userauth_password(s, user, password);
	return libssh2_userauth_publickey_fromfile(s, user, NULL, key, NULL);
}

static int trip(LIBSSH2_SESSION *s, int fd, char **f, const char *to)
{
	if (strcmp(f[6], "-") && strcmp(f[6], "none"))
		libssh2_session_flag(s, LIBSSH2_FLAG_COMPRESS, 1);
	if (!prefer(s, LIBSSH2_METHOD_KEX, f[2]) || !prefer(s, LIBSSH2_METHOD_CRYPT_CS, f[3]) ||
	    !prefer(s, LIBSSH2_METHOD_CRYPT_SC, f[3]) || !prefer(s, LIBSSH2_METHOD_MAC_CS, f[4]) ||
	    !prefer(s, LIBSSH2_METHOD_MAC_SC, f[4]) || !prefer(s, LIBSSH2_METHOD_HOSTKEY, f[5]) ||
	    !prefer(s, LIBSSH2_METHOD_COMP_CS, f[6]) || !prefer(s, LIBSSH2_METHOD_COMP_SC, f[6]))
		return -1;
	if (libssh2_session_handshake(s, fd) || !known(s, f[7]) || login(s, f[8]))
		return -1;
	return exchange(s, to);
}

static int dial(int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval limit = {60, 0};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	return connect(fd, (struct sockaddr *)&a, sizeof a) ? -1 : fd;
}

static void read_input(const char *path)
{
	FILE *f = fopen(path, "rb");
	fseek(f, 0, SEEK_END);
	data_len = ftell(f);
	rewind(f);
	data = malloc(data_len + 1);
	if (fread(data, 1, data_len, f) != data_len)
		exit(1);
	fclose(f);
}

int main(int argc, char **argv)
{
	static char line[65536];
	if (argc != 6)
		return 2;
	user = argv[1], password = argv[2], command = argv[3];
	read_input(argv[4]);
	libssh2_init(0);
	FILE *list = fopen(argv[5], "r");
	for (int i = 0; fgets(line, sizeof line, list); i++) {
		char *f[12], to[4096], *text = "cannot connect";
		line[strcspn(line, "\n")] = 0;
		for (int k = 0; k < 12; k++)
			f[k] = strtok(k ? NULL : line, "\t");
		snprintf(to, sizeof to, "%s.%d", argv[4], i);
		int fd = dial(atoi(f[1])), status = -1;
		LIBSSH2_SESSION *s = libssh2_session_init();
		if (fd >= 0)
			status = trip(s, fd, f, to);
		if (status < 0)
			libssh2_session_last_error(s, &text, NULL, 0);
		if (status < 0)
			printf("%s\terror\t%s\n", f[0], text);
		else
			printf("%s\t%d\tfile:%s\n", f[0], status, to);
		fflush(stdout);
		libssh2_session_disconnect(s, "done");
		libssh2_session_free(s);
		close(fd);
	}
	return 0;
}
