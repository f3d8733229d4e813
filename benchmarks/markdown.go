package benchmarks

import (
	"fmt"
	"os"
	"strings"
)

// Between is page with text between the comments that mark the part of this name.
func Between(page, name, text string) (string, error) {
	begin, end := "<!-- "+name+": generated -->\n", "<!-- "+name+": end -->"
	before, rest, ok := strings.Cut(page, begin)
	_, after, found := strings.Cut(rest, end)
	if !ok || !found {
		return "", fmt.Errorf("benchmarks: the page has no lines %q and %q", strings.TrimSpace(begin), end)
	}
	return before + begin + "\n" + strings.TrimSpace(text) + "\n\n" + end + after, nil
}

// Show writes a part of a Markdown file anew, or prints it if there is no file.
func Show(file, name, text string) error {
	if file == "" {
		fmt.Println(text)
		return nil
	}
	before, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	after, err := Between(string(before), name, text)
	if err != nil {
		return err
	}
	return os.WriteFile(file, []byte(after), 0o644)
}
