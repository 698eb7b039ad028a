package wire_test

import (
	"fmt"

	"github.com/hawser-ssh/hawser/wire"
)

// A packet in words, without its secret.
func ExampleDescribe() {
	login := wire.UserauthRequest{User: "alice", Service: "ssh-connection", Method: "password",
		Payload: wire.UserauthPassword{Password: []byte("secret")}.Append(nil)}
	fmt.Println(wire.Describe(login.Append(nil)))
	fmt.Println(wire.Describe([]byte{byte(wire.MsgDisconnect), 0, 0, 0, 2, 0, 0}))
	// Output:
	// USERAUTH_REQUEST password UserName="alice" ServiceName="ssh-connection" MethodName="password" PasswordChange="false" Password="hidden"
	// DISCONNECT ReasonCode="2" (ssh: DISCONNECT: Description: message ends too early)
}

// A message that no type of this package has, built field by field, read and
// changed.
func ExampleSetField() {
	packet, err := wire.AppendParam(nil, "b", "98") // CHANNEL_REQUEST
	for _, field := range [][2]string{{"i", "0"}, {"s", "colour@example.org"}, {"f", "false"}, {"s", "red"}} {
		if err == nil {
			packet, err = wire.AppendParam(packet, field[0], field[1])
		}
	}
	if err == nil {
		packet, err = wire.SetField(packet, "ChannelId", "7")
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	kind, _ := wire.FieldString(packet, "RequestType")
	colour, _ := wire.FieldString(packet, "%s")
	fmt.Println(kind, colour, packet[4])
	// Output: colour@example.org red 7
}
