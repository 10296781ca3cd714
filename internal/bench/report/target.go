package report

// targets are the ratios that are to be reached. What is missing has none:
// allocs-per-32KiB-xcrypto is to be at most 0.1 of ours, whatever the peer's.
var targets = map[string]float64{
	"bulk-up-aes128-gcm-xcrypto":                   2.2,
	"bulk-down-aes128-gcm-xcrypto":                 2.2,
	"bulk-up-aes128-gcm-ideal":                     0.75,
	"bulk-up-chacha20-poly1305-xcrypto":            2.2,
	"bulk-up-aes128-ctr-hmac-sha2-256-etm-xcrypto": 1.25,
	"bulk-get-openssh-client":                      1.3,
	"forward-local-openssh":                        1.3,
	"sftp-get-1GiB-openssh":                        1.5,
	"sftp-put-1GiB-openssh":                        1.5,
	"sftp-get-1GiB-pkgsftp":                        2,
	"sftp-put-1GiB-pkgsftp":                        2,
	"sftp-serve-1GiB-openssh":                      1.0,
	"sftp-tree-10000-openssh":                      3,
	"bulk-get-openssh-server":                      1.1,
	"handshake-xcrypto":                            1.6,
	"handshake-parallel-xcrypto":                   1.6,
	"handshake-primitives":                         0.8,
	"roundtrips-exec-xcrypto":                      1.8,
	"roundtrips-exec-openssh":                      1.6,
	"wan-100ms-xcrypto":                            5,
	"echo-1B-xcrypto":                              1.5,
	"echo-1B-tcp":                                  0.4,
	"idle-memory-xcrypto":                          2.5,
	"channels-1000-xcrypto":                        2.0,
	"channels-1000-vs-1":                           0.6,
}

// Target returns the ratio that a figure is to reach, and whether there is
// one.
func Target(name string) (float64, bool) {
	target, ok := targets[name]
	return target, ok
}
