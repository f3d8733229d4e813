package scopes_test

import (
	"fmt"

	"github.com/bearerguard/bearerguard/scopes"
)

func ExampleAll() {
	rule := scopes.All("invoices.read", "customers.read")

	fmt.Println(rule.Allows(scopes.Of("customers.read", "invoices.read")))
	fmt.Println(rule.Allows(scopes.Of("invoices.read")))
	// Output:
	// true
	// false
}

func ExampleAny() {
	rule := scopes.Any("invoices.read", "invoices.write")

	fmt.Println(rule.Allows(scopes.Of("invoices.write")))
	fmt.Println(rule.Allows(scopes.Of("customers.read")))
	// Output:
	// true
	// false
}

func ExampleRule_And() {
	group := scopes.Any("invoices.read", "invoices.write")
	route := group.And(scopes.All("export"))

	fmt.Println(route)
	fmt.Println(route.Allows(scopes.Of("invoices.read", "export")))
	fmt.Println(route.Allows(scopes.Of("invoices.read")))
	// Output:
	// invoices.read and export, or invoices.write and export
	// true
	// false
}

func ExampleRule_Or() {
	rule := scopes.All("invoices.read", "export").Or(scopes.All("admin"))

	fmt.Println(rule)
	fmt.Println(rule.Allows(scopes.Of("admin")))
	fmt.Println(rule.Allows(scopes.Of("export")))
	// Output:
	// invoices.read and export, or admin
	// true
	// false
}

func ExampleRule_Wanted() {
	rule := scopes.All("invoices.read", "export").Or(scopes.All("admin", "audit"))

	// A client that has one of them is told what to ask for as a whole.
	fmt.Println(rule.Wanted(scopes.Of("export")))
	// Output: [invoices.read export]
}

func ExampleWildcard() {
	granted := scopes.Of("invoices.*").Matching(scopes.Wildcard("."))

	fmt.Println(granted.Has("invoices.read"))
	fmt.Println(granted.Has("invoices.read.own"))
	fmt.Println(granted.Has("customers.read"))
	// Output:
	// true
	// true
	// false
}

func ExampleHierarchy() {
	granted := scopes.Of("invoices").Matching(scopes.Hierarchy(":"))

	fmt.Println(granted.Has("invoices:read"))
	fmt.Println(granted.Has("invoices-archive:read"))
	// Output:
	// true
	// false
}

func ExampleMatcher_Or() {
	// Laravel Passport grants everything with "*".
	passport := scopes.Superscope("*").Or(scopes.Hierarchy(":"))

	fmt.Println(scopes.Of("*").Matching(passport).Has("invoices:read"))
	fmt.Println(scopes.Of("invoices").Matching(passport).Has("invoices:read"))
	fmt.Println(scopes.Of("invoices").Matching(passport).Has("customers:read"))
	// Output:
	// true
	// true
	// false
}

func ExampleParse() {
	granted, err := scopes.Parse("invoices.read customers.read")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(granted.Has("invoices.read"))
	fmt.Println(granted.Has("Invoices.Read"))
	// Output:
	// true
	// false
}
