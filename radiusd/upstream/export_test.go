package upstream

// CountUp is how many servers are in use.
func (d *Directory) CountUp() int { return d.upBehind(-1) }
