package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/login"
)

const preferHelp = `Prefer sets what a person is asked first and in which language, in place of the
order of her rule and of the language that the directory has. Without options it
tells both.

A method is named as at the prompt of a client that cannot ask: "totp", "call",
"sms", "email", and with a digit behind it for the second telephone and so on
("sms2"). It is kept by what it stands for: of another number it is not. A rule
that does not allow it goes by its own order. Devices of hers that were remembered
are asked again. An empty text goes back to the rule, or to the directory.`

func newUserPreferCommand() *cobra.Command {
	var method, language string
	c := &cobra.Command{
		Use: "prefer USER", Short: "Set the method and the language that a person is asked in", Long: preferHelp, Args: cobra.ExactArgs(1),
		Example: "  portvakt user prefer alice --method sms2 --language nb\n\n  # as the rule and the directory have it\n  portvakt user prefer alice --method \"\" --language \"\"",
		RunE: func(c *cobra.Command, args []string) error {
			return withPerson(c, args[0], func(ctx context.Context, s *system, p person) error {
				if c.Flags().Changed("method") || c.Flags().Changed("language") {
					if err := s.prefer(ctx, c, p, method, language); err != nil {
						return err
					}
				}
				e, err := s.enrollments.Enrollment(ctx, p.id)
				if err != nil {
					return err
				}
				methods := s.preferable(p, e)
				say(c.OutOrStdout(), "asked by   %s\nlanguage   %s\n", preferredText(e, methods), s.languageText(e, p.account))
				return nil
			})
		},
	}
	c.Flags().StringVar(&method, "method", "", "what to ask first")
	c.Flags().StringVar(&language, "language", "", "a language `tag`, as nb")
	return c
}

// prefer changes what was given.
func (s *system) prefer(ctx context.Context, c *cobra.Command, p person, method, language string) error {
	if language != "" && !slices.Contains(s.texts.Languages(), language) {
		return withCode(withHint(fmt.Errorf("there are no texts in %q", language), "the languages are "+strings.Join(s.texts.Languages(), ", ")), exitUsage)
	}
	e, err := s.enrollments.Enrollment(ctx, p.id)
	if err != nil {
		return err
	}
	id := ""
	if method != "" {
		if p.account.ID == "" {
			return withHint(errors.New("the directory must tell which telephones there are"), "portvakt check says which server does not answer")
		}
		methods := s.preferable(p, e)
		if id = methodNamed(methods, method); id == "" {
			return withCode(withHint(fmt.Errorf("%s has no method %q", p.name, method), "there is "+cmp.Or(strings.Join(methodNames(methods), ", "), "nothing: portvakt user enroll "+p.name)), exitUsage)
		}
	}
	return s.enrollments.Update(ctx, p.id, p.name, func(e *login.Enrollment) error {
		if c.Flags().Changed("method") {
			e.Preferred = id
		}
		if c.Flags().Changed("language") {
			e.Language = language
		}
		return nil
	})
}

// preferable are the methods a person may be asked by under some rule, in the
// order they have without a preference.
func (s *system) preferable(p person, e login.Enrollment) []login.Method {
	user := login.User{Account: p.account, Enrollment: e, Language: s.texts.Match(e.Language, p.account.Language)}
	var methods []login.Method
	for _, f := range s.prompters() {
		for _, m := range f.Methods(user) {
			if !m.Quiet {
				methods = append(methods, m)
			}
		}
	}
	return methods
}

// methodOf is the ID of a person's method of a name, empty when she has none.
func (s *system) methodOf(a login.Account, e login.Enrollment, name string) string {
	return methodNamed(s.preferable(person{account: a}, e), name)
}

// methodNames are the names of methods: that of the factor, with a number behind
// it for each after the first.
func methodNames(methods []login.Method) []string {
	count := map[string]int{}
	names := make([]string, len(methods))
	for i, m := range methods {
		count[m.Factor]++
		names[i] = m.Factor
		if n := count[m.Factor]; n > 1 {
			names[i] += strconv.Itoa(n)
		}
	}
	return names
}

func methodNamed(methods []login.Method, name string) (id string) {
	if i := slices.Index(methodNames(methods), strings.ToLower(name)); i >= 0 {
		return methods[i].ID
	}
	return ""
}

// preferredText says what a person is asked by first.
func preferredText(e login.Enrollment, methods []login.Method) string {
	if e.Preferred == "" {
		return "the first method of her rule"
	}
	for i, m := range methods {
		if m.ID == e.Preferred {
			return strings.TrimSpace(methodNames(methods)[i] + " " + m.Hint)
		}
	}
	return "the first method of her rule: what she preferred is not hers any more"
}

// languageText says in which language a person is asked, and who says so.
func (s *system) languageText(e login.Enrollment, a login.Account) string {
	lang := s.texts.Match(e.Language, a.Language)
	switch {
	case e.Language != "" && lang == e.Language:
		return lang + ", set for her"
	case a.Language != "" && s.texts.Match(a.Language) == lang && lang != s.texts.Default():
		return lang + ", of the directory"
	}
	return lang
}
