package anchorage_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every program of README.md, run in a module of its own, prints what README.md
// says; so does the part of one compile.
func TestReadme(t *testing.T) {
	module, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	write := func(name string, text string) {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module readme\n\ngo 1.19\n\n"+
		"require anchorage v0.0.0\n\nreplace anchorage => "+module+"\n")
	write("rsa2048",
		string(read(t, real+"iid/usw2-2021-teleport-1/rsa2048.b64")))
	write("document.cbor", string(read(t, nitroTPM)))

	run := func(folder string, arguments ...string) string {
		t.Helper()
		command := exec.Command("go", arguments...)
		command.Dir = folder
		command.Env = append(os.Environ(), "GOFLAGS=", "GOPROXY=off")
		output, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("go %v: %v\n%s", arguments, err, output)
		}
		return string(output)
	}
	block := regexp.MustCompile("(?ms)^```(go|yaml|text)\n(.*?)^```$")
	named := regexp.MustCompile(`^(?://|#) (\S+)\n`)
	var programs []string
	printed := map[string]string{}
	for _, found := range block.FindAllStringSubmatch(
		string(read(t, "README.md")), -1) {
		language, text := found[1], found[2]
		name := named.FindStringSubmatch(text)
		switch {
		case name == nil && language == "go":
			write("part/main.go", "package main\n\nimport \"anchorage\"\n\n"+
				"func main() {\n\tvar root []byte\n"+text+"\t_, _ = client, err\n}\n")
			run(folder, "vet", "./part")
		case name == nil:
			t.Fatalf("a block without the name of its file:\n%s", text)
		case language == "text":
			printed[name[1]] = strings.TrimPrefix(text, name[0])
		default:
			write(name[1], text)
			if language == "go" {
				programs = append(programs, name[1])
			}
		}
	}
	if len(programs) != 2 || len(printed) != 2 {
		t.Fatalf("got the programs %v and the output of %d", programs,
			len(printed))
	}
	for _, program := range programs {
		if got := run(folder, "run", program); got != printed[program] {
			t.Errorf("%s printed %q, expected %q", program, got,
				printed[program])
		}
	}
}
