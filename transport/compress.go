package transport

import "github.com/klauspost/compress/zlib"

// compressor makes the outgoing half of a compressed direction. It is not for concurrent use.
type compressor interface {
	// compress returns the compressed form of the payload head||body, complete up to a flush: a view, valid until the
	// next call. Data that cannot be compressed grows by less than 1/64 and 64 bytes.
	compress(head, body []byte) []byte
	// close drops what the stream holds; nothing may be called after it.
	close()
}

// decompressor makes the incoming half of a compressed direction. It is not for concurrent use.
type decompressor interface {
	// decompress returns the payload that a compressed one stands for, a view valid until the next call, never empty.
	// The error is a *wire.ProtocolError with ReasonCompressionError, after which nothing more may be called.
	decompress(payload []byte) ([]byte, error)
	// close drops what the stream holds; nothing may be called after it.
	close()
}

// compression is a compression method (RFC 4253 §6.2), a row of the table.
type compression struct {
	// name is the SSH algorithm name.
	name string
	// delayed is true where compression starts at authentication success and not at NEWKEYS.
	delayed bool
	// newCompressor makes the outgoing half; level is 1 (fast) to 9 (small), anything else the default level. It is
	// nil, as is newDecompressor, where payloads stay as they are.
	newCompressor func(level int) compressor
	// newDecompressor makes the incoming half; limit is the most bytes that one payload may become.
	newDecompressor func(limit int) decompressor
}

// The names of the compression methods, for Config.Compression.
const (
	CompressionNone string = "none"
	// CompressionDelayedZlib starts when the user has authenticated (OpenSSH PROTOCOL §1.2).
	CompressionDelayedZlib string = "zlib@openssh.com"
)

// InsecureCompressionZlib lets strangers reach the decompressor before they have authenticated, and compresses what they
// authenticate with, so that the length of packets tells of it (RFC 4253 §6.2).
const InsecureCompressionZlib string = "zlib"

// compressions is the table, the insecure one last.
var compressions = [...]compression{
	{name: CompressionNone},
	{name: CompressionDelayedZlib, delayed: true, newCompressor: newDeflater, newDecompressor: newInflater},
	{name: InsecureCompressionZlib, newCompressor: newDeflater, newDecompressor: newInflater},
}

// DefaultCompression returns the compression methods that a connection offers unless told otherwise: none, as what is
// compressed shows in the length of packets. The slice is the caller's.
func DefaultCompression() []string { return []string{CompressionNone} }

// InsecureCompression returns the compression methods that are offered only where a Config names them. The slice is the
// caller's. What is wrong with them:
//
//   - zlib: strangers reach the decompressor before they have authenticated.
func InsecureCompression() []string { return []string{InsecureCompressionZlib} }

// CompressionNames returns the names of the compression methods that are built, "none" first. The slice is the caller's.
func CompressionNames() []string {
	var names []string
	for _, c := range compressions {
		names = append(names, c.name)
	}
	return names
}

// findCompression returns the row of a name.
func findCompression(name string) (compression, bool) {
	for _, c := range compressions {
		if c.name == name {
			return c, true
		}
	}
	return compression{}, false
}

// deflater compresses all payloads of a direction into one zlib stream, flushed after each (RFC 4253 §6.2).
// Its tables, hundreds of KiB, are made for the first payload: with zlib@openssh.com nobody gets them who has not
// authenticated.
type deflater struct {
	level  int
	writer *zlib.Writer // nil before the first payload
	out    []byte       // of the writer, for one payload
}

func newDeflater(level int) compressor {
	if level < zlib.BestSpeed || level > zlib.BestCompression {
		level = zlib.DefaultCompression
	}
	return &deflater{level: level}
}

// compress implements compressor. The sink never fails, hence the writer does not.
func (z *deflater) compress(head, body []byte) []byte {
	z.out = z.out[:0]
	if z.writer == nil {
		z.writer, _ = zlib.NewWriterLevel((*deflaterSink)(z), z.level) // newDeflater has made the level a valid one
	}
	_, _ = z.writer.Write(head)
	_, _ = z.writer.Write(body)
	_ = z.writer.Flush()
	return z.out
}

// close drops the window and the tables.
func (z *deflater) close() { *z = deflater{} }

// deflaterSink is the io.Writer side of a deflater, apart so that the deflater itself has no Write.
type deflaterSink deflater

func (z *deflaterSink) Write(p []byte) (int, error) {
	z.out = append(z.out, p...)
	return len(p), nil
}
