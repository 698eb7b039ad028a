/* Trips of a libssh client; see the Go type Trips.
 *
 * usage: libssh_trips USER PASSWORD COMMAND INPUT TRIPS
 * The output of each trip is left in a file next to INPUT, whose name stands for its hash.
 */
#include <libssh/libssh.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *user, *password, *command;
static char *data;
static size_t data_len;

static int known(ssh_session s, const char *keys)
{
	ssh_key key;
	char *text = NULL;
	if (ssh_get_server_publickey(s, &key) || ssh_pki_export_pubkey_base64(key, &text))
		return 0;
	int found = strstr(keys, text) != NULL;
	ssh_string_free_char(text);
	ssh_key_free(key);
	return found;
}

/* prefer is nonzero where libssh does not have what is asked for. */
static int prefer(ssh_session s, enum ssh_options_e option, const char *name)
{
	return strcmp(name, "-") != 0 && ssh_options_set(s, option, name) != 0;
}

static int login(ssh_session s, const char *path)
{
	char cert_path[4096];
	ssh_key key, cert;
	if (strcmp(path, "-") == 0)
		return ssh_userauth_password(s, NULL, password) != SSH_AUTH_SUCCESS;
	if (ssh_pki_import_privkey_file(path, NULL, NULL, NULL, &key))
		return 1;
	snprintf(cert_path, sizeof cert_path, "%s-cert.pub", path);
	if (ssh_pki_import_cert_file(cert_path, &cert) == SSH_OK && ssh_pki_copy_cert_to_privkey(cert, key))
		return 1;
	return ssh_userauth_publickey(s, NULL, key) != SSH_AUTH_SUCCESS;
}

/* exchange runs the command and returns its status, or -1. */
static int exchange(ssh_session s, const char *to)
{
	ssh_channel c = ssh_channel_new(s);
	char buf[32768];
	int n;
	if (ssh_channel_open_session(c) || ssh_channel_request_exec(c, command))
		return -1;
	for (size_t sent = 0; sent < data_len; sent += n)
		if ((n = ssh_channel_write(c, data + sent, data_len - sent)) < 0)
			return -1;
	if (ssh_channel_send_eof(c))
		return -1;
	FILE *f = fopen(to, "wb");
	while ((n = ssh_channel_read(c, buf, sizeof buf, 0)) > 0)
		fwrite(buf, 1, n, f);
	fclose(f);
	return n < 0 ? -1 : ssh_channel_get_exit_status(c);
}

static int trip(ssh_session s, char **f, const char *to)
{
	int no = 0;
	long timeout = 60;
	ssh_options_set(s, SSH_OPTIONS_PROCESS_CONFIG, &no);
	ssh_options_set(s, SSH_OPTIONS_HOST, "127.0.0.1");
	ssh_options_set(s, SSH_OPTIONS_PORT_STR, f[1]);
	ssh_options_set(s, SSH_OPTIONS_USER, user);
	ssh_options_set(s, SSH_OPTIONS_TIMEOUT, &timeout);
	ssh_options_set(s, SSH_OPTIONS_KNOWNHOSTS, "/dev/null");
	ssh_options_set(s, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null");
	if (prefer(s, SSH_OPTIONS_KEY_EXCHANGE, f[2]) || prefer(s, SSH_OPTIONS_CIPHERS_C_S, f[3]) ||
	    prefer(s, SSH_OPTIONS_CIPHERS_S_C, f[3]) || prefer(s, SSH_OPTIONS_HMAC_C_S, f[4]) ||
	    prefer(s, SSH_OPTIONS_HMAC_S_C, f[4]) || prefer(s, SSH_OPTIONS_HOSTKEYS, f[5]) ||
	    prefer(s, SSH_OPTIONS_COMPRESSION_C_S, f[6]) || prefer(s, SSH_OPTIONS_COMPRESSION_S_C, f[6]) ||
	    prefer(s, SSH_OPTIONS_PUBLICKEY_ACCEPTED_TYPES, f[9]))
		return -1;
	if (ssh_connect(s) || !known(s, f[7]) || login(s, f[8]))
		return -1;
	return exchange(s, to);
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
	FILE *list = fopen(argv[5], "r");
	for (int i = 0; fgets(line, sizeof line, list); i++) {
		char *f[12], to[4096];
		line[strcspn(line, "\n")] = 0;
		for (int k = 0; k < 12; k++)
			f[k] = strtok(k ? NULL : line, "\t");
		snprintf(to, sizeof to, "%s.%d", argv[4], i);
		ssh_session s = ssh_new();
		int status = trip(s, f, to);
		if (status < 0)
			printf("%s\terror\tlibssh: %s\n", f[0], ssh_get_error(s));
		else
			printf("%s\t%d\tfile:%s\n", f[0], status, to);
		fflush(stdout);
		ssh_disconnect(s);
		ssh_free(s);
	}
	return 0;
}
