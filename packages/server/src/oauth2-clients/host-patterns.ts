/** Whether a host is one of these: `example.com`, `*.example.com` for all below it, `*` for all. */
export function matchesHost(patterns: readonly string[], hostname: string): boolean {
  return patterns.some((pattern) => {
    if (pattern === '*') return true
    return pattern.startsWith('*.') ? hostname.endsWith(pattern.slice(1)) : hostname === pattern
  })
}
