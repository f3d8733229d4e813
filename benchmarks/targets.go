package benchmarks

// Target is what the load generator sends requests to: an implementation behind a
// router.
type Target struct{ Implementation, Router string }

func (t Target) String() string {
	if t.Router == "nethttp" {
		return t.Implementation
	}
	return t.Implementation + ", " + t.Router
}

// Targets begin with the one that all are compared with.
func Targets() []Target {
	targets := []Target{
		{"unprotected", "nethttp"}, {"bearerguard", "nethttp"},
		{"unprotected", "gin"}, {"bearerguard", "gin"},
		{"unprotected", "chi"}, {"bearerguard", "chi"},
		{"lookup", "nethttp"},
	}
	for _, implementation := range Implementations {
		if !implementation.Floor && implementation.Variant == "" && implementation.Name != "bearerguard" {
			targets = append(targets, Target{implementation.Name, "nethttp"})
		}
	}
	return targets
}
