/**
 * Whether a provider vouches for an address, as claims say it (ID-162): a boolean, the words for one, or a number.
 * Whatever else it is, or when it is missing, nobody vouches.
 */
export function isVerified(claim: unknown): boolean {
  switch (typeof claim) {
    case 'boolean':
      return claim
    case 'number':
      return claim !== 0 && !Number.isNaN(claim)
    case 'string':
      return /^(1|t|true)$/i.test(claim)
    default:
      return false
  }
}

/**
 * Whether the part of the address behind its last `@` is one of the domains (ID-162, L-S1): exactly, but for case and
 * for an `@` before the domain in the settings. No domains allow every address.
 */
export function isAllowedDomain(email: string, domains: readonly string[]): boolean {
  if (domains.length === 0) return true
  const at = email.lastIndexOf('@')
  if (at <= 0) return false
  const domain = lowerAscii(email.slice(at + 1))
  return domains.some((allowed) => lowerAscii(allowed.replace(/^@/, '')) === domain && domain !== '')
}

/** Whether a text can be an address at all, as accounts hold them. */
export function isEmail(text: string): boolean {
  return text.length <= 254 && /^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u.test(text) && ![...text].some(becomesAscii)
}

/** Some letters turn into others when addresses are compared without case: a Kelvin sign into a k, and İ into an i. */
function becomesAscii(character: string): boolean {
  return character > '\u007f' && /^[ -~]/.test(character.toLowerCase())
}

function lowerAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}
