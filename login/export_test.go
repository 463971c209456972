package login

// Remembered is how many refusals are remembered.
func Remembered(f *Flow) int { return int(f.storms.some.Load()) }
