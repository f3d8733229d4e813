package jose

import "math/big"

// factorable tells RSA moduli that Infineon's chips made until 2017
// (CVE-2017-15361, "ROCA"): a stranger finds their factors (RFC 8725 §3.5). Modulo
// each of the first 39 primes, such a modulus is a power of 65537. So is one in 200
// million others, which nobody will meet.
func factorable(modulus *big.Int) bool {
	rest := new(big.Int)
	for prime := int64(3); prime <= 167; prime += 2 {
		if p := big.NewInt(prime); p.ProbablyPrime(0) && !isPower(65537, rest.Mod(modulus, p).Int64(), prime) {
			return false
		}
	}
	return true
}

// isPower tells whether rest is a power of base modulo prime.
func isPower(base, rest, prime int64) bool {
	for power := int64(1); ; {
		if power == rest {
			return true
		}
		if power = power * base % prime; power == 1 {
			return false // all of them have been looked at
		}
	}
}
