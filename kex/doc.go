// Package kex holds the key exchange of the SSH transport as pure functions: choosing the algorithms (RFC 4253 §7.1),
// agreeing on a secret (RFC 4253 §8, 4419, 4432, 5656, 8268, 8731, 9941, ML-KEM hybrids), the exchange hash and the keys derived from it
// (RFC 4253 §7.2). It does no I/O, keeps no state between calls and knows nothing of packets or signatures; package
// transport sends what it returns.
//
// One exchange, with the owner of each step:
//
//	client                                         server
//	Method.Offer(rand)          -> Offer.Public    -> Method.Answer(rand, client public)
//	Offer.Finish(server public) <- server public   <- server public, secret
//	Method.ExchangeHash(...)  == H ==  Method.ExchangeHash(...)        the host key signs H
//	Method.Derive('A'..'F')                          Method.Derive('A'..'F')
//
// A group exchange (Method.GroupExchange) has a round in front of that, which makes of its row one like any other:
//
//	GroupRequest                -> min, n, max     -> GroupRequest.Choose(rand, groups)
//	GroupRequest.Accept(p, g)   <- p, g            <- the group
//	Method.Over(request, group)                      Method.Over(request, group)
//
// Where Method.ServerOffers is set, the two change places: the server offers, and the client answers. Steps of methods
// that are Costly are run by a Limiter, which connections share.
//
// Who owns which slice:
//
//	passed in (public values, hash input, secrets)  the caller's; read only, not kept after the call returns
//	returned (public values, secrets, hashes)       the caller's; fresh, not referenced here any more
//
// The caller clears the secret once the keys are derived. Private keys live inside an Offer until Finish is called and
// only within the call of Answer. They are overwritten where Go lets us (best effort: copies made by the garbage
// collector, by math/big and by crypto/ecdh are out of reach).
//
// Every value a peer sends is checked before it is used: lengths, canonical encoding, range, membership of the curve,
// the ML-KEM modulus check, and results that a hostile value could force. Each refusal is a *wire.ProtocolError with
// wire.ReasonKeyExchangeFailed.
package kex
