// Package peertest finds and starts foreign SSH programs for tests: OpenSSH,
// dropbear, PuTTY, AsyncSSH and paramiko, as servers and as clients. It is for
// test files only and imports nothing of hawser.
//
// Other libraries make trips, see Trips: Twisted Conch, JSch, trilead-ssh2, Ganymed, libssh, libssh2, Erlang, phpseclib,
// Net::SSH for Ruby, the npm package ssh2; and there are OpenSSH 7.5's client, lsh and lshd, and tinysshd.
//
// # Missing programs
//
// Lookup, Python and NewAccount skip the test with the name of what is missing,
// or fail it when HAWSER_PEERS=required. All else fails the test when it goes
// wrong. Everything that is started has a time limit, is ended with the test
// that started it, and its output is printed when that test fails.
//
// # Keys and accounts
//
//	key := peertest.NewKey(t, peertest.Ed25519)   // .Path, .Public; also .PPK(t), .Dropbear(t), .PEM(t)
//	key = peertest.NewSecurityKey(t, peertest.SKEd25519) // in software; .Provider
//	account := peertest.NewAccount(t)             // root only: .Name, .Password, .Home
//
// # Servers
//
// StartSSHD, StartDropbear, StartAsyncSSHServer and StartParamikoServer return
// a *Server with Addr, Port, User, HostKeys and Log:
//
//	server := peertest.StartSSHD(t, peertest.SSHDOptions{
//		Ciphers: "aes128-ctr", AuthorizedKeys: []peertest.Key{key}, RekeyLimit: "1M",
//	})
//
// sshd and dropbear are run by a listener of this package, one process a
// connection, and log in real accounts. The servers in Python log in
// PythonUser and run commands as the current user.
//
// # Clients
//
// A Target says where, as whom and with which algorithms to log in. Its methods
// make commands; set Stdin and others, then Run or Start them:
//
//	target := peertest.NewTarget(t, addr, "user", hostKey)
//	target.Key, target.Ciphers = &key, "aes256-gcm@openssh.com"
//	r := target.RunSSH(t, strings.NewReader("input"), "sha256sum")     // r.Stdout, r.Stderr, r.Code
//	r = target.SCP(t, "-O", "local.txt", "remote:/tmp/x").Run(t)
//	r = target.SFTP(t, "put local.txt /tmp/x\n").Run(t)
//	r = target.Plink(t, nil, "sha256sum").Run(t)
//	r = target.PSFTP(t, "get /tmp/x\n").Run(t)
//	r = target.Dbclient(t, nil, "true").Run(t)
//	client := target.PythonClient(t)
//	client.Command = "sha256sum"
//	r = client.AsyncSSH(t).Run(t)
//	r = client.Paramiko(t).Run(t)
//	p := target.SSH(t, []string{"-N", "-L", "0:127.0.0.1:80"}).Start(t) // p.WaitError(…), p.Stop()
//
// The clean environment of all of them has no agent, no display and no home.
package peertest
