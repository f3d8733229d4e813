package main

import "testing"

// BenchmarkFind is for two processors: -cpu 1,2.
func BenchmarkFind(b *testing.B) {
	all := digests(2000)
	for _, k := range kinds {
		m := k.make()
		for i := range all {
			m.put(&all[i])
		}
		for name, tokens := range map[string]int{"one token": 1, "2,000 tokens": 2000} {
			b.Run(k.name+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				b.RunParallel(func(pb *testing.PB) {
					for i := 0; pb.Next(); i++ {
						m.get(&all[i%tokens])
					}
				})
			})
		}
	}
}
