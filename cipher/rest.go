package cipher

// Rester is a Sealer or Opener that has computed more from its keys than it needs to keep. Rest gives that up, for as
// long as there are no packets; the next one has it computed again.
type Rester interface{ Rest() }
