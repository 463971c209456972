package spelling

// maxLength is the most octets of a text that is looked at; longer ones are no
// names.
const maxLength = 64

// Nearest is the known name that a text was probably meant to be: the first of
// those with the least distance, which is at most most. It is empty when none is
// that near.
func Nearest(text string, known []string, most int) string {
	best, least := "", most+1
	for _, name := range known {
		if d := Distance(text, name); d < least {
			best, least = name, d
		}
	}
	return best
}

// Distance counts insertions, deletions, replacements and exchanges of
// neighbours that turn a into b. A text of more than 64 octets has nothing in
// common with any.
func Distance(a, b string) int {
	if len(a) > maxLength || len(b) > maxLength {
		return max(len(a), len(b))
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
