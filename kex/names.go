package kex

// The names of the methods offered by default, for Lookup.
const (
	MLKEM768X25519   string = "mlkem768x25519-sha256"
	Curve25519       string = "curve25519-sha256"
	Curve25519LibSSH string = "curve25519-sha256@libssh.org"
	ECDHP256         string = "ecdh-sha2-nistp256"
	ECDHP384         string = "ecdh-sha2-nistp384"
	ECDHP521         string = "ecdh-sha2-nistp521"
	DHGroup16        string = "diffie-hellman-group16-sha512"
	DHGroup18        string = "diffie-hellman-group18-sha512"
	DHGroup14        string = "diffie-hellman-group14-sha256"
	DHGroupExchange  string = "diffie-hellman-group-exchange-sha256"
)

// The names of the methods that are safe too, for Lookup.
const (
	SNTRUP761X25519        string = "sntrup761x25519-sha512"
	SNTRUP761X25519OpenSSH string = "sntrup761x25519-sha512@openssh.com"
	MLKEM768P256           string = "mlkem768nistp256-sha256"
	MLKEM1024P384          string = "mlkem1024nistp384-sha384"
	Curve448               string = "curve448-sha512"
	DHGroup15              string = "diffie-hellman-group15-sha512"
	DHGroup17              string = "diffie-hellman-group17-sha512"
	RSA2048                string = "rsa2048-sha256"
)

// SHA-1: collisions of the exchange hash are within reach (RFC 9142 §1.1).
const (
	InsecureDHGroupExchangeSHA1 string = "diffie-hellman-group-exchange-sha1"
	InsecureDHGroup14SHA1       string = "diffie-hellman-group14-sha1"
)

// InsecureDHGroup1SHA1 is SHA-1 and a group of 1024 bits, which one computation can break for all who use it (RFC 9142
// §3.1.1).
const InsecureDHGroup1SHA1 string = "diffie-hellman-group1-sha1"
