package wire

var methodSamples = []sample{
	{
		message: &PublicKeyFields{Algorithm: "ssh-ed25519", Key: []byte("key")},
		parse:   parsing(ParsePublicKeyFields),
		layout:  []any{false, "ssh-ed25519", "key"},
	},
	{
		message: &PublicKeyFields{Signed: true, Algorithm: "ssh-ed25519", Key: []byte("key"), Signature: []byte("sig")},
		parse:   parsing(ParsePublicKeyFields),
		layout:  []any{true, "ssh-ed25519", "key", "sig"},
	},
	{
		message: &HostBoundFields{PublicKeyFields{Algorithm: "ssh-ed25519", Key: []byte("key")}, []byte("host")},
		parse:   parsing(ParseHostBoundFields),
		layout:  []any{false, "ssh-ed25519", "key", "host"},
	},
	{
		message: &HostBoundFields{
			PublicKeyFields{Signed: true, Algorithm: "ssh-ed25519", Key: []byte("key"), Signature: []byte("sig")}, []byte("host"),
		},
		parse:  parsing(ParseHostBoundFields),
		layout: []any{true, "ssh-ed25519", "key", "host", "sig"},
	},
	{
		message: &PasswordFields{Password: "hunter2"},
		parse:   parsing(ParsePasswordFields),
		layout:  []any{false, "hunter2"},
	},
	{
		message: &PasswordFields{Change: true, Password: "hunter2", NewPassword: "hunter3"},
		parse:   parsing(ParsePasswordFields),
		layout:  []any{true, "hunter2", "hunter3"},
	},
	{
		message: &HostbasedFields{
			Algorithm: "ssh-ed25519", Key: []byte("key"), Host: "host.example.com", User: "root", Signature: []byte("sig"),
		},
		parse:  parsing(ParseHostbasedFields),
		layout: []any{"ssh-ed25519", "key", "host.example.com", "root", "sig"},
	},
	{
		message: &InteractiveFields{Language: "en", Submethods: "pam"},
		parse:   parsing(ParseInteractiveFields),
		layout:  []any{"en", "pam"},
	},
	{
		message: &GSSAPIFields{Mechanisms: [][]byte{[]byte(kerberos), []byte("other")}},
		parse:   parsing(ParseGSSAPIFields),
		layout:  []any{uint32(2), kerberos, "other"},
	},
	{
		message: &GSSAPIFields{},
		parse:   parsing(ParseGSSAPIFields),
		layout:  []any{uint32(0)},
	},
}
