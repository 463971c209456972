package conf

import (
	"log/slog"
	"testing"
)

func TestLogSectionIsRead(t *testing.T) {
	type file struct {
		Log Log `mapstructure:"log"`
	}
	for _, test := range []struct {
		name, doc, want string
		level           slog.Level
	}{
		{"nothing set", "", "", slog.LevelInfo},
		{"debug as text", "[log]\nlevel = 'debug'\nformat = 'text'\n", "", slog.LevelDebug},
		{
			"both wrong", "[log]\nlevel = 'loud'\nformat = 'xml'\n",
			"f:2: log.level: \"loud\" is not a level: write \"debug\", \"info\", \"warn\" or \"error\"\n" +
				"f:3: log.format: \"xml\" is not a format: write \"json\" or \"text\"", slog.LevelInfo,
		},
	} {
		got := file{DefaultLog()}
		_, err := load(source{name: "f", data: []byte(test.doc)}, &got)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if text != test.want || got.Log.SlogLevel() != test.level {
			t.Errorf("%s: got %q and level %v, want %q and %v", test.name, text, got.Log.SlogLevel(), test.want, test.level)
		}
	}
	warnings, err := load(source{name: "f", data: []byte("[log]\nunknown_users = true\n")}, &file{DefaultLog()})
	want := "f:2: log.unknown_users is on: passwords that were typed as a name are in the log"
	if err != nil || warnings.Error() != want {
		t.Errorf("got warnings %v and %v, want %q", warnings, err, want)
	}
}
