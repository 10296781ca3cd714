//go:build !race

package kex

const repetitions = 8
