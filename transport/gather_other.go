//go:build !linux

package transport

import "net"

func setLowWater(net.Conn, uintptr, int) bool { return false }
