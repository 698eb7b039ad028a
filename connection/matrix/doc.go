// Package matrix is a test and nothing else: every algorithm of the house against every other that it meets, hawser
// with itself, and each algorithm against other people's clients and servers.
//
// # In memory
//
// TestMatrixMemory runs client and server of the house over a pipe, one connection for each cipher with each MAC that
// applies, each key exchange with each kind of host key, each kind of user key, and each compression. Data goes both
// ways at once and is compared byte for byte, while the client and then the server exchange keys anew. The kinds of keys
// are all of them: plain ones, security keys in software, and those with certificates, which are believed for the sake
// of their authorities alone.
//
// # With others
//
// TestMatrixPeers forces one algorithm after the other on each foreign program that has it: with foreign clients at a
// server of the house that has nothing else of that kind, with foreign servers by a client that has nothing else. Each
// connection is a login, by password or a plain key where keys are not the matter, a command, and a transfer each way. What ran is written down in testdata/interop-matrix.md of
// the module; the test fails where the file says anything else. This writes it anew:
//
//	HAWSER_PEERS=required go test ./connection/matrix -run Matrix -update
//
// A program that is not installed is skipped by name, and what the file says of it is then taken on trust. With -short
// (and so with the race detector in .ci/run) less data goes through fewer connections, and the file is left alone.
package matrix
