package sntrup761

import "testing"

func BenchmarkGenerateKey(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		GenerateKey()
	}
}

func BenchmarkEncapsulate(b *testing.B) {
	public := GenerateKey().PublicKey()
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Encapsulate(public); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecapsulate(b *testing.B) {
	k := GenerateKey()
	_, ciphertext, err := Encapsulate(k.PublicKey())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Decapsulate(ciphertext); err != nil {
			b.Fatal(err)
		}
	}
}
