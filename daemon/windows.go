package daemon

import "github.com/hawser-ssh/hawser/connection"

// DefaultWindowBudget is the WindowBudget: 1 GiB.
const DefaultWindowBudget = 1 << 30

// SetWindowBudget bounds what all clients together can make the daemon hold,
// for new connections: the sum of the windows of their channels, in bytes.
// What one connection may hold of it is connection.Config's WindowBudget.
// Channels for which nothing is left are refused with RESOURCE_SHORTAGE. A
// budget of less than a small window of 64 KiB is error 10022.
func (d *Daemon) SetWindowBudget(bytes int64) error {
	const least = 64 << 10
	if bytes < least {
		return newError(CodeInvalidArgument, "a window budget must be 65536 or more", nil)
	}
	budget := connection.NewBudget(bytes)
	return d.opt.update(func(o *options) error { o.windows = budget; return nil })
}
