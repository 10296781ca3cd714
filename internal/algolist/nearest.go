package algolist

import "strings"

// Nearest returns the one of names that takes the least to get from what was
// typed: the first of several, and "" if there are no names. Letters left out
// cost less than wrong ones, since who types "chacha20" has not finished. A
// domain that was left out counts as one letter, and case as none.
func Nearest(typed string, names []string) (nearest string) {
	typed = strings.ToLower(typed[:min(len(typed), 64)])
	least := -1
	for _, name := range names {
		full := strings.ToLower(name)
		cost := distance(typed, full)
		if base, _, ok := strings.Cut(full, "@"); ok && !strings.Contains(typed, "@") {
			cost = min(cost, 1+distance(typed, base))
		}
		if least < 0 || cost < least {
			nearest, least = name, cost
		}
	}
	return nearest
}

// distance returns what it costs to turn typed into name: 1 for each letter put
// in, 2 for each that is taken out or is another.
func distance(typed, name string) int {
	costs := make([]int, len(name)+1) // from what was typed so far to each beginning of name
	for i := range costs {
		costs[i] = i
	}
	for i := range len(typed) {
		diagonal := costs[0]
		costs[0] += 2
		for j := range len(name) {
			other := diagonal
			if typed[i] != name[j] {
				other += 2
			}
			diagonal = costs[j+1]
			costs[j+1] = min(other, costs[j]+1, costs[j+1]+2)
		}
	}
	return costs[len(name)]
}
