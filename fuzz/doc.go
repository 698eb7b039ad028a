// Package fuzz attacks what the other packages export. It holds fuzz targets alone, each with its seeds in
// testdata/fuzz, so that a plain go test runs every seed. To go on from there:
//
//	go test -fuzz=NAME -fuzzminimizetime=5x ./fuzz
//
// The limit matters for connections, whose goroutines make coverage differ from run to run: without it, most of the time
// goes into minimising. The private keys among the seeds were made for this and protect nothing.
//
//	wire_test.go     messages, typed parameters, KEXINIT and negotiation
//	packet_test.go   packet ciphers: arbitrary bytes, sealed packets with faults
//	keys_test.go     key files, public keys, signatures, authorized_keys, known_hosts
//	bytes_test.go    both handshakes against arbitrary bytes
//	server_test.go   a server behind real keys: arbitrary payloads, sequences of valid messages
//	client_test.go   a client likewise
//	strict_test.go   every short sequence of messages in a strict first key exchange
//	sequence_test.go the model of the phases of a server
//	attack_test.go   how such a connection is set up, and what holds at its end whatever was sent
//
// Connections run on a simulated clock: a target that waits for ever, or leaves a goroutine behind, fails.
package fuzz
