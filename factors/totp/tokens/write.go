package tokens

import (
	"bufio"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/portvakt/portvakt/factors/totp"
)

// errMixed refuses what would make codes that never fit.
var errMixed = errors.New("the format does not tell the algorithm, and the tokens have several: write them as pskc")

// WriteOATH writes rows as [ReadOATH] reads them, with the login names in front.
// The secrets are in the clear. The rows must all have one algorithm, which a
// comment names, as the format has no place for it.
func WriteOATH(w io.Writer, rows []Row) error {
	out := bufio.NewWriter(w)
	_, _ = out.WriteString("# version: 2\n")
	if len(rows) > 0 {
		_, _ = fmt.Fprintf(out, "# algorithm: %s\n", rows[0].Token.Algorithm)
	}
	lines := csv.NewWriter(out)
	for _, r := range rows {
		t := r.Token
		if t.Algorithm != rows[0].Token.Algorithm {
			return errMixed
		}
		moving := strconv.FormatUint(t.Counter, 10)
		if t.Kind == totp.KindTime {
			moving = strconv.Itoa(int(t.Period / time.Second))
		}
		// The resolver and the realm of other products.
		if err := lines.Write([]string{r.User, "", "", r.Serial, hex.EncodeToString(t.Seed), t.Kind, strconv.Itoa(t.Digits), moving}); err != nil {
			return err
		}
	}
	lines.Flush()
	return errors.Join(lines.Error(), out.Flush())
}
