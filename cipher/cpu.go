package cipher

import (
	"runtime"

	"golang.org/x/sys/cpu"
)

// aesInHardware says whether the CPU has the instructions that crypto/aes and
// crypto/cipher use for AES-GCM. Without them it is slower than ChaCha20, and
// its tables leave traces in the cache.
var aesInHardware = cpu.X86.HasAES && cpu.X86.HasPCLMULQDQ && cpu.X86.HasSSE41 && cpu.X86.HasSSSE3 ||
	cpu.ARM64.HasAES && cpu.ARM64.HasPMULL ||
	cpu.S390X.HasAES && cpu.S390X.HasAESCTR && cpu.S390X.HasGHASH ||
	runtime.GOARCH == "ppc64" || runtime.GOARCH == "ppc64le"
