/**
 * A redirect target reduced to a path of our own origin (UI-207); `/` when it would lead anywhere else.
 * `target` is re-parsed as the browser would do it, so that `//host`, `/\host` and other schemes are seen.
 */
export function localPath(target: string | undefined, origin: string): string {
  if (target === undefined || !target.startsWith('/')) return '/'
  // Encoded slashes right after the first one are nobody's path, but some proxies decode them.
  if (/^\/(?:[/\\]|%2f|%5c)/i.test(target)) return '/'
  const url = URL.parse(target, origin)
  if (url === null || url.origin !== origin) return '/'
  return url.pathname + url.search
}
