// Package readme holds the test that runs what README.md shows.
package readme
