const ALLOWED = new Set(['http:', 'https:', 'mailto:'])

/** A link from untrusted text, absolute; undefined unless it is http, https or mailto (UI-2005). */
export function safeHref(href: string): string | undefined {
  const url = URL.parse(href)
  return url !== null && ALLOWED.has(url.protocol) ? url.href : undefined
}
